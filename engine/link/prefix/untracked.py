"""What is in an environment and of no package: files of users and of pip, copied into a clone of it.

As conda's clone has it: in texts the old prefix becomes the new one, other files stay as they are. Left out are
``conda-meta``, what else a root prefix holds, nested environments, and byte-compiled files that Python makes anew.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
from collections.abc import Iterable, Iterator

from engine.link.files.modes import copy_file
from engine.link.prefix.disk import storage
from engine.link.prefix.meta import META, OURS, is_environment
from engine.model.records import PrefixRecord

_NOT_COPIED = frozenset({META, "pkgs", "envs", "conda-bld", ".conda_lock", ".nonadmin", "locks"})
"""Of the topmost directory (most of conda's ``walk_prefix``)."""

_TRASH = (".conda_trash", ".mamba_trash", ".c~")
_LONGEST_TEXT = 1 << 26
"""Bytes; what is longer is no script and no setting."""


def copy_untracked(source: str, staging: str, prefix: str, records: Iterable[PrefixRecord], *, share: bool) -> None:
    """Copy them from the environment ``source``, that will be ``prefix``. With ``share``, for a source that goes
    afterwards, files that stay as they are may be the same ones (hard links)."""
    tracked = {path for record in records for path in record.files}
    with storage(f"copy the files of {source} that belong to no package"):
        for path in untracked(source, tracked):
            target = os.path.join(staging, path)
            if not os.path.lexists(target):  # a package of the clone has it now
                _make_parents(source, staging, os.path.dirname(path))
                _copy(os.path.join(source, path), target, source, prefix, share=share)


def untracked(prefix: str, tracked: set[str]) -> Iterator[str]:
    """The files and soft links, relative, with forward slashes."""
    stack = [""]
    while stack:
        inner = stack.pop()
        with os.scandir(os.path.join(prefix, inner)) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            path = f"{inner}/{entry.name}" if inner else entry.name
            if (not inner and _is_left_out(entry.name)) or entry.name.endswith(_TRASH):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not is_environment(entry.path):
                    stack.append(path)
            elif path not in tracked and not _is_made_anew(prefix, path):
                yield path


def _is_left_out(name: str) -> bool:
    return name in _NOT_COPIED or name.startswith(OURS)


def _is_made_anew(prefix: str, path: str) -> bool:
    """A byte-compiled file whose source is there."""
    parent, _, name = path.rpartition("/")
    if not (name.endswith(".pyc") and parent.endswith("__pycache__")):
        return False
    return os.path.exists(os.path.join(prefix, os.path.dirname(parent), f"{name.partition('.')[0]}.py"))


def _make_parents(source: str, staging: str, directory: str) -> None:
    """With the permissions that they have."""
    target = os.path.join(staging, directory)
    if directory and not os.path.isdir(target):
        _make_parents(source, staging, os.path.dirname(directory))
        os.mkdir(target)
        shutil.copymode(os.path.join(source, directory), target)


def _copy(path: str, target: str, old: str, new: str, *, share: bool) -> None:
    if os.path.islink(path):
        os.symlink(_moved(os.fsencode(os.readlink(path)), old, new), os.fsencode(target))
        return
    text = _text_with(path, os.fsencode(old)) if os.path.isfile(path) else None
    if text is not None:
        with open(target, "wb") as file:
            file.write(_moved(text, old, new))
        shutil.copystat(path, target)
    elif os.path.isfile(path) and not (share and _link(path, target)):
        copy_file(path, target, reflink=True)
        shutil.copystat(path, target)


def _link(path: str, target: str) -> bool:
    try:
        os.link(path, target)
    except OSError:  # another file system, or one without hard links
        return False
    return True


def _moved(data: bytes, old: str, new: str) -> bytes:
    """With the new prefix for the old one, where that is not just the beginning of another name."""
    return re.sub(re.escape(os.fsencode(old)) + rb"(?![\w.-])", os.fsencode(new).replace(b"\\", rb"\\"), data)


def _text_with(path: str, needle: bytes) -> bytes | None:
    """The content of a text that mentions ``needle``; None for all else."""
    size = os.path.getsize(path)
    if not 0 < size <= _LONGEST_TEXT:
        return None
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(needle) < 0 or data.find(b"\0") >= 0:
            return None
        content = bytes(data)
    try:
        content.decode()
    except UnicodeDecodeError:
        return None
    return content
