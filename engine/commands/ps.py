"""``ps``, ``ps list``, ``ps stop``: the processes that `run` started."""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options
from engine.errors import ExitCode, WhipsnakeError
from engine.shell.processes import RunningProcess, records_dir, running
from engine.shell.prompt import default_env

if TYPE_CHECKING:
    from engine.commands.app import App


class NotOurProcess(WhipsnakeError):
    """A process that `run` started for somebody else."""


def arguments(parser: ArgumentParser) -> None:
    """Nothing but what all commands have."""
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """List them."""
    found = _running(app)
    app.out.result(success=True, processes=[_as_json(process) for process in found])
    if not found:
        app.out.line("No running processes")
        return ExitCode.OK
    from engine.ui.text import plain

    root = app.config.root_prefix
    rows = [(str(item.pid), item.name, default_env(item.prefix, root), " ".join(item.command)) for item in found]
    rows.insert(0, ("PID", "Name", "Environment", "Command"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [plain(cell).ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        app.out.line("  " + "    ".join(cells).rstrip())
    return ExitCode.OK


def _running(app: App) -> list[RunningProcess]:
    return running(records_dir(app.environ, app.config.home))


def _as_json(process: RunningProcess) -> dict[str, object]:
    return {
        "pid": process.pid,
        "name": process.name,
        "prefix": process.prefix,
        "command": list(process.command),
    }


def stop(name: str, app: App) -> int:
    """Ask each process with this number or label to end (SIGTERM; on Windows it is ended, with all that it started).

    That none has it is no failure (micromamba).
    """
    found = [process for process in _running(app) if name in (str(process.pid), process.name)]
    if not found:
        app.out.line(f"Did not find any matching process: none that `run` started is called {name!r}.")
    for process in found:
        app.out.line(f"Stopping {process.name} [{process.pid}]")
        try:
            (_end_with_children if os.name == "nt" else _ask_to_end)(process.pid)
        except PermissionError as error:
            raise NotOurProcess(f"Could not stop process {process.pid}: it belongs to somebody else.") from error
    app.out.result(success=True, stopped=[process.pid for process in found])
    return ExitCode.OK


def _ask_to_end(pid: int) -> None:
    with suppress(ProcessLookupError):  # it was faster
        os.kill(pid, signal.SIGTERM)


def _end_with_children(pid: int) -> None:
    """On Windows `run` waits for the program, which would go on without it."""
    import subprocess

    from engine.system.process import is_alive

    subprocess.run(["taskkill", "/PID", str(pid), "/T", "/F"], capture_output=True, check=False)
    if is_alive(pid):
        raise PermissionError
