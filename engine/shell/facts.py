"""Reading what activation has to know of a prefix: its scripts, its variables, its place in PATH.

Rule of this file: it alone looks into a prefix for activation. What is missing is no error (a prefix may have been
removed while it was active); what is broken, or could be used to smuggle code into a shell, is passed over with a
notice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import msgspec

from engine.shell.environment import PrefixFacts

UNSET_MARK = "***unset***"
"""The value that stands in ``conda-meta/state`` for "this variable is to be unset" (conda's convention)."""

RESERVED = frozenset({"PATH", "CONDA_PREFIX", "CONDA_SHLVL", "CONDA_DEFAULT_ENV", "CONDA_PROMPT_MODIFIER"})
"""Variables that activation itself sets, and so no package may."""

MSYS_DIRS = ("ucrt64", "clang64", "mingw64", "clangarm64")
"""Below ``Library``: the first that exists belongs into PATH (CEP 32)."""

Notice = Callable[[str], None]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_facts(prefix: str, script_extension: str, notice: Notice, *, windows: bool = False) -> PrefixFacts:
    """What a shell whose scripts end in ``script_extension`` has to know of ``prefix``; ``notice`` gets warnings."""
    base = os.path.join(prefix, "etc", "conda")
    deactivate = _scripts(os.path.join(base, "deactivate.d"), script_extension)
    return PrefixFacts(
        path_dirs=path_dirs(prefix, windows=windows),
        variables=read_variables(prefix, notice),
        activate_scripts=_scripts(os.path.join(base, "activate.d"), script_extension),
        deactivate_scripts=deactivate[::-1],
    )


def path_dirs(prefix: str, *, windows: bool = False) -> tuple[str, ...]:
    """What belongs into PATH for ``prefix``, in order (CEP 32, "Activating")."""
    if not windows:
        return (os.path.join(prefix, "bin"),)
    library = os.path.join(prefix, "Library")
    msys = next((name for name in MSYS_DIRS if os.path.isdir(os.path.join(library, name))), None)
    return (
        prefix,
        *([os.path.join(library, msys, "bin")] if msys else []),
        os.path.join(library, "mingw-w64", "bin"),
        os.path.join(library, "usr", "bin"),
        os.path.join(library, "bin"),
        os.path.join(prefix, "Scripts"),
        os.path.join(prefix, "bin"),
    )


def read_variables(prefix: str, notice: Notice) -> dict[str, str | None]:
    """The variables of ``etc/conda/env_vars.d/*`` by file name, then those of ``conda-meta/state``; later ones win.

    Names are upper-cased, as conda and mamba do. None: the variable is to be unset.
    """
    found: dict[str, str | None] = {}
    directory = os.path.join(prefix, "etc", "conda", "env_vars.d")
    for path in _listed(directory):
        found.update(_variables(_read_object(path, notice), path, notice))
    state_path = os.path.join(prefix, "conda-meta", "state")
    state = _read_object(state_path, notice).get("env_vars")
    if isinstance(state, dict):
        found.update(_variables(state, state_path, notice))
    return found


def _scripts(directory: str, extension: str) -> tuple[str, ...]:
    return tuple(path for path in _listed(directory) if path.endswith(extension))


def _listed(directory: str) -> list[str]:
    """Paths of the directory's entries by name; none if it can't be read."""
    try:
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    except OSError:
        return []


def _read_object(path: str, notice: Notice) -> dict[str, object]:
    """The JSON object in a file; an empty one, and a notice, if there is none in it."""
    try:
        with open(path, "rb") as file:
            found = msgspec.json.decode(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        notice(f"The environment variables in {path} are left out: {error}")
        return {}
    if isinstance(found, dict):
        return found
    notice(f"The environment variables in {path} are left out: expected a JSON object, found {type(found).__name__}")
    return {}


def _variables(found: dict[str, object], path: str, notice: Notice) -> dict[str, str | None]:
    """The usable variables of one file. A name can't be quoted in any shell, so it has to be a plain one."""
    usable: dict[str, str | None] = {}
    for key, value in found.items():
        name = key.upper()
        problem = _problem(name, value)
        if problem:
            notice(f"The environment variable {key!r} in {path} is left out: {problem}")
        else:
            usable[name] = None if value == UNSET_MARK else str(value)
    return usable


def _problem(name: str, value: object) -> str | None:
    if not _NAME.fullmatch(name):
        return "this is no name that a shell allows"
    if name in RESERVED:
        return "it is reserved for activation itself"
    if not isinstance(value, str | int | float):
        return f"its value must be a text, not {type(value).__name__}"
    if isinstance(value, str) and "\0" in value:
        return "its value holds a NUL character"
    return None
