"""The first line of a script, made one that the kernel takes. Pure.

Rule: where the kernel would not take it (too long, or a space in the path), two lines stand for it that both sh and
Python can read: for sh an ``exec``, for Python a text in triple quotes. The environment need not be active for either.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

import re

from engine.model.platform import is_osx

_SPECIAL = re.compile(rb'([\\"$`])')
"""What means something inside double quotes of sh."""


def max_shebang(platform: str) -> int:
    """The longest first line, in bytes, that the kernels of a platform take (older Linux: 127; macOS: 512)."""
    return 512 if is_osx(platform) else 127


def python_shebang(python: str, platform: str) -> str:
    """The first line (with its newline), or two, that runs the script with this interpreter (an absolute path)."""
    line = f"#!{python}\n"
    if len(line.encode()) - 1 > max_shebang(platform) or " " in python:
        return f"{exec_lines(python.encode()).decode()}\n"
    return line


def exec_lines(python: bytes, options: bytes = b"") -> bytes:
    """The two lines, without the last newline; ``options`` begin with a space."""
    quoted = _SPECIAL.sub(rb"\\\1", python)
    return b"#!/bin/sh\n'''exec' \"" + quoted + b'"' + options + b' "$0" "$@" #\'\'\''
