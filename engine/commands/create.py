"""``create``: a new environment from specifications, files or addresses of packages."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import msgspec

from engine.commands.app import App
from engine.commands.asking import begin_root_prefix, gather_asked, pip_step, take_file_name
from engine.commands.change import Session, confirm
from engine.commands.options import add_flag, add_install_options, add_value
from engine.config import Config
from engine.config.channels import configured_channels
from engine.config.prefixes import check_place
from engine.environment.environments import environment_name
from engine.environment.healing import healed
from engine.environment.state import new_files
from engine.errors import PrefixError, UsageError
from engine.inputs import Asked, with_default_packages
from engine.link.prefix.meta import is_environment
from engine.request import InstallRequest, Outcome
from engine.ui.typed import typed


def arguments(parser: ArgumentParser) -> None:
    """The install options, and what to copy from."""
    add_install_options(parser)
    text = "without what `create_default_packages` adds"
    add_flag(parser, "--no-default-packages", dest="no_default_packages", help=text)
    text = "copy this environment (name or path): its packages, and the files that belong to none"
    add_value(parser, "--clone", dest="clone", metavar="ENV", help=text)


def run(args: Namespace, app: App) -> int:
    """Make the environment, then the pip part of its file."""
    if vars(args).get("clone"):
        return _clone(args, app)
    asked = gather_asked(args, app)
    prefix = _prefix(app, asked)
    if not vars(args).get("no_default_packages"):
        asked = with_default_packages(asked, app.config.create_default_packages)
    replace = _may_replace(prefix, app)
    is_root = begin_root_prefix(prefix, app.config)
    request = InstallRequest(
        mode="install" if is_root else "create",
        prefix=prefix,
        asked=asked,
        channels=configured_channels(app.config),
        replace=replace,
        no_deps=bool(vars(args).get("no_deps")),
        only_deps=bool(vars(args).get("only_deps")),
        command=app.command,
        files=_files(asked, app),
    )
    session = Session(app)
    outcome = session.run(
        request, after=pip_step(asked, session, prefix, undo=not is_root) if asked.pip_parts else None
    )
    _say_goodbye(session, outcome, prefix)
    return 0


def _clone(args: Namespace, app: App) -> int:
    from engine.commands.clone import clone_request

    prefix = _prefix(app, Asked())
    request = clone_request(args, prefix, app)
    session = Session(app)
    outcome = session.run(msgspec.structs.replace(request, replace=_may_replace(prefix, app)))
    _say_goodbye(session, outcome, prefix)
    return 0


def _prefix(app: App, asked: Asked) -> str:
    """Where to make it: what the options say, else by the name that the file gives."""
    take_file_name(asked, app)
    config = app.config
    if config.target_prefix is None:
        raise UsageError("Could not make an environment: nothing says where.", hint="Use --prefix PATH or --name NAME.")
    prefix = healed(config.target_prefix, app.out.warning)
    if prefix == config.root_prefix and os.path.isdir(prefix) and not config.dry_run:
        raise PrefixError(
            f"Could not make an environment at {prefix}: that is the root prefix, which may not be overwritten.",
            hint="Choose another name or prefix, or add packages to it with `whipsnake install -n base`.",
        )
    notice = check_place(prefix)
    if notice:
        app.out.warning(notice)
    return prefix


def _may_replace(prefix: str, app: App) -> bool:
    """Whether an environment that is there may go: with --yes, or if the user says so (micromamba's rule)."""
    config = app.config
    if config.dry_run or config.download_only:
        return False
    if not app.asks:
        return True  # one that appears only later too: several processes may be told to make the same one
    if not is_environment(prefix):
        return False
    if not confirm(f"Found an environment at {prefix}. Overwrite it", default=False):
        raise PrefixError(f"Could not make an environment at {prefix}: there is one already, and it shall stay.")
    return True


def _files(asked: Asked, app: App) -> dict[str, bytes]:
    chosen = "platform" in app.options or app.environ.get("CONDA_SUBDIR")
    return new_files(asked.variables, app.config.platform if chosen else "")


def _say_goodbye(session: Session, outcome: Outcome, prefix: str) -> None:
    if outcome.summary is not None and session.app.environ.get("CONDA_PREFIX") != prefix:
        for line in activation_lines(prefix, session.config, session.out.program):
            session.out.line(line)
    session.last_line()


def activation_lines(prefix: str, config: Config, program: str) -> Sequence[str]:
    """How to use a new environment, in micromamba's words."""
    name = environment_name(prefix, config)
    which = typed([name or prefix])
    return (
        "\nTo activate this environment, use:\n",
        f"    {program} activate {which}\n",
        "Or to execute a single command in this environment, use:\n",
        f"    {program} run {'-n' if name else '-p'} {which} mycommand\n",
    )
