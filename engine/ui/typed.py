"""Commands as people type them. Rule: what is shown can be copied into a shell of this system and means the same."""

from __future__ import annotations

import os
from collections.abc import Sequence


def typed(words: Sequence[str]) -> str:
    """The words with quotes where need be: those of POSIX shells, or those of cmd.exe and PowerShell."""
    if os.name == "nt":
        from subprocess import list2cmdline

        return list2cmdline(words)
    import shlex

    return shlex.join(words)
