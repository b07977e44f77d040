"""What the commands about package archives share."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_value
from engine.errors import UsageError
from engine.fetch.archive.pack import DEFAULT_LEVELS, LEVELS

if TYPE_CHECKING:
    from engine.commands.app import App


def add_compression_options(parser: ArgumentParser) -> None:
    """How hard to compress."""
    group = parser.add_argument_group("compression options")
    text = "1 to 9 for .tar.bz2 (9 unless said otherwise), 1 to 22 for .conda (15)"
    add_value(group, "-c", "--compression-level", dest="compression_level", type=int, metavar="N", help=text)
    text = "threads for .conda (1 unless said otherwise; 0: one for each core)"
    add_value(group, "--compression-threads", dest="compression_threads", type=int, metavar="N", help=text)


def level_for(ending: str, args: Namespace) -> int:
    """The level that is asked for; `UsageError` if the format has no such level."""
    level: int = vars(args).get("compression_level", DEFAULT_LEVELS[ending])
    level = 1 if level == 0 else DEFAULT_LEVELS[ending] if level == -1 else level  # micromamba's words for both
    if level not in LEVELS[ending]:
        levels = LEVELS[ending]
        raise UsageError(f"--compression-level is {level}, expected {levels[0]} to {levels[-1]} for {ending}.")
    return level


def threads_of(args: Namespace) -> int:
    """The number of threads; `UsageError` for a negative one."""
    threads: int = vars(args).get("compression_threads", 1)
    if threads < 0:
        raise UsageError(f"--compression-threads is {threads}, expected at least 0.")
    return threads


def absolute(path: str, app: App) -> str:
    """``path`` from the working directory on."""
    return os.path.normpath(os.path.join(app.config.cwd, os.path.expanduser(path)))
