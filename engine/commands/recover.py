"""``recover``: puts right what a dead process left half done. Other commands do so by themselves; this one waits."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import anyio.to_thread

from engine import flow
from engine.commands.app import App
from engine.commands.options import add_general_options, add_prefix_options
from engine.config.prefixes import required_prefix
from engine.link.prefix.lock import place_lock, prefix_lock
from engine.link.prefix.meta import is_environment
from engine.link.transaction.recover import recover
from engine.settings import link_options
from engine.ui.progress import Progress

OPTIONS = {"use_target_prefix_fallback": True}


def arguments(parser: ArgumentParser) -> None:
    """Which environment."""
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Heal, and say what was done."""
    prefix = required_prefix(app.config.target_prefix)
    options = link_options(app.config, app.environ)
    progress = Progress(app.out, bars=False, verbose=app.config.verbose)

    async def heal() -> str | None:
        lock = prefix_lock if is_environment(prefix) else place_lock
        async with lock(prefix, options, progress):
            return await anyio.to_thread.run_sync(recover, prefix)

    note = flow.run(heal)
    app.out.result(prefix=prefix, healed=note is not None, message=note or "", success=True)
    app.out.line(note or f"There was nothing to put right in {prefix}.")
    return 0
