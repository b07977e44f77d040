"""``env config vars list``, ``set`` and ``unset``: the variables that activating an environment sets."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine.commands.options import add_frozen_option, add_general_options, add_prefix_options
from engine.environment.environments import existing_prefix
from engine.environment.state import RESERVED, environment_variables, read_state, state_with
from engine.errors import StorageError, UsageError
from engine.link.prefix.disk import write_atomic
from engine.link.prefix.present import check_frozen

if TYPE_CHECKING:
    from engine.commands.app import App

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}


def arguments(parser: ArgumentParser) -> None:
    """What to do comes from the command's name (see `engine.commands.env_vars_set` and its like)."""
    add_general_options(parser)
    add_prefix_options(parser)


def change_arguments(parser: ArgumentParser) -> None:
    """What ``set`` and ``unset`` take besides."""
    arguments(parser)
    add_frozen_option(parser)


def run(args: Namespace, app: App) -> int:
    """``list``: in the order in which they were set."""
    found = environment_variables(read_state(existing_prefix(app.config, app.out.warning)))
    app.out.result(env_vars=found)
    lines = [f"{name} = {value}" for name, value in found.items()]
    app.out.data("\n".join(lines or ["No environment variables set."]))
    return 0


def variable_name(text: str, app: App) -> str:
    """The name as it is kept: in capitals, unless the configuration says otherwise. Raises `UsageError`."""
    name = text.upper() if app.config.envvars_force_uppercase else text
    if not name.isidentifier() or not name.isascii():
        raise UsageError(
            f"{text!r} can't be the name of a variable.", hint="Use letters, digits and '_', and no digit at the start."
        )
    if name.upper() in RESERVED:
        raise UsageError(
            f"The variable {name} can't be set for an environment: activation makes it.",
            hint="Packages add to PATH by what they put into bin/.",
        )
    return name


def change_variables(app: App, wanted: Mapping[str, str], gone: Iterable[str] = (), *, told: Iterable[str]) -> None:
    """Set some, take some away, and say so in the lines ``told``; other keys of the file stay as they are.

    Raises `FrozenError` where nothing may be changed: variables are part of an environment too (CEP 22).
    """
    prefix = existing_prefix(app.config, app.out.warning)
    check_frozen(prefix, override=not app.config.protect_frozen_envs)
    for line in told:
        app.out.line(line)
    if not app.config.dry_run:
        directory = os.path.join(prefix, "conda-meta")
        try:
            os.makedirs(directory, exist_ok=True)
        except OSError as error:
            raise StorageError.from_os_error(f"make {directory}", error) from error
        write_atomic(os.path.join(directory, "state"), state_with(read_state(prefix), wanted, gone))
    app.out.result(success=True, env_vars=environment_variables(read_state(prefix)))
    app.out.line("To make your changes take effect please reactivate your environment")
