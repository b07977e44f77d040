"""``compare`` (``diff``): what an environment differs in from another, or from a file that describes one."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.commands.options import add_general_options, add_prefix_options
from engine.config.prefixes import prefix_context, resolve_target_prefix
from engine.environment.comparing import Difference, compare_packages, compare_with_specs
from engine.environment.environments import existing_prefix, installed_by_pip, read_installed
from engine.errors import PrefixError, UsageError
from engine.inputs import Asked, explicit_records, gather
from engine.link.prefix.records import read_records
from engine.specfile import is_remote
from engine.ui.text import plural, table

if TYPE_CHECKING:
    from engine.commands.app import App

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}

_MARKS = {"removed": "-", "added": "+", "changed": "~"}
_FILE_ENDINGS = (".yml", ".yaml", ".txt", ".lock", ".json")


def arguments(parser: ArgumentParser) -> None:
    """One or two sides."""
    text = "what to compare: names or paths of environments, or a file (environment.yml, list, @EXPLICIT, lock file) "
    text += "last. With one, the environment of -n or -p, or the active one, is the other."
    parser.add_argument("sides", nargs="+", metavar="SIDE", help=text)
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print the differences; exit code 0 if there are none, else 1."""
    left, right = _sides(args.sides, app)
    found = _compare(left, right, app)
    app.out.result(
        success=True,
        same=not found,
        left=left,
        right=right,
        differences=[msgspec.to_builtins(difference) for difference in found],
    )
    app.out.data("\n".join(_lines(found)))
    return 1 if found else 0


def _sides(words: Sequence[str], app: App) -> tuple[str, str]:
    """The environment on the left, and what is on the right."""
    if len(words) > 2:
        raise UsageError(f"whipsnake compare: expected one or two sides, found {len(words)}.")
    left = _environment(words[0], app) if len(words) == 2 else existing_prefix(app.config, app.out.warning)
    right = words[-1]
    return left, right if _is_file(right, app) else _environment(right, app)


def _is_file(text: str, app: App) -> bool:
    path = os.path.join(app.config.cwd, os.path.expanduser(text))
    return text == "-" or is_remote(text) or os.path.isfile(path) or text.lower().endswith(_FILE_ENDINGS)


def _environment(text: str, app: App) -> str:
    """The prefix of an environment's name or path; `PrefixError` if there is none."""
    is_path = os.sep in text or text in (".", "..", "~")
    context = prefix_context(app.config)
    found = resolve_target_prefix(context, path=text if is_path else None, name=None if is_path else text)
    if found is None:
        raise PrefixError(f"There is no environment {text!r}.")
    return existing_prefix(msgspec.structs.replace(app.config, target_prefix=found), app.out.warning)


def _compare(left: str, right: str, app: App) -> list[Difference]:
    if not _is_file(right, app):
        return compare_packages(_installed(left, app), _installed(right, app))
    asked = _read(right, app)
    if not asked.explicit:
        return compare_with_specs(read_records(left), asked.specs)
    locked = {record.name: f"{record.version} {record.build}" for record in explicit_records(asked)}
    return compare_packages(_installed(left, app, with_pip=False), locked)


def _read(file: str, app: App) -> Asked:
    from engine.commands.asking import fetch_file

    return gather((), (file,), app.config, app.environ, lambda url: fetch_file(url, app))


def _installed(prefix: str, app: App, *, with_pip: bool = True) -> dict[str, str]:
    installed = read_installed(prefix)
    found = {record.name: f"{record.version} {record.build}" for record in installed}
    if with_pip:
        others = installed_by_pip(prefix, installed, app.config.platform)
        found |= {f"{record.name} (pip)": record.version for record in others}
    return found


def _lines(found: Sequence[Difference]) -> list[str]:
    if not found:
        return ["No differences."]
    rows = [(_MARKS[one.kind], one.name, one.left or "nothing", "→", one.right or "nothing") for one in found]
    return [*table(rows), plural(len(found), "difference")]
