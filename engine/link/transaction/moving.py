"""An environment gets another place: it is built anew there, because its files know where they are, and goes here.

Rule of this file: the two journals that make one transaction of it. The old place says where the new one will be
("rename"), the new one, once it is complete, where it came from ("moved"). Until the latter is there the old place is
the environment, from then on the new one; `recover` at either does what is left.
"""

from __future__ import annotations

import os

from engine.events import Notice, Report
from engine.link.prefix.registry import unregister
from engine.link.request import LinkRequest
from engine.link.transaction.journal import Journal, drop_journal, read_journal, write_journal
from engine.link.transaction.vanish import vanish


def begin_move(request: LinkRequest) -> None:
    """Before the new place appears."""
    write_journal(request.clone_of, Journal(kind="rename", target=request.prefix))


def undo_move(request: LinkRequest) -> None:
    """The new place did not appear, or had to go again."""
    if os.path.isdir(request.clone_of) and read_journal(request.clone_of) is not None:
        drop_journal(request.clone_of)


def commit_move(request: LinkRequest) -> None:
    """The new place is there and complete."""
    write_journal(request.prefix, Journal(kind="moved", source=request.clone_of))


def end_move(request: LinkRequest, report: Report) -> None:
    """The old place goes."""
    vanish(request.clone_of)
    drop_journal(request.prefix)
    registry = request.options.registry
    problem = unregister(registry, request.clone_of) if registry else None
    if problem:
        report(Notice("warning", problem))
