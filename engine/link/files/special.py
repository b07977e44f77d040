"""What of a package is not just linked: files whose content is changed for one prefix, and its soft links.

Rule of this file: values in, files and values out; whose a path is and what that means was decided before. It imports
little, and its values can be marshalled, because the processes that make links (`engine.link.files.hands`) use it too:
in threads, every system call of it would wait for the interpreter's lock.
"""

from __future__ import annotations

import errno
import hashlib
import os

from engine.link.files import placeholder
from engine.system.file_io import read_file, write_all
from engine.system.writing import TIMES_BY_HANDLE, create

LINK, TEXT, BINARY = "link", "text", "binary"
"""What to do: make the same soft link; put the prefix in place of the placeholder, in text or in C strings."""
Special = tuple[str, str, str, str]
"""What to do; the file or link; the path that it gets; the placeholder. (Paths are absolute.)"""
LINKED, CHANGED, UNSIGNED, SAME, NO_ROOM, FAILED = "linked", "changed", "unsigned", "same", "no room", "failed"
Done = tuple[str, str, int]
"""What became of it: `LINKED`; `CHANGED`, with digest and size; `UNSIGNED`, the same with a signature that could not be
made good; `SAME`: nothing was to be changed, or it is no link, and nothing was made; `NO_ROOM` for so long a prefix;
`FAILED`, with the path in question and the error's number. After the last two, the rest was not begun."""

SECOND = 1_000_000_000
"""In nanoseconds: so much later is a file whose content was changed, so that no byte-compiled file made from the old
one passes as current."""


def make(specials: list[Special], prefix: str, platform: str) -> list[Done]:
    """Make them, in their order; ``prefix`` is what is written into files. Raises nothing."""
    found: list[Done] = []
    for special in specials:
        try:
            done = _link(special) if special[0] == LINK else _change(special, prefix, platform)
        except placeholder.PrefixTooLong:
            done = NO_ROOM, "", 0
        except OSError as error:
            named = error.filename2 or error.filename  # of a link that could not be made, its place and not its target
            named = named if isinstance(named, str) else special[2]
            done = FAILED, named, error.errno or 0
        found.append(done)
        if done[0] in (NO_ROOM, FAILED):
            break
    return found


def _link(special: Special) -> Done:
    _, source, target, _ = special
    try:
        destination = os.readlink(source)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return SAME, "", 0  # listed as a link, but unpacked as a file
    os.symlink(destination, target)
    return LINKED, "", 0


def _change(special: Special, prefix: str, platform: str) -> Done:
    kind, source, target, old = special
    data, facts = read_file(source)
    new, signed = changed(data, old, prefix, binary=kind == BINARY, platform=platform)
    if new == data:
        return SAME, "", 0
    digest = write(target, new, facts.st_mode, facts.st_mtime_ns + SECOND)
    return CHANGED if signed else UNSIGNED, digest, len(new)


def changed(data: bytes, old: str, prefix: str, *, binary: bool, platform: str) -> tuple[bytes, bool]:
    """The content with ``prefix`` for the placeholder ``old``, and whether its signature is good, if it needs one: for
    Apple Silicon, where nothing with a void signature runs. Raises `PrefixTooLong`."""
    new = placeholder.replace(data, old, prefix, binary=binary, platform=platform)
    if platform != "osx-arm64" or new == data:
        return new, True
    from engine.link.files import mach_o

    if not mach_o.is_mach_o(new):
        return new, True
    signed = mach_o.resigned(new) if len(data) == len(new) else None
    return (new, False) if signed is None else (signed, True)


def write(path: str, data: bytes, mode: int, mtime_ns: int | None) -> str:
    """Make a file with exactly these permissions; its sha256. Raises `OSError`."""
    file = create(path, mode)
    try:
        write_all(file, data)
        if mtime_ns is not None and TIMES_BY_HANDLE:
            os.utime(file, ns=(mtime_ns, mtime_ns))
    finally:
        os.close(file)
    if mtime_ns is not None and not TIMES_BY_HANDLE:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    return hashlib.sha256(data).hexdigest()
