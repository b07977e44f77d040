"""``env remove``: a whole environment goes."""

from __future__ import annotations

import datetime
import time
from argparse import ArgumentParser, Namespace
from functools import partial

from engine import flow
from engine.commands.app import App
from engine.commands.change import confirm
from engine.commands.options import add_general_options, add_link_options, add_prefix_options
from engine.commands.report import record_json
from engine.environment.environments import existing_prefix
from engine.errors import PrefixError
from engine.link.prefix.present import read_prefix
from engine.link.request import LinkRequest
from engine.link.transaction.remove import remove_prefix
from engine.settings import link_options
from engine.ui.progress import Progress
from engine.ui.text import human_seconds, plural


def arguments(parser: ArgumentParser) -> None:
    """Which environment; nothing else."""
    add_general_options(parser)
    add_prefix_options(parser)
    add_link_options(parser)


def run(args: Namespace, app: App) -> int:
    """Remove the environment that is named (never the active one by itself)."""
    return remove_environment(existing_prefix(app.config, app.out.warning), app)


def remove_environment(prefix: str, app: App) -> int:
    """Ask, remove, unregister."""
    config, out = app.config, app.out
    if prefix == config.root_prefix:
        raise PrefixError(
            f"Could not remove {prefix}: it is the root prefix, which other environments need",
            hint="`whipsnake remove -n base --all` removes all packages in it.",
        )
    installed = read_prefix(prefix).records
    actions = {"FETCH": [], "LINK": [], "UNLINK": [record_json(record) for record in installed], "PREFIX": prefix}
    out.result(actions=actions, prefix=prefix, dry_run=config.dry_run)
    out.line(
        f"The environment {prefix} with {plural(len(installed), 'package')} will be removed, with all files in it."
    )
    if config.dry_run:
        out.result(success=True)
        out.line("Dry run. Not executing the transaction.")
        return 0
    if app.asks and not confirm("Remove it"):
        out.line("Nothing was changed.")
        return 0
    began = time.monotonic()
    progress = Progress(out, bars=False, verbose=config.verbose)
    request = LinkRequest(
        prefix=prefix,
        platform=config.platform,
        now=datetime.datetime.now(),
        options=link_options(config, app.environ),
    )
    flow.run(partial(remove_prefix, request, progress))
    out.result(success=True)
    out.line(f"Environment removed at prefix: {prefix} ({human_seconds(time.monotonic() - began)})")
    return 0
