"""``--debug --print-config-only``: what a command would work with, as YAML; nothing is done (micromamba's test aid).

Besides the keys of the configuration it shows what the command line and the files ask for, and which environments the
command takes (micromamba's ``target_prefix_checks``).
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from engine.config.dump import Shown, dump_text
from engine.config.keys import KEYS
from engine.config.yaml_text import block_lines
from engine.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.specfile import SpecFile

_NO_CHECK, _ALLOW_EXISTING, _ALLOW_NOT_ENV, _EXPECT_EXISTING = 1, 2, 8, 16
_MAKING: Final = _ALLOW_EXISTING | _ALLOW_NOT_ENV
_CHANGING: Final = _ALLOW_EXISTING | _EXPECT_EXISTING
_CHECKS: Final[Mapping[str, int]] = {
    "create": _MAKING, "env create": _MAKING,
    "install": _CHANGING, "update": _CHANGING, "remove": _CHANGING,
}  # fmt: skip


def print_config(command: str, args: Namespace, app: App) -> int:
    """Print it. Raises what the command would before it begins: contradictions, no environment."""
    if not vars(args).get("debug"):
        raise UsageError("--print-config-only is for debugging.", hint="Use it with --debug.")
    words, file = _asked(command, args, app)
    checks = _CHECKS.get(command, _NO_CHECK)
    _check_prefix(app, checks)
    falls_back = command in ("install", "update")
    more = {
        "env_name": str(app.options.get("env_name") or ""),
        "file_specs": list(vars(args).get("file_specs") or ()),
        "spec_file_env_name": file.name if file else "",
        "specs": words,
        "target_prefix_checks": checks,
        "use_default_prefix_fallback": falls_back,
        "use_root_prefix_fallback": falls_back,
        "use_target_prefix_fallback": falls_back or command == "remove",
    }
    names = [key.name for key in KEYS]
    app.out.json = False
    app.out.data("\n".join([dump_text(app.config, Shown(names=names)), *block_lines(more)]))
    return ExitCode.OK


def _asked(command: str, args: Namespace, app: App) -> tuple[list[str], SpecFile | None]:
    """The texts of all specifications, of an explicit file only its own; the channels and the name of files count."""
    words: Sequence[Any] = vars(args).get("specs") or ()
    if command == "remove" or command not in _CHECKS:
        return list(words), None
    from engine.commands.asking import fetch_file, take_file_name
    from engine.config.channels import with_file_channels
    from engine.inputs import Asked, read_files

    files = vars(args).get("file_specs") or ()
    file = read_files(files, app.config, app.environ, lambda url: fetch_file(url, app))
    app.reconfigure(with_file_channels(app.config, file.channels))
    take_file_name(Asked(name=file.name), app)
    if file.kind == "explicit":
        return [f"{package.url}#{package.md5 or package.sha256 or ''}".rstrip("#") for package in file.explicit], file
    return [*words, *file.specs], file


def _check_prefix(app: App, checks: int) -> None:
    if checks == _NO_CHECK:
        return
    if app.config.target_prefix is None:
        raise UsageError("No environment is named.", hint="Use --prefix PATH or --name NAME.")
    if checks & _EXPECT_EXISTING and app.config.target_prefix != app.config.root_prefix:
        from engine.environment.environments import existing_prefix

        existing_prefix(app.config, app.out.warning)
