"""``bulk``: many environments in one run, from a folder of environment files, a manifest or standard input."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from functools import lru_cache

from engine.bulk.judging import Wish, judge
from engine.bulk.manifest import Entry
from engine.bulk.orders import Order, OrderContext, check_clashes, understand
from engine.bulk.report import summary_json
from engine.bulk.results import Options, Result, State, Task, Totals
from engine.bulk.sources import SourceContext, read_entries
from engine.commands.app import App
from engine.commands.options import (
    add_channel_options,
    add_flag,
    add_general_options,
    add_linking_options,
    add_network_options,
    add_solve_options,
    add_switch,
    add_value,
)
from engine.commands.tracing import save_trace, trace_of
from engine.errors import ConfigError, ExitCode, WhipsnakeError
from engine.system.failure import Failure
from engine.system.machine import Machine, detect_machine
from engine.ui.bulk import BulkProgress
from engine.ui.bulk_text import report_lines

OPTIONS = {"always_yes": True}
"""Nothing is asked: what would be lost needs --update or --recreate anyway."""

_DESCRIPTION = """\
Make many environments in one run. Each channel is read once, equal requests are solved once, each package is fetched,
checked and unpacked once; environments are linked side by side, and each appears whole or not at all. What cannot be
made does not keep the others from being made (--fail-fast: it does); the exit code is 1 if anything failed.

An environment that is as asked, and untouched since, is left as it is in a millisecond. One that exists and is
something else is an error unless --update or --recreate is given.
"""
_EPILOG = """\
examples:
  whipsnake bulk envs/                       every .yml, .yaml and .txt of a folder, called by its `name:` or its file
  whipsnake bulk --prefix-dir /opt/envs envs/*.yml
  whipsnake bulk environments.yaml           a manifest: `environments: {web: web.yml, docs: {specs: [sphinx]}}`
  generate-list | whipsnake bulk --json -    a manifest (YAML or JSON) on standard input, a line of JSON for each result
"""


def arguments(parser: ArgumentParser) -> None:
    """What to make, and how to go about it."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    text = "folders, environment files (.yml, .yaml, lists, @EXPLICIT), manifests; '-' is a manifest on standard input"
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=text)
    group = parser.add_argument_group("bulk options")
    text = "make environments that have a name in this directory (default: where `create -n` makes them)"
    add_value(group, "--prefix-dir", dest="prefix_dir", metavar="DIR", help=text)
    text = (
        "call environments by the `name:` in their file, else by the file's stem ('name', the default), or always by it"
    )
    add_value(group, "--name-by", dest="name_by", choices=("name", "stem"), help=text)
    text = "processes that solve and link (default: one for each core, at most 8)"
    add_value(group, "-j", "--jobs", dest="jobs", type=int, metavar="N", help=text)
    add_switch(
        group, ["--keep-going"], ["--fail-fast"], dest="keep_going",
        help="make what can be made, though others failed (the default)",
    )  # fmt: skip
    wishes = group.add_mutually_exclusive_group()
    text = "change environments that are not as asked, into what a new one would be; other files in them stay"
    add_flag(wishes, "--update", dest="wish", value="update", help=text)
    text = "replace environments that are not as asked by new ones"
    add_flag(wishes, "--recreate", dest="wish", value="recreate", help=text)
    add_general_options(parser)
    text = "where envs/ and pkgs/ are"
    add_value(parser, "-r", "--root-prefix", dest="root_prefix", metavar="PATH", help=text)
    add_network_options(parser)
    add_channel_options(parser)
    add_solve_options(parser)
    add_linking_options(parser)


def run(args: Namespace, app: App) -> int:
    """Read, judge, make, report."""
    app.out.use_lines()
    return _Bulk(args, app).run()


class _Bulk:
    """One run of the command."""

    def __init__(self, args: Namespace, app: App) -> None:
        self.app, self.config, self.options = app, app.config, vars(args)
        self.sources: Sequence[str] = args.sources
        self.results: dict[int, Result] = {}
        self.tasks: list[Task] = []

    def run(self) -> int:
        """The exit code."""
        config = self.config
        if config.no_cache:
            raise ConfigError(
                "bulk can't do without a package cache (--no-cache): its environments share what is unpacked there",
                hint="Leave it away, and run `whipsnake clean --all --yes` afterwards; or make them one by one.",
            )
        entries = read_entries(self.sources, SourceContext(config.platform, config.cwd, config.home))
        orders = self._orders(entries)
        labels = [orders[number].label if number in orders else _label(entry) for number, entry in enumerate(entries)]
        live = self.app.out.is_terminal and not (config.ci or config.quiet or config.json)
        self._judge(orders)
        progress = BulkProgress(self.app.out, labels, live=live and bool(self.tasks), verbose=config.verbose,
                                urls=config.dry_run)  # fmt: skip
        totals = Totals()
        try:
            for number, result in sorted(self.results.items()):
                progress.finished(number, result)
            if self.tasks and not (self._is_fail_fast and self._failures):
                totals = self._make(progress, labels)
        finally:
            progress.close()
            self._stop_rest(entries, orders, progress)
            self._report(totals)
        return self._code()

    @property
    def _is_fail_fast(self) -> bool:
        return self.options.get("keep_going") is False

    @property
    def _failures(self) -> list[Failure]:
        return [result.failure for result in self.results.values() if result.failure is not None]

    # --- what is asked for

    def _orders(self, entries: Sequence[Entry]) -> dict[int, Order]:
        """Those that can be understood; the others have failed."""
        app, found = self.app, {}
        context = OrderContext(
            config=self.config,
            environ=app.environ,
            machine=lru_cache(self._machine),
            fetch=self._fetch,
            directory=str(self.options.get("prefix_dir") or ""),
            name_by_stem=self.options.get("name_by") == "stem",
            no_deps=bool(self.options.get("no_deps")),
            only_deps=bool(self.options.get("only_deps")),
        )
        for number, entry in enumerate(entries):
            try:
                found[number] = understand(entry, context)
            except WhipsnakeError as error:
                self._refuse(number, _label(entry), entry.prefix, entry.source, error)
        for order in found.values():
            for notice in order.asked.notices:
                app.out.warning(notice)
        check_clashes(list(found.values()))
        return found

    def _fetch(self, url: str) -> bytes:
        from engine.commands.asking import fetch_file

        return fetch_file(url, self.app)

    def _machine(self, platform: str) -> Machine:
        if platform == self.config.platform:
            return self.app.machine
        return detect_machine(platform, self.app.environ, self.config.override_virtual_packages)

    def _judge(self, orders: dict[int, Order]) -> None:
        """Part what is as asked, or can't be, from what there is to do."""
        wish: Wish = self.options.get("wish", "keep")
        for number, order in orders.items():
            try:
                how = judge(order, wish, heal=not (self.config.dry_run or self.config.download_only))
            except WhipsnakeError as error:
                self._refuse(number, order.label, order.prefix, order.source, error)
                continue
            if how is None:
                self.results[number] = _result(order, "unchanged")
            else:
                self.tasks.append(Task(number, order, how))

    def _refuse(self, number: int, label: str, prefix: str, source: str, error: WhipsnakeError) -> None:
        failure = Failure.of(error)
        self.results[number] = Result(label=label, prefix=prefix, source=source, state="failed", failure=failure)

    # --- doing it

    def _make(self, progress: BulkProgress, labels: Sequence[str]) -> Totals:
        from engine.bulk.run import Run
        from engine.ui.bulk_trace import TracedWatch

        options = Options(
            config=self.config,
            environ=self.app.environ,
            command=self.app.command,
            jobs=max(0, int(self.options.get("jobs") or 0)),
            fail_fast=self._is_fail_fast,
        )
        trace = trace_of(self.app)
        run = Run(self.tasks, options, TracedWatch(progress, trace, labels) if trace else progress)
        try:
            run.run()
        finally:
            self.results |= run.results
            save_trace(trace, app=self.app)
        return run.totals

    # --- the end

    def _stop_rest(self, entries: Sequence[Entry], orders: dict[int, Order], progress: BulkProgress) -> None:
        for number in range(len(entries)):
            if number not in self.results:
                self.results[number] = _result(orders[number], "stopped")
                progress.finished(number, self.results[number])

    def _report(self, totals: Totals) -> None:
        results = [result for _, result in sorted(self.results.items())]
        self.app.out.result(**summary_json(results, totals), success=not self._failures)
        for line in report_lines(results, totals):
            self.app.out.line(line)

    def _code(self) -> int:
        codes = {failure.code for failure in self._failures}
        return ExitCode.BUG if ExitCode.BUG in codes else ExitCode.FAILURE if codes else ExitCode.OK


def _label(entry: Entry) -> str:
    """What to call an environment whose file could not be read."""
    if entry.name or not entry.files:
        return entry.name or os.path.basename(entry.prefix)
    return os.path.splitext(os.path.basename(entry.files[0]))[0]


def _result(order: Order, state: State) -> Result:
    return Result(label=order.label, prefix=order.prefix, source=order.source, state=state)
