"""``env update``: an environment becomes what a file asks for; with ``--prune``, that and no more."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from engine.commands.app import App
from engine.commands.asking import begin_root_prefix, gather_asked, pip_step
from engine.commands.change import Session
from engine.commands.create import activation_lines
from engine.commands.install import place_for, variables_file
from engine.commands.options import add_flag, add_install_options
from engine.config.channels import configured_channels
from engine.errors import UsageError
from engine.link.prefix.meta import takes_packages
from engine.request import InstallRequest

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}

_DEFAULT = "environment.yml"
"""The file that is meant where none is named, as in conda."""


def arguments(parser: ArgumentParser) -> None:
    """The install options, and ``--prune``."""
    add_install_options(parser)
    text = "remove what the file does not ask for and nothing of it needs"
    add_flag(parser.add_argument_group("update options"), "--prune", dest="prune", help=text)


def run(args: Namespace, app: App) -> int:
    """Update (or, where there is none yet, make) the environment."""
    if not args.specs and not vars(args).get("file_specs"):
        if not os.path.isfile(os.path.join(app.config.cwd, _DEFAULT)):
            raise UsageError("Nothing says what the environment shall be.", hint="Name a file with --file FILE.")
        args.file_specs = [_DEFAULT]
    asked = gather_asked(args, app)
    prefix = place_for(app, asked, new=True)
    session = Session(app)
    exists = takes_packages(prefix) or begin_root_prefix(prefix, app.config)
    request = InstallRequest(
        mode="install" if exists else "create",
        prefix=prefix,
        asked=asked,
        channels=configured_channels(app.config),
        only_asked=bool(vars(args).get("prune")),
        no_deps=bool(vars(args).get("no_deps")),
        only_deps=bool(vars(args).get("only_deps")),
        command=app.command,
        files=variables_file(prefix, asked),
    )
    after = pip_step(asked, session, prefix, undo=not exists, update=exists) if asked.pip_parts else None
    outcome = session.run(request, after=after)
    if outcome.summary is not None and app.environ.get("CONDA_PREFIX") != prefix:
        for line in activation_lines(prefix, app.config, app.out.program):
            app.out.line(line)
    session.last_line()
    return 0
