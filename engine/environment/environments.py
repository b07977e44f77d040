"""The environments of this machine and user: which there are, what they are called, what is in one.

Rule of this file: it needs neither network nor solver nor event loop, and only reads; but what was cut short by a
crash is healed before.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.config import Config
from engine.config.prefixes import BASE_NAMES, required_prefix
from engine.environment.healing import healed
from engine.errors import PrefixError
from engine.link.prefix.meta import decode_file, is_environment, record_paths, takes_packages
from engine.link.prefix.registry import read_registry
from engine.model.platform import default_site_packages
from engine.model.url import noted_channel

if TYPE_CHECKING:
    from engine.environment.pypi import PypiRecord


class Installed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What lists show of an installed package: the cheap part of its conda-meta record."""

    name: str
    version: str
    build: str = ""
    build_number: int = 0
    channel: str | None = None
    url: str | None = None
    subdir: str | None = None
    platform: str | None = None
    fn: str | None = None
    md5: str | None = None
    sha256: str | None = None
    noarch: str | bool | None = None
    python_site_packages_path: str | None = None
    files: tuple[str, ...] = ()

    @property
    def channel_url(self) -> str:
        """The channel's address without subdir, credentials or slash at the end; "" if unknown."""
        return noted_channel(self.channel or "", self.url or "")


def environments_file(config: Config) -> str:
    """The registry of environments that conda and mamba share (``~/.conda/environments.txt``)."""
    return os.path.join(config.home, ".conda", "environments.txt")


def known_environments(config: Config) -> list[str]:
    """Every environment that the registry names or an ``envs_dirs`` holds, and the root prefix; sorted by path."""
    noted = (path for path in read_registry(environments_file(config)) if is_environment(path))
    named = (path for directory in config.envs_dirs for path in _children(directory) if is_environment(path))
    return sorted({*noted, *named, config.root_prefix})


def _children(directory: str) -> Sequence[str]:
    try:
        return [os.path.join(directory, name) for name in os.listdir(directory)]
    except OSError:  # not there, or not ours to see: it has no environment for us
        return []


def environment_name(prefix: str, config: Config) -> str:
    """Its name for people: "base", its path below an ``envs_dirs``, or "" if it has only a path."""
    if prefix == config.root_prefix:
        return BASE_NAMES[0]
    for directory in config.envs_dirs:
        if prefix.startswith(directory + os.sep):
            return os.path.relpath(prefix, directory)
    return ""


def existing_prefix(config: Config, say: Callable[[str], None]) -> str:
    """The prefix asked for; `PrefixError` if there is none, or no environment is there.

    What was cut short there is healed first, which is told to ``say``.
    """
    prefix = healed(required_prefix(config.target_prefix), say)
    if not os.path.isdir(prefix):
        raise PrefixError(f"There is no environment at {prefix}: the directory does not exist.", hint=_LIST_HINT)
    if not takes_packages(prefix) and prefix != config.root_prefix:
        raise PrefixError(f"There is no environment at {prefix}: expected conda-meta in it.", hint=_LIST_HINT)
    return prefix


_LIST_HINT = "`whipsnake env list` shows the environments."


_decode = msgspec.json.Decoder(Installed).decode


def read_installed(prefix: str) -> list[Installed]:
    """The installed packages, by name. Raises `LinkError` for a record that can't be understood."""
    return sorted((decode_file(path, _decode) for path in record_paths(prefix)), key=lambda record: record.name)


def installed_by_pip(prefix: str, installed: Sequence[Installed], platform: str) -> "list[PypiRecord]":
    """What pip put there besides the ``installed`` packages, by name; nothing where there is no python."""
    python = next((record for record in installed if record.name == "python"), None)
    if python is None:
        return []
    from engine.environment.pypi import read_pypi_records

    site = python.python_site_packages_path or default_site_packages(python.subdir or platform, python.version)
    return read_pypi_records(prefix, site, (path for record in installed for path in record.files))
