"""docs/configuration.md, made of the tables of keys: ``python -m engine.config.reference > docs/configuration.md``.

Rule of this file: data in, text out; a test keeps the page current.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from engine.config.accepted import ACCEPTED
from engine.config.keys import GROUPS, KEYS, Key
from engine.config.yaml_text import flow_text

WITHOUT_EFFECT: Final = "accepted, without effect: "

_HEAD: Final = """\
# Configuration

<!-- This page is made by `python -m engine.config.reference`: change the tables in `engine/config`, not it. -->

A setting is looked for in this order; the first that has it wins:

1. the command line,
2. environment variables (none of them with `--no-env`),
3. rc files (none with `--no-rc`; only those named with `--rc-file`, the first the strongest),
4. the default.

Lists are joined instead, the strongest source's items first, each item once; mappings are joined name by name. The list
of channels may hold `nodefaults`, and `--override-channels` leaves all but the command line's away.

`whipsnake config list --sources` shows what counts and who set it, `config sources` which files were read, and `config
set KEY VALUE`, `append`, `prepend`, `remove` and `remove-key` change one (`~/.condarc`, or `--env`, `--system`, `--file
FILE`) without touching its comments. `$NAME` and `${NAME}` in values are replaced by environment variables.

## Where rc files are looked for

The strongest first. A `condarc.d` or `mambarc.d` stands for its `*.yml` and `*.yaml`. On Windows,
`C:/ProgramData/conda` takes the place of `/etc/conda` and `/var/lib/conda`, and `%APPDATA%` that of `.config`.

| where | files |
|---|---|
"""
_PLACES: Final = (
    ("the environment that a command works on", "`.mambarc`, `condarc.d/`, `condarc`, `.condarc`"),
    ("`$MAMBARC`", "that file"),
    ("the home directory", "`.mambarc`, `.mamba/` and `.config/mamba/`: `mambarc.d/`, `mambarc`, `.mambarc`"),
    ("`$CONDARC`", "that file"),
    ("`$CONDA_PREFIX`", "`condarc.d/`, `condarc`, `.condarc`"),
    ("the home directory", "`.condarc`, `.conda/` and `.config/conda/`: `condarc.d/`, `condarc`, `.condarc`"),
    ("the root prefix", "`.mambarc`, `condarc.d/`, `condarc`, `.condarc`"),
    ("`/var/lib/conda`, `/etc/conda`", "`.mambarc`, `condarc.d/`, `condarc`, `.condarc`"),
)
_KEYS: Final = """
## Keys

Every key has a variable of the same name: `MAMBA_` and the name in capitals. Where there are others, they are named,
the strongest first. Lists in variables are parted by commas (`envs_dirs` like `PATH`), mappings are written as YAML.
"""
_ACCEPTED: Final = """
## Keys of conda that have no effect

They may stand in a file. Any other key is named by `config list` and `config sources`, with its line.

| key | instead |
|---|---|
"""
_KINDS: Final[Mapping[str, str]] = {
    "bool": "true or false", "int": "number", "float": "number", "text": "text", "path": "path", "choice": "",
    "texts": "list", "paths": "list of paths", "map": "mapping", "multimap": "mapping to lists",
    "records": "list of mappings",
}  # fmt: skip


def configuration_page() -> str:
    """The page."""
    parts = [_HEAD, *(f"| {where} | {files} |\n" for where, files in _PLACES), _KEYS]
    for group, keys in GROUPS.items():
        shown = [key for key in keys if not key.doc.startswith(WITHOUT_EFFECT)]
        parts += [f"\n### {group}\n\n| key | value | default | meaning |\n|---|---|---|---|\n", *map(_row, shown)]
    parts += [_ACCEPTED, *(f"| `{name}` | {why} |\n" for name, why in sorted(_without_effect()))]
    return "".join(parts)


def _row(key: Key) -> str:
    kind = ", ".join(f"`{choice}`" for choice in key.choices) or _KINDS[key.kind]
    return f"| `{key.name}` | {kind} | {_default(key)} | {_meaning(key)} |\n"


def _default(key: Key) -> str:
    if key.default in (None, "", (), {}):
        return ""
    value = list(key.default) if isinstance(key.default, tuple) else key.default
    return f"`{flow_text(value)}`"


def _meaning(key: Key) -> str:
    text = key.doc.replace("|", "\\|")
    notes = []
    if key.aliases:
        notes.append("also " + ", ".join(f"`{name}`" for name in key.aliases))
    if len(key.variables) > 1:
        notes.append(", ".join(f"`{name}`" for name in key.variables))
    if key.only_option:
        notes.append("neither in rc files nor by a variable, only by an option")
    elif not key.rc:
        notes.append("not in rc files")
    return f"{text} ({'; '.join(notes)})" if notes else text


def _without_effect() -> Iterator[tuple[str, str]]:
    yield from ACCEPTED.items()
    for key in KEYS:
        if key.doc.startswith(WITHOUT_EFFECT):
            yield key.name, key.doc.removeprefix(WITHOUT_EFFECT)


if __name__ == "__main__":
    import sys

    sys.stdout.write(configuration_page())
