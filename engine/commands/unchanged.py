"""What is said where everything that was asked for is there already: the same as after a solve that changes nothing.

Rule of this file: words only, and no import of what solves, fetches or links.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.commands.app import App
from engine.commands.report import fetch_json, no_actions
from engine.ui.plan import PlanView, plan_lines
from engine.ui.progress import describe_run


def tell_unchanged(app: App, prefix: str, specs: Sequence[str], seconds: float) -> None:
    """The (empty) transaction and the last line; in JSON the keys of every change."""
    app.out.result(**no_actions(prefix, dry_run=app.config.dry_run))
    app.out.result(message="All requested packages already installed", timings={}, fetch=fetch_json())
    for line in plan_lines(PlanView(prefix, tuple(specs), (), (), 0)):
        app.out.line(line)
    app.out.line("Dry run. Not executing the transaction." if app.config.dry_run else describe_run([], seconds))
