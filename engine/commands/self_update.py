"""``self-update``: how whipsnake was installed, and what brings a newer one.

It is a package like others, so who installed it updates it: nothing is replaced behind a package manager's back.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_install_options, add_value
from engine.errors import ExitCode
from engine.ui.typed import typed
from engine.version import __version__

if TYPE_CHECKING:
    from engine.commands.app import App

_NAME = "whipsnake"


def arguments(parser: ArgumentParser) -> None:
    """micromamba's."""
    group = parser.add_argument_group("self-update options")
    add_value(group, "--version", dest="wanted_version", metavar="VERSION", help="this version instead of the newest")
    add_install_options(parser)


def run(args: Namespace, app: App) -> int:
    """Say it. A script that only wants the newest goes on; one that asks for a version which this isn't must not."""
    wanted = vars(args).get("wanted_version", "")
    how, command = _advice(wanted, app)
    app.out.result(version=__version__, installed=how, command=command, updated=False)
    app.out.line(f"{_NAME} {__version__} {how}; it does not replace itself. Update it with:")
    app.out.line(f"    {typed(command)}")
    return ExitCode.OK if wanted in ("", __version__) else ExitCode.FAILURE


def _advice(version: str, app: App) -> tuple[str, list[str]]:
    """How it was installed, and the command to update it."""
    if os.path.isdir(os.path.join(sys.prefix, "conda-meta")) and _is_conda_package(sys.prefix):
        spec = f"{_NAME}={version}" if version else _NAME
        verb = "install" if version else "update"
        return f"is a conda package of {sys.prefix}", [_NAME, verb, "--prefix", sys.prefix, spec]
    requirement = f"{_NAME}=={version}" if version else _NAME
    tool = _installer()
    if tool == "pipx" or os.path.isfile(os.path.join(sys.prefix, "pipx_metadata.json")):
        return "was installed by pipx", ["pipx", "upgrade", _NAME] if not version else [
            "pipx", "install", "--force", requirement,
        ]  # fmt: skip
    if tool == "uv":
        return "was installed by uv", ["uv", "pip", "install", "--upgrade", "--python", sys.executable, requirement]
    return f"was installed by {tool or 'pip'}", [sys.executable, "-m", "pip", "install", "--upgrade", requirement]


def _is_conda_package(prefix: str) -> bool:
    return any(name.startswith(f"{_NAME}-") for name in os.listdir(os.path.join(prefix, "conda-meta")))


def _installer() -> str:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return (distribution(_NAME).read_text("INSTALLER") or "").strip()
    except PackageNotFoundError:
        return ""
