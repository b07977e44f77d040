"""``conda-meta/history``: what was done to an environment, in blocks that conda, mamba and we read (CEP 32).

A block is written whole. conda and mamba pass over a version line of another tool, so ours names us. Specs are a
Python list, as conda evaluates them literally; both quote a spec that has quotes itself in the other kind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from engine.errors import StorageError
from engine.link.prefix.meta import META
from engine.model.records import RepoDataRecord
from engine.model.url import mask_secrets, strip_secrets
from engine.version import __version__

_HEAD = re.compile(r"==>\s*(.+?)\s*<==")
_SPECS = re.compile(r"#\s*(\w+)\s*specs:\s*(.*)")
_CMD = re.compile(r"#\s*cmd:\s*(.+)")
_DEFAULT_HOSTS = ("https://conda.anaconda.org/", "http://conda.anaconda.org/")


class Revision(msgspec.Struct, frozen=True):
    """One block."""

    date: str
    command: str = ""
    linked: tuple[str, ...] = ()
    unlinked: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    """Everything that is installed, in a block that is no difference (old conda's, or one where no package changed)."""
    update_specs: tuple[str, ...] = ()
    remove_specs: tuple[str, ...] = ()
    neutered_specs: tuple[str, ...] = ()


def dist_string(record: RepoDataRecord, names: Mapping[str, str]) -> str:
    """``channel/subdir::name-version-build``, as conda's ``dist_str``; channels by their short names."""
    channel = strip_secrets(record.channel).rstrip("/")
    short = names.get(channel)
    if short is None:
        short = next((channel[len(host) :] for host in _DEFAULT_HOSTS if channel.startswith(host)), channel)
    start = f"{short}/{record.subdir}" if short else record.subdir
    return f"{start}::{record.dist}"


def format_block(
    *,
    now: datetime,
    command: str,
    unlinked: Sequence[str] = (),
    linked: Sequence[str] = (),
    listed: Sequence[str] = (),
    update_specs: Sequence[str] = (),
    remove_specs: Sequence[str] = (),
    neutered_specs: Sequence[str] = (),
) -> str:
    """The text of one block. ``now`` is local time, as conda writes it.

    ``listed`` is all that is installed, for a block where no package changes: for conda, a block without additions and
    removals is a list of everything, so without that the environment would have been empty then.
    """
    one_line = " ".join(mask_secrets(command).split())
    lines = [f"==> {now:%Y-%m-%d %H:%M:%S} <==", f"# cmd: {one_line}", f"# whipsnake version: {__version__}"]
    lines += [f"-{dist}" for dist in sorted(unlinked)]
    lines += [f"+{dist}" for dist in sorted(linked)]
    lines += [] if linked or unlinked else sorted(listed)
    if remove_specs:
        lines.append(f"# remove specs: {_list(remove_specs)}")
    if update_specs:
        lines.append(f"# update specs: {_list(update_specs)}")
    if neutered_specs:
        lines.append(f"# neutered specs: {_list(neutered_specs)}")
    return "\n".join(lines) + "\n"


def _list(specs: Sequence[str]) -> str:
    return repr([mask_secrets(spec) for spec in specs])


def history_path(prefix: str) -> str:
    """Where the history of a prefix is."""
    return os.path.join(prefix, META, "history")


def history_to_continue(prefix: str) -> bytes:
    """The file's content, to be followed by a block; nothing for an environment that only begins."""
    try:
        with open(history_path(prefix), "rb") as file:
            before = file.read()
    except FileNotFoundError:
        return b""
    return before if before.endswith(b"\n") or not before else before + b"\n"


def read_history(prefix: str) -> tuple[Revision, ...]:
    """All blocks, oldest first; none if the file is missing. Lines before the first head are passed over."""
    try:
        with open(history_path(prefix), encoding="utf-8", errors="replace") as file:
            return parse_history(file.read())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StorageError.from_os_error(f"read {history_path(prefix)}", error) from error


def parse_history(text: str) -> tuple[Revision, ...]:
    """The blocks in the text of a history, whoever wrote it."""
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        line = line.strip()  # noqa: PLW2901 - as conda reads it
        head = _HEAD.match(line)
        if head:
            blocks.append((head[1], []))
        elif line and blocks:
            blocks[-1][1].append(line)
    return tuple(_parse_block(date, lines) for date, lines in blocks)


def _parse_block(date: str, lines: list[str]) -> Revision:
    command, specs = "", {"update": (), "remove": (), "neutered": ()}  # type: str, dict[str, tuple[str, ...]]
    for line in lines:
        if found := _CMD.match(line):
            command = found[1]
        elif found := _SPECS.match(line):
            action = _ACTIONS.get(found[1], "")
            specs[action] = _parse_specs(found[2])
    return Revision(
        date=date,
        command=command,
        linked=tuple(line[1:] for line in lines if line.startswith("+")),
        unlinked=tuple(line[1:] for line in lines if line.startswith("-")),
        listed=tuple(line for line in lines if not line.startswith(("+", "-", "#"))),
        update_specs=specs["update"],
        remove_specs=specs["remove"],
        neutered_specs=specs["neutered"],
    )


_ACTIONS = {
    "update": "update",
    "install": "update",
    "create": "update",
    "remove": "remove",
    "uninstall": "remove",
    "neutered": "neutered",
}


def _parse_specs(text: str) -> tuple[str, ...]:
    """A Python list; or, before conda 4.5, texts joined by commas (a part that begins with a relation goes on)."""
    if text.startswith("["):
        return tuple(str(spec) for spec in _python_list(text) if spec and not str(spec).endswith("@"))
    specs: list[str] = []
    for part in text.split(","):
        if specs and part.lstrip().startswith(("<", ">", "=", "!", "~")):
            specs[-1] += f",{part}"
        elif part.strip():
            specs.append(part.strip())
    return tuple(specs)


def _python_list(text: str) -> Sequence[object]:
    """What `repr` of a list was; nothing where it was none."""
    if '"' not in text and "\\" not in text:  # then it is JSON, but for the quotes
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text.replace("'", '"'), type=list[str])
    from ast import literal_eval  # seldom needed, and not imported in no time

    try:
        found = literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    return found if isinstance(found, list) else ()


def requested_specs(revisions: Sequence[Revision]) -> dict[str, str]:
    """What the user asked for and did not take back: package name → spec, as conda's ``get_requested_specs_map``.

    Packages that are no longer installed are not left out here.
    """
    found: dict[str, str] = {}
    for revision in revisions:
        for spec in revision.remove_specs:
            found.pop(spec_name(spec), None)
        for spec in (*revision.update_specs, *revision.neutered_specs):
            found[spec_name(spec)] = spec
    return found


def spec_name(spec: str) -> str:
    """The package's name in the text of a spec; good enough to file it under."""
    bare = spec.rpartition("::")[2] if "::" in spec.partition("[")[0] else spec
    return re.split(r"[\s=<>!~\[]", bare.strip(), maxsplit=1)[0].lower()
