"""Which environment is meant: by path, by name, or because it is active.

Rule of this file: looks at the disk, makes nothing. The ways are micromamba's; conda and CEP 24 say which names
can't be (but for spaces, which micromamba allows on the command line).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from engine.config.roots import real_path
from engine.errors import PrefixError, UsageError
from engine.model.url import mask_secrets

if TYPE_CHECKING:
    from engine.config.schema import Config

BASE_NAMES: Final = ("base", "root")
"""What the root prefix itself is called."""

_FORBIDDEN: Final = "/:#"
_TROUBLE: Final = frozenset(" \t\"'$`\\!*?;&|<>(){}[]")
"""Characters of a path that scripts which don't quote it stumble over."""


class PrefixContext(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known to tell which prefix is meant; every `Config` has it all."""

    root_prefix: str
    envs_dirs: Sequence[str]
    home: str
    cwd: str
    active_prefix: str | None = None


def prefix_context(config: Config) -> PrefixContext:
    """The facts, from a configuration."""
    return PrefixContext(
        root_prefix=config.root_prefix,
        envs_dirs=config.envs_dirs,
        home=config.home,
        cwd=config.cwd,
        active_prefix=config.active_prefix,
    )


def resolve_target_prefix(
    context: PrefixContext,
    *,
    path: str | None = None,
    name: str | None = None,
    use_active: bool = False,
    use_root: bool = False,
) -> str | None:
    """The absolute path that ``-p path`` or ``-n name`` mean; else, where allowed, the active or the root prefix.

    None if nothing says which. Nothing need exist there. Raises `UsageError` for both at once or a bad name.
    """
    if path and name:
        raise UsageError(
            f"Cannot tell which environment is meant: both --prefix {path} and --name {name} are given",
            hint="Leave one of them away.",
        )
    if name:
        return place_of(name, context)
    if path:
        return _path_prefix(path, context)
    if use_active and context.active_prefix:
        return real_path(context.active_prefix, home=context.home, cwd=context.cwd)
    return context.root_prefix if use_root else None


def _path_prefix(path: str, context: PrefixContext) -> str:
    """A path; or, as in micromamba, the name of an environment if it has no separator in it and is not ``.``."""
    if _is_name(path):
        return os.path.join(context.root_prefix, "envs", check_name(path))
    return real_path(path, home=context.home, cwd=context.cwd)


def _is_name(path: str) -> bool:
    return "/" not in path and "\\" not in path and path not in {".", "..", "~"}


def check_name(name: str, forbidden: str = _FORBIDDEN) -> str:
    """``name`` if an environment can be called so; raises `UsageError` otherwise."""
    fault = _fault(name, forbidden)
    if fault:
        hint = "Use --prefix for a path." if {"/", "\\"}.intersection(name) or name in {"", ".", ".."} else None
        raise UsageError(f"An environment can't be called {mask_secrets(name)!r}: {fault}", hint=hint)
    return name


def _fault(name: str, forbidden: str) -> str | None:
    found = next((char for char in name if char in forbidden or char == "\\" or ord(char) < 32), None)
    if found is not None:
        return f"it has {found!r} in it"
    if name in {"", ".", ".."}:
        return "it names no directory"
    return None if name == name.strip() else "it begins or ends with a space"


def check_file_name(name: str) -> str:
    """``name`` if a file may give it to an environment (CEP 24, "name and prefix"), else `UsageError`."""
    return check_name(name, _FORBIDDEN + " ")


def check_place(prefix: str) -> str | None:
    """A warning if a new environment at ``prefix`` will have trouble; `PrefixError` if it could not work at all."""
    if os.pathsep in prefix:
        raise PrefixError(
            f"Could not make an environment at {prefix}: {os.pathsep!r} parts the directories of PATH",
            hint="Choose another name or prefix.",
        )
    try:
        prefix.encode("utf-8")
    except UnicodeEncodeError:
        shown = prefix.encode("utf-8", "backslashreplace").decode("utf-8")
        raise PrefixError(
            f"Could not make an environment at {shown}: the path is no text in UTF-8, as records have to be",
            hint="Choose another prefix, or set a locale whose encoding is UTF-8.",
        ) from None
    found = sorted(_TROUBLE.intersection(prefix))
    if not found or os.name == "nt":
        return None
    names = ", ".join("a space" if char == " " else repr(char) for char in found)
    return f"The path {prefix} has {names} in it: some packages' scripts can't cope with that."


def place_of(name: str, context: PrefixContext) -> str:
    """Where the environment called ``name`` is; if it is nowhere yet, where it would be made.

    The first of ``envs_dirs`` that has it, else the first that can be written, else ``<root_prefix>/envs``.
    """
    check_name(name)
    if name in BASE_NAMES:
        return context.root_prefix
    return find_named(name, context.envs_dirs) or os.path.join(creation_dir(context), name)


def find_named(name: str, envs_dirs: Iterable[str]) -> str | None:
    """The first directory called ``name`` below ``envs_dirs``."""
    return next((place for envs in envs_dirs if os.path.isdir(place := os.path.join(envs, name))), None)


def creation_dir(context: PrefixContext) -> str:
    """The directory to make a new environment in that has a name."""
    first = next((envs for envs in context.envs_dirs if can_be_written(envs)), None)
    return first or os.path.join(context.root_prefix, "envs")


def can_be_written(directory: str) -> bool:
    """Whether entries can be made in ``directory``, or in the nearest one above it that exists."""
    while not os.path.lexists(directory):
        above = os.path.dirname(directory)
        if above == directory:
            return False
        directory = above
    return os.path.isdir(directory) and os.access(directory, os.W_OK | os.X_OK)


def name_notice(options: Mapping[str, object], prefix: str | None) -> str | None:
    """What to say where ``--prefix`` was given a word that counts as a name (see `_path_prefix`)."""
    path = options.get("target_prefix")
    if not isinstance(path, str) or prefix is None or not _is_name(path):
        return None
    return f"--prefix {path} has no slash in it, so it counts as a name: {prefix} is meant. For a path, say ./{path}."


def required_prefix(prefix: str | None) -> str:
    """``prefix``, or `PrefixError` if nothing said which environment is meant."""
    if prefix is None:
        raise PrefixError(
            "No environment is named, and none is active",
            hint="Use --prefix PATH or --name NAME.",
        )
    return prefix


def asked_prefix(options: Mapping[str, object], environ: Mapping[str, str], context: PrefixContext) -> str | None:
    """The target prefix by the options and variables of a command.

    ``env_name`` beats ``$MAMBA_TARGET_PREFIX``. The active (or root) prefix counts only if the options hold
    ``use_target_prefix_fallback`` (or ``use_root_prefix_fallback``), so that nothing is changed which nobody named.
    Where none is active, ``$CONDA_DEFAULT_ENV`` counts as active: images set it alone.
    """
    path, name = _text(options, "target_prefix"), _text(options, "env_name")
    if not path and not name:
        path = environ.get("MAMBA_TARGET_PREFIX") or None
    use_active = bool(options.get("use_target_prefix_fallback"))
    if not path and not name and use_active and not context.active_prefix:
        default = environ.get("CONDA_DEFAULT_ENV", "")
        path, name = (None, default) if _is_name(default) else (default, None)
    return resolve_target_prefix(
        context,
        path=path,
        name=name,
        use_active=use_active,
        use_root=bool(options.get("use_root_prefix_fallback")),
    )


def _text(options: Mapping[str, object], key: str) -> str | None:
    value = options.get(key)
    if value == "":
        raise UsageError(f"The option for '{key}' is empty, expected a path or a name")
    return str(value) if value is not None else None
