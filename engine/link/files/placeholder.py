"""Replaces the prefix of the build machine in a file's bytes. Pure: bytes in, bytes out. Rule: never corrupt.

Behaves as conda's ``core/portability.py``, with two differences: a binary string without a terminator at the end
of the file is replaced too, and a long or spaced shebang of Python becomes the two lines that work without
activation (as in scripts of entry points) instead of ``/usr/bin/env python``.

Text: every occurrence, in UTF-8, UTF-16 and UTF-32 of both byte orders. Binary: whole C strings, filled up with
NULs to their old length, which is impossible if the prefix is longer than the placeholder: `PrefixTooLong`.
"""

from __future__ import annotations

import re
import struct

from engine.link.plan.shebang import exec_lines, max_shebang
from engine.model.platform import is_windows

ENCODINGS = (("utf-8", 1), ("utf-16-be", 2), ("utf-16-le", 2), ("utf-32-be", 4), ("utf-32-le", 4))
"""Encodings that placeholders are found in, and the bytes of one NUL in each.

Big-endian first: the bytes of one order are also found, one off, in text of the other, and only little-endian text
read as big-endian has its end in the same place.
"""

_SHEBANG = re.compile(rb"#![ ]*(/(?:\\ |[^ \n\r\t])*)([^\n\r]*)")
_PYTHON = re.compile(rb"pythonw?\d*(?:\.\d+)*t?")


class PrefixTooLong(ValueError):
    """The new prefix has no room in a C string of the file."""


def replace(data: bytes, placeholder: str, prefix: str, *, binary: bool, platform: str) -> bytes:
    """``data`` with ``prefix`` for ``placeholder``; the same object if nothing was to replace."""
    if not placeholder:
        return data
    if binary:
        if is_windows(platform):
            return _replace_launcher(data, placeholder.encode(), prefix.encode())
        return replace_binary(data, placeholder, prefix)
    return replace_text(data, placeholder, prefix, platform)


def replace_text(data: bytes, placeholder: str, prefix: str, platform: str) -> bytes:
    """All occurrences; on Windows with forward slashes, so that nothing in a string literal needs escaping."""
    if is_windows(platform):
        prefix = prefix.replace("\\", "/")
    elif data.startswith(b"#!"):
        data = _replace_shebang(data, placeholder.encode(), prefix.encode(), platform)
    for encoding, _ in ENCODINGS:
        old = placeholder.encode(encoding)
        if old in data:
            data = data.replace(old, prefix.encode(encoding))
    return data


def _replace_shebang(data: bytes, old: bytes, new: bytes, platform: str) -> bytes:
    """The first line with the prefix in it, made one that the kernel takes. Others are left as they are."""
    end = data.find(b"\n")
    line = data if end < 0 else data[:end]
    match = _SHEBANG.match(line)
    if match is None or old not in match[1]:
        return data
    executable, options = match[1].replace(old, new), match[2]
    whole = b"#!" + executable + options
    if b" " in new or len(whole.rstrip(b"\r")) > max_shebang(platform):
        whole = _long_shebang(executable, options)
    return whole + data[len(match[0]) :]


def _long_shebang(executable: bytes, options: bytes) -> bytes:
    name = executable.rpartition(b"/")[2]
    if not _PYTHON.fullmatch(name):
        return b"#!/usr/bin/env " + name + options  # needs the environment to be active
    return exec_lines(executable, options)


def replace_binary(data: bytes, placeholder: str, prefix: str) -> bytes:
    """Replace in C strings and keep every length; raises `PrefixTooLong`."""
    for encoding, width in ENCODINGS:
        old, new = placeholder.encode(encoding), prefix.encode(encoding)
        at = data.find(old)
        if at >= 0:
            if len(new) > len(old):
                raise PrefixTooLong
            data = _replace_strings(data, old, new, width, at)
    return data


def _replace_strings(data: bytes, old: bytes, new: bytes, width: int, at: int) -> bytes:
    """Rebuild ``data`` from the pieces between strings; ``at`` is where ``old`` occurs first."""
    pieces: list[bytes] = []
    done = 0
    while at >= 0:
        end = _string_end(data, at + len(old), width)
        string = data[at:end]
        replaced = string.replace(old, new)
        pieces += (data[done:at], replaced, bytes(len(string) - len(replaced)))
        done = end
        at = data.find(old, end)
    pieces.append(data[done:])
    return b"".join(pieces)


def _string_end(data: bytes, start: int, width: int) -> int:
    """Where the string that goes on at ``start`` ends: its NUL (aligned to ``width``), or the end of the data."""
    nul = bytes(width)
    end = data.find(nul, start)
    while end >= 0 and (end - start) % width:
        end = data.find(nul, end + 1)
    return len(data) if end < 0 else end


def _replace_launcher(data: bytes, old: bytes, new: bytes) -> bytes:
    """On Windows only a launcher is rewritten: an executable, then a shebang, then a zip archive at the very end.

    The layout is that of distlib's script maker. The shebang may change its length, because the archive's offsets
    are counted from its own beginning.
    """
    tail = data.rfind(b"PK\x05\x06")  # the zip's end of central directory
    if tail < 0 or tail + 20 > len(data):
        return data
    size, offset = struct.unpack_from("<LL", data, tail + 12)
    start = tail - size - offset
    shebang = data.rfind(b"#!", 0, start) if start > 0 else -1
    if shebang <= 0:
        return data
    return data[:shebang] + data[shebang:start].replace(old, new) + data[start:]
