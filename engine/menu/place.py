"""Where menu entries go, and what their placeholders stand for (CEP 11, "Placeholders", "Expected behavior"). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_FIELD = re.compile(r"\{\{ (\w+) \}\}")


class MenuPlace(msgspec.Struct, frozen=True, kw_only=True):
    """One environment on one machine, as its menu entries see it."""

    prefix: str
    base_prefix: str
    platform: str
    """Of the environment; of this machine's system, or there are no entries."""
    home: str
    environ: Mapping[str, str] = {}
    system: bool = False
    """For all users, instead of this one."""
    program: str = ""
    """Our own executable, which activates the environment."""
    python: str = "N.A"
    """Major and minor version."""
    site_packages: str = ""
    """Relative to the prefix."""

    @property
    def is_base(self) -> bool:
        return self.prefix == self.base_prefix

    @property
    def env_name(self) -> str:
        return "base" if self.is_base else _last(self.prefix)

    def placeholders(self) -> dict[str, str]:
        """Name → what it stands for; ``MENU_ITEM_LOCATION`` is known to the entry alone."""
        windows = self.platform.startswith("win-")
        slash = "\\" if windows else "/"
        scripts, python = ("Scripts", "python.exe") if windows else ("bin", "bin/python")
        binaries = "Library\\bin" if windows else "bin"
        found = {
            "BASE_PREFIX": self.base_prefix,
            "DISTRIBUTION_NAME": self.environ.get("MENUINST_DISTRIBUTION_NAME") or _last(self.base_prefix),
            "PREFIX": self.prefix,
            "ENV_NAME": self.env_name,
            "PYTHON": f"{self.prefix}{slash}{python}",
            "BASE_PYTHON": f"{self.base_prefix}{slash}{python}",
            "MENU_DIR": f"{self.prefix}{slash}Menu",
            "BIN_DIR": f"{self.prefix}{slash}{binaries}",
            "PY_VER": self.python,
            "SP_DIR": f"{self.prefix}{slash}{self.site_packages.replace('/', slash)}",
            "HOME": self.home,
            "ICON_EXT": {"win": "ico", "osx": "icns"}.get(self.platform[:3], "png"),
        }
        if windows:
            found["SCRIPTS_DIR"] = f"{self.prefix}{slash}{scripts}"
            found["PYTHONW"] = f"{self.prefix}{slash}pythonw.exe"
            found["BASE_PYTHONW"] = f"{self.base_prefix}{slash}pythonw.exe"
        if self.platform.startswith("osx-"):
            found["PYTHONAPP"] = f"{self.prefix}/python.app/Contents/MacOS/python"
        return found

    def filled(self, value: Any, location: str = "") -> Any:
        """``value`` (a text, a list or an object of texts) with its placeholders replaced. Unknown ones stay."""
        return fill(value, self.known(location))

    def known(self, location: str = "") -> dict[str, str]:
        """All placeholders of one entry."""
        return {**self.placeholders(), **({"MENU_ITEM_LOCATION": location} if location else {})}


class Artifact(msgspec.Struct, frozen=True):
    """A file of a menu entry."""

    path: str
    content: bytes
    mode: int = 0o644


class Artifacts(msgspec.Struct, frozen=True):
    """All that belongs to one package's entries on one system."""

    files: tuple[Artifact, ...] = ()
    trees: tuple[str, ...] = ()
    """Directories that belong to the entries alone, and go with them."""
    elsewhere: tuple[str, ...] = ()
    """Where another tool would have put files of the entries: they go with them too."""
    copies: Mapping[str, str] = {}
    """Target → a file of the package (icons)."""
    links: Mapping[str, str] = {}
    """Target → what a soft link there points to."""
    directories: tuple[str, ...] = ()
    """That must be there (working directories), and stay."""
    before: tuple[str, ...] = ()
    """Code of the package to run first, for sh (with its own ``#!`` if it has one)."""
    refresh: tuple[tuple[str, ...], ...] = ()
    """Programs that tell the desktop, where they are installed."""
    notes: tuple[str, ...] = ()
    """What was asked for and is not done."""


def _last(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def fill(value: Any, known: Mapping[str, str]) -> Any:
    """``value`` with the placeholders of ``known`` replaced, once."""
    if isinstance(value, str):
        return _FIELD.sub(lambda field: known.get(field[1], field[0]), value)
    if isinstance(value, dict):
        return {key: fill(inner, known) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fill(inner, known) for inner in value)
    return value
