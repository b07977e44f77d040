"""What a specification file asks for, and what must be known to read one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from engine.errors import InvalidSpecFile


class ExplicitPackage(msgspec.Struct, frozen=True):
    """One package by address, not to be solved for (CEP 23, "Explicit input files")."""

    url: str
    """With credentials, without the digest; a path is a ``file://`` URL here."""
    md5: str | None = None
    sha256: str | None = None
    depends: tuple[str, ...] | None = None
    """What a lock file says that it needs; None: only the package itself knows."""
    constrains: tuple[str, ...] = ()


class PipPart(msgspec.Struct, frozen=True):
    """What pip shall install."""

    lines: tuple[str, ...]
    """As in a requirements file."""
    directory: str
    """Where relative paths in them begin: the file's directory; the working directory where there is no file."""
    no_deps: bool = False
    """Whether these are all that is needed (a lock file's), so that the installer shall look for no more."""


class SpecFile(msgspec.Struct, frozen=True, kw_only=True):
    """What one file (or several of one kind) asks for."""

    kind: Literal["environment", "explicit", "list"]
    source: str
    """The path or address it was read from, for messages."""
    name: str = ""
    """The name that an environment.yml would like; not checked, since options may replace it."""
    prefix: str = ""
    """The path that an environment.yml would like; micromamba passes it over, conda too."""
    channels: tuple[str, ...] = ()
    """In order, variables expanded, ``nodefaults`` still among them: see `engine.config.channels`."""
    specs: tuple[str, ...] = ()
    explicit: tuple[ExplicitPackage, ...] = ()
    pip_parts: tuple[PipPart, ...] = ()
    """One for each file that has such a part."""
    pip_tool: Literal["pip", "uv"] = "pip"
    """Who installs them: uv where it is asked for or among the dependencies."""
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Variables that activation sets."""
    platform: str = ""
    """The platform that an explicit file says it is for (``# platform: …``)."""
    platforms: tuple[str, ...] = ()
    """The platforms that an environment.yml is meant for; empty: any."""
    category: str = ""
    notices: tuple[str, ...] = ()
    """What people should be told, though it is no error."""

    @property
    def pip(self) -> tuple[str, ...]:
        """All requirements for pip."""
        return tuple(line for part in self.pip_parts for line in part.lines)


class SpecContext(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that a file's meaning depends on."""

    platform: str
    """The one to install for."""
    cwd: str
    home: str
    environ: Mapping[str, str] = msgspec.field(default_factory=dict)
    use_uv: bool = False
    categories: tuple[str, ...] = ("main",)
    """The groups of a lock file's packages that are wanted (``--category``)."""
    uppercase_variables: bool = True
    """Whether variables get names in capitals (the key ``envvars_force_uppercase``)."""


def invalid(source: str, line: int, reason: str, hint: str | None = None) -> InvalidSpecFile:
    """The error for one line of one file; ``line`` 0 means the whole."""
    return InvalidSpecFile(source, f"line {line}: {reason}" if line else reason, hint=hint)
