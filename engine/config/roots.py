"""Which directory is the root prefix: where ``envs/`` and ``pkgs/`` lie.

Rule of this file: looks at the disk, makes nothing. The order is micromamba's: ``-r``, ``$MAMBA_ROOT_PREFIX``,
``$MAMBA_DEFAULT_ROOT_PREFIX``, the root that the program itself is installed in, ``~/micromamba`` if it is a root
already, ``$XDG_DATA_HOME/mamba``; on Windows, ``%APPDATA%\\mamba``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from engine.errors import ConfigError
from engine.model.url import absolute_path

_MARKS = ("pkgs", "conda-meta", "envs")
"""A directory that has one of these is a root prefix."""


def real_path(path: str, *, home: str, cwd: str) -> str:
    """The absolute path, ``~`` expanded and symbolic links resolved as far as it exists (micromamba does so too)."""
    return os.path.realpath(absolute_path(path, cwd, home))


def user_directory(variable: str, usual: str, home: str, environ: Mapping[str, str]) -> str:
    """A directory that XDG gives a name to, ``usual`` is where it is else. Windows has one for all: that of what goes
    with the user from machine to machine."""
    if environ.get(variable):
        return environ[variable]
    if os.name == "nt":
        return environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
    return f"{home}/{usual}"


def find_root_prefix(
    asked: str | None, environ: Mapping[str, str], *, home: str, cwd: str, install_prefix: str
) -> tuple[str, str]:
    """The root prefix, and where that comes from ("default" if nobody said so).

    ``install_prefix`` is the environment that this program is installed in. Raises `ConfigError` if the default
    place is taken by something else.
    """
    if asked:
        return real_path(asked, home=home, cwd=cwd), "the command line"
    for variable in ("MAMBA_ROOT_PREFIX", "MAMBA_DEFAULT_ROOT_PREFIX"):
        if environ.get(variable):
            return real_path(environ[variable], home=home, cwd=cwd), f"${variable}"
    return _installed_root(install_prefix) or _default_root(environ, home), "default"


def _installed_root(install_prefix: str) -> str | None:
    """The root that our own environment belongs to, if it is a conda environment at all."""
    if not os.path.isdir(f"{install_prefix}/conda-meta"):
        return None
    prefix = os.path.realpath(install_prefix)
    above = os.path.dirname(os.path.dirname(prefix))
    return above if os.path.basename(os.path.dirname(prefix)) == "envs" and _is_root(above) else prefix


def _default_root(environ: Mapping[str, str], home: str) -> str:
    first = f"{home}/micromamba"
    if _is_root(first):
        return os.path.realpath(first)
    second = os.path.join(user_directory("XDG_DATA_HOME", ".local/share", home, environ), "mamba")
    if not _is_root(second) and _is_taken(second):
        raise ConfigError(
            f"The default root prefix {second} exists, but is no root prefix: it has none of {', '.join(_MARKS)}",
            hint="Set $MAMBA_ROOT_PREFIX (to this directory, if you do mean it) or use --root-prefix.",
        )
    return os.path.realpath(second)


def _is_root(path: str) -> bool:
    return any(os.path.exists(f"{path}/{mark}") for mark in _MARKS)


def _is_taken(path: str) -> bool:
    """Whether something that is not an empty directory is there."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    except FileNotFoundError:
        return False
    except OSError:
        return True
