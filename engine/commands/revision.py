"""``install --revision N``: an environment becomes again what it was."""

from __future__ import annotations

from argparse import Namespace

from engine.commands.app import App
from engine.commands.change import Session
from engine.config.channels import configured_channels
from engine.environment.environments import existing_prefix
from engine.errors import UsageError
from engine.request import InstallRequest


def go_back(number: int, args: Namespace, app: App) -> int:
    """Bring the packages of a revision back, and what had been asked for then."""
    if args.specs or vars(args).get("file_specs"):
        raise UsageError("A revision says what is to be installed: don't name packages or files with --revision.")
    session = Session(app)
    request = InstallRequest(
        mode="install",
        prefix=existing_prefix(app.config, app.out.warning),
        channels=configured_channels(app.config),
        revision=number,
        command=app.command,
    )
    session.run(request)
    session.last_line()
    return 0
