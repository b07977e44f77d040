"""``--trace FILE``: what is recorded, and when it is written.

Rule of this file: it is written whatever happened, and that it can't be must not hide what happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.app import App
from engine.errors import StorageError

if TYPE_CHECKING:
    from engine.ui.trace import Trace


def trace_of(app: App) -> Trace | None:
    """What is to become the file, if one was asked for."""
    if not app.options.get("trace"):
        return None
    from engine.ui.trace import Trace

    return Trace()


def save_trace(trace: Trace | None, *, app: App) -> None:
    """Write it."""
    if trace is None:
        return
    try:
        trace.save(str(app.options["trace"]))
    except StorageError as error:
        app.out.warning(error.message)
