"""The process's standard streams, made fit for whatever we have to say.

Rule of this file: it changes the streams once, at the start, so that nobody later has to think of them. A stream
that somebody closed (``>&-``) leads to the null device; a terminal or log whose encoding lacks a character gets a
plainer one instead of an exception; and every line is written when it is said, also into a pipe.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

PLAIN_ERRORS = "whipsnake.plain"
"""The name of the error handler that `plain_characters` is registered as."""

_PLAIN = {"─": "-", "·": "-", "…": "...", "→": "->", "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-"}
_DESCRIPTORS = (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))


def plain_characters(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for characters that an encoding lacks: see `codecs.register_error`.

    Bytes of a file name that were no text to Python become those bytes again; our own signs have plain forms; all
    else is written as an escape.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    plain = _PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode("ascii")
    return plain, error.start + 1


def prepare_streams() -> None:
    """Make ``sys.stdin``, ``sys.stdout`` and ``sys.stderr`` usable, whatever we were started with."""
    codecs.register_error(PLAIN_ERRORS, plain_characters)
    for name, mode in _DESCRIPTORS:
        if getattr(sys, name) is None:
            # The lowest free number is the one that is missing. Left free, the next file opened would get it, and
            # what children print would land in that file.
            number = os.open(os.devnull, mode)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "r" if mode == os.O_RDONLY else "w", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN_ERRORS, line_buffering=True)


def silence(number: int) -> None:
    """Let what is still to be written to a descriptor vanish: Python would complain of it when it ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
