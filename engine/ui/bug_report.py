"""What we need to know about a fault of our own: traceback, versions, command; secrets masked."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback

from engine.model.channel import mask_secrets
from engine.model.url import MASK
from engine.version import __version__


def write_report(error: Exception, words: list[str]) -> str | None:
    """Write the report to a file that only the user reads; returns its path, or None where no file can be made."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    text = (
        f"whipsnake {__version__}, Python {sys.version.split()[0]}, {platform.platform()}\n"
        f"command: whipsnake {' '.join(_without_secrets(words))}\n\n{trace}"
    )
    try:
        handle, path = tempfile.mkstemp(prefix="whipsnake-fault-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(mask_secrets(text))
    except OSError:
        return None
    return path


def _without_secrets(words: list[str]) -> list[str]:
    """The words of the command line; of `auth` only the command, since what follows may be a password."""
    return [*words[: words.index("auth") + 2], MASK] if "auth" in words else words
