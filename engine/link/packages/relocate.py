"""An installed package is put into another prefix without its archive: its files are still there, in the first one.

Rule of this file: only what is proved to be the package. In files that know their prefix the placeholder is put back;
then every file must have the digest that the package's own list gives it (the record keeps both). A package that was
altered, or whose record lacks digests, is not moved like this but fetched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection

import msgspec

from engine.link.files import placeholder as rewriting
from engine.link.files.modes import copy_file
from engine.link.prefix.disk import storage
from engine.link.prefix.file_lists import listed
from engine.link.prefix.meta import META
from engine.link.prefix.records import head_text, read_records, record_name
from engine.link.request import LinkRequest
from engine.model.records import InstalledPath, PrefixRecord

_SCRIPT = "unix_python_entry_point"
_LOOKS: dict[str, Callable[[str], bool]] = {
    "directory": os.path.isdir,
    "softlink": os.path.islink,
    "pyc_file": lambda _: True,  # python makes it anew
    _SCRIPT: os.path.isfile,
}
"""Kinds of files that have no digest."""


def is_whole(record: PrefixRecord, prefix: str) -> bool:
    """Whether all files of an installed package are there, and are the package's."""
    paths = record.paths_data.paths
    listed = {path.path for path in paths}
    if not paths or not set(record.files) <= listed:
        return False
    try:
        return all(_is_original(os.path.join(prefix, path.path), path, prefix) for path in paths)
    except OSError:
        return False


def _is_original(place: str, path: InstalledPath, prefix: str) -> bool:
    if ".." in path.path.split("/") or os.path.isabs(path.path):
        return False
    look = _LOOKS.get(path.path_type)
    if look is not None:
        return look(place)
    if path.path_type != "hardlink" or path.sha256 is None or os.path.islink(place):
        return False
    if path.prefix_placeholder:
        return hashlib.sha256(_original(place, path, prefix)).hexdigest() == path.sha256
    return _digest(place) == path.sha256


def _digest(place: str) -> str:
    digest = hashlib.sha256()
    with open(place, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _original(place: str, path: InstalledPath, prefix: str) -> bytes:
    """The file as it is in the package."""
    with open(place, "rb") as file:
        data = file.read()
    old, mark = os.fsencode(prefix), os.fsencode(path.prefix_placeholder or "")
    return data.replace(old, mark) if path.file_mode == "text" else _restored(data, old, mark)


def _restored(data: bytes, old: bytes, mark: bytes) -> bytes:
    """C strings get the longer placeholder back, and lose the NULs that were added for it."""
    pieces, done, at = [], 0, data.find(old)
    while at >= 0:
        end = data.find(b"\0", at)
        end = len(data) if end < 0 else end
        string = data[at:end]
        padding = (len(mark) - len(old)) * string.count(old)
        pieces += [data[done:at], string.replace(old, mark)]
        done = end + padding
        at = data.find(old, done)
    return b"".join([*pieces, data[done:]])


def relocate(record: PrefixRecord, request: LinkRequest, staging: str) -> None:
    """Put a package that `is_whole` from ``request.clone_of`` into the staged prefix, with its record."""
    with storage(f"move {record.dist} to {request.prefix}"):
        changed = {path.path: _put(path, request, staging) for path in record.paths_data.paths}
        paths = [
            msgspec.structs.replace(path, sha256_in_prefix=changed[path.path] or path.sha256_in_prefix)
            for path in record.paths_data.paths
        ]
        said = msgspec.json.decode(record.raw, type=dict[str, object]) if record.raw else {}
        requested = request.requested.get(record.name, ())
        text = head_text(said, said.get("link"), requested) + listed(paths)
        with open(os.path.join(staging, META, record_name(record)), "wb") as file:
            file.write(text)


def _put(path: InstalledPath, request: LinkRequest, staging: str) -> str | None:
    """One file; returns its new digest if it was rewritten."""
    origin, target = os.path.join(request.clone_of, path.path), os.path.join(staging, path.path)
    if os.path.lexists(target) or not os.path.lexists(origin):
        return None
    os.makedirs(target if path.path_type == "directory" else os.path.dirname(target), exist_ok=True)
    if path.path_type == "directory":
        return None
    data = _rewritten(origin, path, request)
    if data is not None:
        with open(target, "wb") as file:
            file.write(data)
        shutil.copymode(origin, target)
        return hashlib.sha256(data).hexdigest()
    if os.path.islink(origin) or not (request.moves and _link(origin, target)):
        copy_file(origin, target, reflink=True)
    return None


def _rewritten(origin: str, path: InstalledPath, request: LinkRequest) -> bytes | None:
    old, new = request.clone_of, request.baked
    if path.path_type == _SCRIPT:
        with open(origin, "rb") as file:
            return rewriting.replace_text(file.read(), old, new, request.platform)
    if not path.prefix_placeholder or path.path_type != "hardlink":
        return None
    binary = path.file_mode == "binary"
    original = _original(origin, path, old)
    return rewriting.replace(original, path.prefix_placeholder, new, binary=binary, platform=request.platform)


def relocatable(source: str, names: Collection[str], prefix: str) -> frozenset[str]:
    """Which of some packages of the environment ``source`` can be put into ``prefix`` like this."""
    records = (record for record in read_records(source) if record.name in names) if names else ()
    return frozenset(record.name for record in records if _has_room(record, prefix) and is_whole(record, source))


def _has_room(record: PrefixRecord, prefix: str) -> bool:
    """Whether a prefix fits into the binary files of a package."""
    length = len(os.fsencode(prefix))
    binaries = (path for path in record.paths_data.paths if path.file_mode == "binary" and path.prefix_placeholder)
    return all(length <= len(os.fsencode(path.prefix_placeholder or "")) for path in binaries)


def _link(origin: str, target: str) -> bool:
    try:
        os.link(origin, target)
    except OSError:
        return False
    return True
