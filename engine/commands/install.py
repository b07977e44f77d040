"""``install``: packages into an environment that exists, or (as conda's users ask for it) into a new one."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from engine.commands.app import App
from engine.commands.asking import begin_root_prefix, gather_asked, pip_step, take_file_name
from engine.commands.change import Session
from engine.commands.options import add_flag, add_install_options, add_value
from engine.config.channels import configured_channels
from engine.config.prefixes import check_place, required_prefix
from engine.errors import PrefixError, UsageError
from engine.healing import healed
from engine.inputs import Asked
from engine.link.meta import is_environment
from engine.request import InstallRequest
from engine.state import read_state, state_file

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}
"""Where nothing is named and nothing active, the root prefix is meant, as in micromamba."""


def arguments(parser: ArgumentParser) -> None:
    """The install options, and what is to become of packages that are there."""
    add_install_options(parser)
    group = parser.add_argument_group("install options")
    add_flag(group, "--freeze-installed", dest="freeze_installed", help="leave installed packages as they are")
    add_flag(group, "--force-reinstall", dest="force_reinstall", help="put packages in again that are there")
    text = "not yet supported"
    add_value(group, "--revision", dest="revision", metavar="N", help=text)


def run(args: Namespace, app: App) -> int:
    """Install."""
    asked_options = vars(args)
    if asked_options.get("revision") is not None:
        raise UsageError("Going back to a revision of an environment is not supported yet.")
    asked = gather_asked(args, app)
    if asked.is_empty and not asked.pip_parts:
        raise UsageError(
            "Nothing was named that could be installed.", hint="Name packages, or a file with --file FILE."
        )
    prefix = _prefix(app, asked)
    session = Session(app)
    exists = is_environment(prefix) or begin_root_prefix(prefix, app.config)
    request = InstallRequest(
        mode="install" if exists else "create",
        prefix=prefix,
        asked=asked,
        channels=configured_channels(app.config),
        freeze_installed=bool(asked_options.get("freeze_installed")),
        reinstall=bool(asked_options.get("force_reinstall")),
        no_deps=bool(asked_options.get("no_deps")),
        only_deps=bool(asked_options.get("only_deps")),
        command=app.command,
        files=_files(prefix, asked),
    )
    session.run(request, after=pip_step(asked, session, prefix, undo=not exists) if asked.pip_parts else None)
    session.last_line()
    return 0


def _prefix(app: App, asked: Asked) -> str:
    """The environment, or the root prefix, which `install` may begin. A directory with other things is refused."""
    take_file_name(asked, app)
    prefix = healed(required_prefix(app.config.target_prefix), app.out.warning)
    if not is_environment(prefix) and os.path.isdir(prefix) and os.listdir(prefix) and prefix != app.config.root_prefix:
        raise PrefixError(
            f"Could not install into {prefix}: it is no environment (it has no conda-meta/history).",
            hint="`whipsnake create` makes an environment; `whipsnake env list` shows those that there are.",
        )
    notice = None if os.path.isdir(prefix) else check_place(prefix)
    if notice:
        app.out.warning(notice)
    return prefix


def _files(prefix: str, asked: Asked) -> dict[str, bytes]:
    if not asked.variables:
        return {}
    return {"conda-meta/state": state_file(read_state(prefix), asked.variables)}
