"""What every command that changes an environment does around `engine.install`: show, ask, report.

Rule of this file: it owns the order of words on the screen. The commands say what they want as an
`InstallRequest`; the engine does it. The engine is imported when there is something to do: help and completion
import the commands as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from engine.commands.app import App
from engine.commands.report import fetch_json, held_json, held_lines, plan_json, plan_view
from engine.commands.tracing import save_trace, trace_of
from engine.errors import UsageError
from engine.events import PhaseFinished, both
from engine.request import InstallRequest, Outcome, Plan, Services
from engine.ui.plan import plan_lines
from engine.ui.progress import Progress, describe_run


class Session:
    """One change of one environment, as people see it."""

    def __init__(self, app: App) -> None:
        self.app, self.config, self.out = app, app.config, app.out
        bars = self.out.is_terminal and not (self.config.ci or self.config.quiet or self.config.json)
        self.progress = Progress(self.out, bars=bars, verbose=self.config.verbose)
        self.trace = trace_of(app)
        report = both(self.progress, self.trace) if self.trace else self.progress
        self.services = Services(self.config, app.environ, app.machine, report)
        self.declined = False
        self._began = time.monotonic()
        self._waited = 0.0

    def run(self, request: InstallRequest, after: Callable[[Outcome], Awaitable[None]] | None = None) -> Outcome:
        """Do it. ``after`` runs in the same event loop when all is done (the pip part of a file)."""
        if self.config.verify_artifacts:
            raise UsageError(
                "Signatures of packages (verify_artifacts) can't be checked by whipsnake.",
                hint="Leave --verify-artifacts away: digests are always checked.",
            )
        from engine import flow

        try:
            outcome = flow.run(partial(self._run, request, after))
        finally:
            self.progress.close()
            save_trace(self.trace, app=self.app)
        self._report(outcome)
        return outcome

    async def _run(self, request: InstallRequest, after: Callable[[Outcome], Awaitable[None]] | None) -> Outcome:
        from engine.install import install

        outcome = await install(request, self.services, self._accept)
        if after is not None and not self.declined and not self.config.dry_run and not self.config.download_only:
            await after(outcome)
        return outcome

    async def _accept(self, plan: Plan) -> bool:
        """Show the plan, and ask."""
        self.progress.suspend()
        self.out.result(**plan_json(plan, dry_run=self.config.dry_run))
        if plan.transaction.is_empty and plan.request.mode != "create":
            self.out.result(message="All requested packages already installed")
        if plan.held:
            self.out.result(held=[held_json(held) for held in plan.held])
        colours = self.out.is_terminal and _wants_colours(self.app.environ)
        for line in plan_lines(plan_view(plan), colours=colours):
            self.out.line(line)
        for line in held_lines(plan.held):
            self.out.line(line)
        if self.config.dry_run:
            return False
        if self.app.asks and not plan.transaction.is_empty:
            import anyio.to_thread

            began = time.monotonic()
            # Without anybody to ask they are made, as by micromamba: pre-commit and images rely on it.
            ask = partial(confirm, "Confirm changes", unanswered=True)
            self.declined = not await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
            self._waited += time.monotonic() - began
        return not self.declined

    def _report(self, outcome: Outcome) -> None:
        finished = self.progress.finished
        if finished:
            self.out.result(timings={event.phase.value: round(event.seconds, 6) for event in finished})
            self.out.result(fetch=_fetched(outcome, self.progress))
        if outcome.summary is not None:
            self.out.result(link=_numbers(outcome), messages=list(outcome.summary.messages))

    def last_line(self) -> None:
        """What took how long and how much."""
        if self.declined:
            self.out.line("Nothing was changed.")
        elif self.config.dry_run:
            self.out.line("Dry run. Not executing the transaction.")
        else:
            seconds = time.monotonic() - self._began - self._waited
            self.out.line(describe_run(_shown(self.progress.finished), seconds))


def _fetched(outcome: Outcome, progress: Progress) -> dict[str, int]:
    plan, received = outcome.plan, progress.received
    return fetch_json(len(plan.transaction.link), len(plan.to_fetch), received["package"], received["repodata"])


def _wants_colours(environ: Mapping[str, str]) -> bool:
    """Whether a terminal may be coloured (no-color.org; a dumb terminal shows the codes as text)."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _shown(finished: list[PhaseFinished]) -> list[PhaseFinished]:
    """Phases that did something."""
    return [event for event in finished if event.items or event.bytes]


def _numbers(outcome: Outcome) -> dict[str, int]:
    summary = outcome.summary
    names = [
        "files",
        "bytes",
        "hardlinked",
        "reflinked",
        "copied",
        "softlinked",
        "unpacked",
        "rewritten",
        "compiled",
        "bytecode",
    ]
    return {name: getattr(summary, name) for name in names}


def confirm(question: str, *, default: bool = True, unanswered: bool | None = None) -> bool:
    """Ask on the terminal. ``unanswered`` counts where the input ends; without it that is a `UsageError`."""
    while True:
        sys.stdout.write(f"{question}: [{'Y/n' if default else 'y/N'}] ")
        sys.stdout.flush()
        answer = sys.stdin.readline()
        if not answer and unanswered is not None:
            sys.stdout.write(f"{'y' if unanswered else 'n'} (nobody answers)\n")
            return unanswered
        if not answer:
            sys.stdout.write("\n")
            raise UsageError(
                "Nobody answered whether to go on, so nothing was changed.",
                hint="Use --yes to go on without being asked, --dry-run to see what would be done.",
            )
        found = {"": default, "y": True, "yes": True, "n": False, "no": False}.get(answer.strip().lower())
        if found is not None:
            return found
