"""The command line: argv → command → exit code.

Rule of this file: it finds the command, hands it its arguments, and is the one place that turns an error into
words and an exit code. It knows no command by itself; `engine.commands.COMMANDS` is the table.
"""

from __future__ import annotations

import sys

from engine.version import __version__


def main(argv: list[str] | None = None) -> int:
    """Run the command in ``argv`` (default: the process's arguments) and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words in (["--version"], ["-V"]):
        print(__version__)  # noqa: T201 - the quickest answer there is: nothing else is imported
        return 0
    from engine.commands.dispatch import dispatch

    return dispatch(words)


if __name__ == "__main__":
    sys.exit(main())
