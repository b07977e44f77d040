"""``install``: packages into an environment that exists, or into the root prefix."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from engine.commands.app import App
from engine.commands.asking import begin_root_prefix, gather_asked, pip_step, take_file_name
from engine.commands.options import add_flag, add_install_options, add_update_options, add_value
from engine.config.channels import configured_channels
from engine.config.prefixes import check_place, required_prefix
from engine.environment.healing import healed
from engine.environment.state import read_state, state_file
from engine.errors import PrefixError
from engine.inputs import Asked
from engine.link.prefix.meta import takes_packages
from engine.model.channel import Channel

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}
"""Where nothing is named and nothing active, the root prefix is meant, as in micromamba."""


def arguments(parser: ArgumentParser) -> None:
    """The install options, and what is to become of packages that are there."""
    add_install_options(parser)
    add_update_options(parser)
    group = parser.add_argument_group("install options")
    add_flag(group, "--update-all", dest="update_all", help="bring everything to its newest version as well")
    text = "bring the environment back to what it was (see `list --revisions`)"
    add_value(group, "--revision", dest="revision", type=int, metavar="N", help=text)


def run(args: Namespace, app: App) -> int:
    """Install."""
    given = vars(args)
    if given.get("revision") is not None:
        from engine.commands.revision import go_back

        return go_back(given["revision"], args, app)
    asked = gather_asked(args, app)
    if asked.is_empty and not asked.pip_parts and not given.get("update_all"):
        return nothing_to_do(app)
    began = time.monotonic()
    prefix = place_for(app, asked)
    channels = configured_channels(app.config)
    if may_be_settled(given, app) and takes_packages(prefix):
        from engine.planning.settled import is_settled

        if is_settled(asked, prefix, app.config, lambda: app.machine):
            from engine.commands.unchanged import tell_unchanged

            tell_unchanged(app, prefix, [str(spec) for spec in asked.specs], time.monotonic() - began)
            return 0
    return change(prefix, asked, channels, given, app)


def may_be_settled(given: Mapping[str, object], app: App) -> bool:
    """Whether no option asks for more than that the packages are there."""
    more = ("update_all", "update_deps", "force_reinstall", "no_deps", "only_deps")
    return not (any(map(given.get, more)) or app.options.get("trace") or app.config.verify_artifacts)


def change(prefix: str, asked: Asked, channels: tuple[Channel, ...], given: Mapping[str, object], app: App) -> int:
    """Solve, and do what that says."""
    from engine.commands.change import Session
    from engine.request import InstallRequest

    session = Session(app)
    exists = takes_packages(prefix) or begin_root_prefix(prefix, app.config)
    request = InstallRequest(
        mode="install" if exists else "create",
        prefix=prefix,
        asked=asked,
        channels=channels,
        freeze_installed=bool(given.get("freeze_installed")),
        reinstall=bool(given.get("force_reinstall")),
        no_deps=bool(given.get("no_deps")),
        only_deps=bool(given.get("only_deps")),
        update_all=bool(given.get("update_all")),
        update_deps=bool(given.get("update_deps")),
        skip_satisfied=bool(given.get("skip_satisfied")),
        command=app.command,
        files=variables_file(prefix, asked),
    )
    session.run(request, after=pip_step(asked, session, prefix, undo=not exists) if asked.pip_parts else None)
    session.last_line()
    return 0


def nothing_to_do(app: App, advice: str = " (Name packages, or a file with --file FILE.)") -> int:
    """Nothing was named; micromamba takes that for no mistake."""
    app.out.result(success=True, message="Nothing to do.")
    app.out.line(f"Nothing to do.{advice}")
    return 0


def place_for(app: App, asked: Asked, *, new: bool = False) -> str:
    """The environment to put packages into; the root prefix, or with ``new`` any, may be one that only begins.

    Raises `PrefixError` where there is none (a name that was mistyped must not make one), or a directory with other
    things.
    """
    take_file_name(asked, app)
    prefix = healed(required_prefix(app.config.target_prefix), app.out.warning)
    if not takes_packages(prefix) and prefix != app.config.root_prefix:
        reason = "" if new else f"there is no environment. (No prefix found at: {prefix})"
        if new and os.path.isdir(prefix) and os.listdir(prefix):
            reason = "it is no environment (it has no conda-meta)."
        if reason:
            raise PrefixError(
                f"Could not install into {prefix}: {reason}",
                hint="`whipsnake create` makes an environment; `whipsnake env list` shows those that there are.",
            )
    notice = None if os.path.isdir(prefix) else check_place(prefix)
    if notice:
        app.out.warning(notice)
    return prefix


def variables_file(prefix: str, asked: Asked) -> dict[str, bytes]:
    """The variables that a file brings, added to those that are there."""
    if not asked.variables:
        return {}
    return {"conda-meta/state": state_file(read_state(prefix), asked.variables)}
