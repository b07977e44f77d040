"""The command as it is installed: `cli`, whatever stands in PYTHONPATH.

Rule of this file: what is ours comes first. `cli` and `engine` are names that a project of the user's may have too, and
PYTHONPATH may be meant for another Python. What stands there is looked at last; it stays, for our own needs may be met
from there.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command in the process's arguments and return its exit code."""
    home = os.path.dirname(os.path.abspath(__file__))
    if os.environ.get("PYTHONPATH") and not sys.flags.ignore_environment:
        _put_last({os.path.abspath(path) for path in os.environ["PYTHONPATH"].split(os.pathsep)} - {home})
    sys.path.insert(0, home)
    try:
        from cli import main as run
    finally:
        sys.path.remove(home)
    return run()


def _put_last(places: set[str]) -> None:
    later = [path for path in sys.path if os.path.abspath(path) in places]
    sys.path[:] = [path for path in sys.path if path not in later] + later


if __name__ == "__main__":
    sys.exit(main())
