"""The command line: argv → command → exit code.

Rule of this file: it finds the command, hands it its arguments, and is the one place that turns an error into
words and an exit code. It knows no command by itself; `engine.commands.COMMANDS` is the table.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

from engine.version import version_as


def main(argv: list[str] | None = None) -> int:
    """Run the command in ``argv`` (default: the process's arguments) and return its exit code."""
    try:
        return _main(argv)
    except KeyboardInterrupt:  # while the program was still being loaded: nothing has been done yet
        print("error: Interrupted.", file=sys.stderr)  # noqa: T201 - there may be nothing yet that says it better
        return 130


def _main(argv: list[str] | None) -> int:
    words = sys.argv[1:] if argv is None else argv
    if words in (["--version"], ["-V"]):
        try:
            print(version_as(sys.argv[0]), flush=True)  # noqa: T201 - the quickest answer there is: nothing else is imported
        except OSError:
            pass  # what can't be written is told below
        else:
            return 0
    if argv is None:
        _import_msgspec()
    from engine.commands.dispatch import dispatch

    return dispatch(words) if argv is not None else _as_process(dispatch, words)


def _import_msgspec() -> None:
    """Import it without typing_extensions, from which it takes two names that `typing` has since Python 3.11.

    That module brings `inspect`, `ast` and `dis`: a fifth of all the time that a short command takes.
    """
    if sys.version_info >= (3, 11) and "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # it can't be imported
        try:
            import msgspec  # noqa: F401
        finally:
            del sys.modules["typing_extensions"]


GARBAGE = (100_000, 20, 100)
"""How seldom garbage is looked for (see `gc.set_threshold`)."""


def _as_process(run: Callable[[list[str]], int], words: list[str]) -> int:
    """Run a command in a process that ends with it: looking for garbage as often as usual takes a fifth of a solve.

    Nearly all objects live until the end, and few are in cycles. At the end Python would look through all of them
    again before it hands their memory back to the system, which takes it anyway.
    """
    gc.set_threshold(*GARBAGE)
    try:
        return run(words)
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
