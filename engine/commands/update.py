"""``update``: installed packages become newer, those that are named or all."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from engine.commands.app import App
from engine.commands.asking import gather_asked, pip_step, take_file_name
from engine.commands.change import Session
from engine.commands.install import nothing_to_do, variables_file
from engine.commands.options import add_flag, add_install_options, add_switch, add_update_options
from engine.config.channels import configured_channels
from engine.environment.environments import existing_prefix, read_installed
from engine.errors import PackagesNotFound
from engine.inputs import Asked
from engine.request import InstallRequest

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options, and conda's."""
    add_install_options(parser)
    add_update_options(parser)
    group = parser.add_argument_group("update options")
    add_flag(group, "-a", "--all", "--update-all", dest="update_all", help="update everything (and install SPECS)")
    text = "remove what the update makes superfluous (the default)"
    add_switch(group, ["--prune-deps", "--prune"], ["--no-prune-deps"], dest="prune_deps", help=text)


def run(args: Namespace, app: App) -> int:
    """Update; then say what could not become newer, and why."""
    given = vars(args)
    asked = gather_asked(args, app)
    everything = bool(given.get("update_all"))
    if asked.is_empty and not asked.pip_parts and not everything:
        return nothing_to_do(app, " (Name packages, or use --all.)")
    take_file_name(asked, app)
    prefix = existing_prefix(app.config, app.out.warning)
    names = _names(asked)
    if not everything:
        _check_installed(names, prefix)
    session = Session(app)
    request = InstallRequest(
        mode="install",
        prefix=prefix,
        asked=asked,
        channels=configured_channels(app.config),
        update=frozenset() if everything else frozenset(names),
        update_all=everything,
        update_deps=bool(given.get("update_deps")),
        prune=bool(given.get("prune_deps", True)),
        freeze_installed=bool(given.get("freeze_installed")),
        reinstall=bool(given.get("force_reinstall")),
        skip_satisfied=bool(given.get("skip_satisfied")),
        no_deps=bool(given.get("no_deps")),
        only_deps=bool(given.get("only_deps")),
        command=app.command,
        files=variables_file(prefix, asked),
    )
    session.run(request, after=pip_step(asked, session, prefix, undo=False, update=True) if asked.pip_parts else None)
    session.last_line()
    return 0


def _names(asked: Asked) -> list[str]:
    return [spec.exact_name for spec in asked.specs if spec.exact_name is not None]


def _check_installed(names: Sequence[str], prefix: str) -> None:
    """micromamba's rule, and its words."""
    installed = {record.name for record in read_installed(prefix)}
    missing = [name for name in names if name not in installed]
    if missing:
        lines = "".join(f"\n    package name: {name}" for name in missing)
        raise PackagesNotFound(
            f"Package is not installed in prefix.\n    prefix: {prefix}{lines}",
            hint="`whipsnake install` installs it; `update --all` and `env update` install what is missing, too.",
            data={"packages": missing},
        )
