"""Where the user's own files are, also where HOME says nothing (``HOME= command``, a container's bare user number)."""

from __future__ import annotations

import os


def home_directory() -> str:
    """HOME, else what the system knows of the user; the root directory for a user whom nobody knows."""
    home = os.path.expanduser("~")  # the root directory, if HOME is empty
    if os.path.isabs(home) and (os.environ.get("HOME") != "" or os.name == "nt"):
        return home
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):
        return os.path.abspath(os.sep)
