"""``info``: what whipsnake knows of itself, its configuration and this machine."""

from __future__ import annotations

import os
import platform
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.commands.env_list import show_environments
from engine.commands.options import add_channel_options, add_flag, add_general_options, add_prefix_options, add_value
from engine.config.channels import configured_channels
from engine.environment.environments import environment_name, known_environments
from engine.errors import UsageError
from engine.link.prefix.meta import takes_packages
from engine.model.channel import Channel
from engine.version import __version__, version_as

if TYPE_CHECKING:
    from engine.commands.app import App

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}

_PACKAGES = ("aiofiles", "aiohttp", "anyio", "msgspec", "pycosat", "PyYAML", "rich", "zstandard")
"""What we are made of, besides Python."""


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options."""
    group = parser.add_argument_group("info options")
    add_flag(group, "-e", "--envs", dest="environments", help="only the environments")
    add_flag(group, "--size", dest="size", help="what each environment takes on the disk, with --envs")
    add_flag(group, "--base", dest="base", help="only the root prefix")
    add_flag(group, "--licenses", dest="licenses", help="only the licences")
    add_value(group, "--platform", dest="platform", metavar="SUBDIR", help="as for another platform")
    add_general_options(parser)
    add_prefix_options(parser)
    add_channel_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print the part that was asked for, or everything."""
    asked = vars(args)
    if asked.get("environments") and not (asked.get("licenses") or asked.get("base")):
        show_environments(app, size=bool(asked.get("size")))
        return 0
    if asked.get("size"):
        raise UsageError("--size can only be used with --envs.")
    if asked.get("licenses"):
        items: Mapping[str, str | list[str]] = _licenses()
    elif asked.get("base"):
        items = {"base environment": app.config.root_prefix}
    else:
        items = _everything(app)
        app.out.result(**_in_condas_words(app))
    app.out.result(**items)
    app.out.data("\n".join(_pretty(items)))
    return 0


def _stand_ins() -> dict[str, str]:
    """micromamba's keys for its own parts: scripts look for the keys, people for what there is instead.

    Called by its name, we say the version whose place we take, as ``--version`` does.
    """
    version = version_as(sys.argv[0])
    mamba = f"none (whipsnake {__version__})" if version == __version__ else version
    return {
        "libmamba version": mamba,
        "mamba version": mamba,
        "micromamba version": mamba,
        "curl version": "none (aiohttp)",
        "libarchive version": "none (zstandard, bz2)",
    }


def _licenses() -> dict[str, str | list[str]]:
    """Ours, and what the packages that we use say of theirs."""
    from importlib.metadata import PackageNotFoundError, metadata

    found: dict[str, str | list[str]] = {"whipsnake": "BSD-3-Clause, Copyright (c) 2026, the whipsnake developers"}
    for name in _PACKAGES:
        try:
            fields = metadata(name)
        except PackageNotFoundError:
            continue
        said = fields["License-Expression"] or fields["License"] or ""
        classifiers = [one.rsplit(" :: ", 1)[1] for one in fields.get_all("Classifier", []) if "License ::" in one]
        found[name] = said.splitlines()[0] if said else ", ".join(classifiers) or "see the package"
    return found


def _everything(app: App) -> dict[str, str | list[str]]:
    """micromamba's keys; where it names its own libraries, ours."""
    config = app.config
    name, location = _environment(app)
    return {
        "whipsnake version": __version__,
        **_stand_ins(),
        "python version": f"{platform.python_version()} ({sys.executable})",
        "envs directories": list(config.envs_dirs),
        "package cache": list(config.pkgs_dirs),
        "environment": name,
        "env location": location,
        "user config files": [os.path.join(config.home, ".mambarc")],
        "populated config files": list(config.rc_files),
        "virtual packages": [f"{item.name}={item.version}={item.build}" for item in app.machine.virtual],
        "channels": [url for channel in configured_channels(config) for url in _urls(channel, config.platform)],
        "base environment": config.root_prefix,
        "platform": config.platform,
    }


def _in_condas_words(app: App) -> dict[str, object]:
    """The keys of conda's ``info --json`` that editors and workflow managers look for, beside micromamba's."""
    config = app.config
    active, level = config.active_prefix, app.environ.get("CONDA_SHLVL", "")
    return {
        "active_prefix": active,
        "active_prefix_name": (environment_name(active, config) or os.path.basename(active)) if active else None,
        "conda_prefix": config.root_prefix,
        "conda_shlvl": int(level) if level.isdecimal() and len(level) < 10 else -1,
        "config_files": list(config.rc_files),
        "default_prefix": active or config.root_prefix,
        "envs": known_environments(config),
        "envs_dirs": list(config.envs_dirs),
        "offline": config.offline,
        "pkgs_dirs": list(config.pkgs_dirs),
        "python_version": ".".join(map(str, sys.version_info[:3])) + ".final.0",
        "rc_path": os.path.join(config.home, ".condarc"),
        "root_writable": os.access(config.root_prefix, os.W_OK),
        "sys.executable": sys.executable,
        "sys.prefix": sys.prefix,
        "sys.version": sys.version,
        "user_rc_path": os.path.join(config.home, ".condarc"),
        "root_prefix": config.root_prefix,
        "virtual_pkgs": [[item.name, item.version, item.build] for item in app.machine.virtual],
    }


def _urls(channel: Channel, subdir: str) -> list[str]:
    return [f"{channel.public_url}/{part}" for part in channel.subdirs(subdir)]


def _environment(app: App) -> tuple[str, str]:
    config = app.config
    prefix = config.target_prefix
    if prefix is None:
        return "None (not found)", "-"
    name = environment_name(prefix, config) or os.path.basename(prefix)
    if prefix == config.active_prefix:
        name += " (active)"
    elif not os.path.isdir(prefix):
        name += " (not found)"
    elif not takes_packages(prefix) and prefix != config.root_prefix:
        name += " (not env)"
    return name, prefix


def _pretty(items: Mapping[str, str | Sequence[str]]) -> list[str]:
    width = max(map(len, items)) + 1
    lines = []
    for key, value in items.items():
        values = [value] if isinstance(value, str) else list(value) or [""]
        lines.append(f"{key:>{width}} : {values[0]}".rstrip())
        lines += [" " * (width + 3) + more for more in values[1:]]
    return lines
