"""What scripts read: every key that micromamba prints is in our answer, of the same kind and with the same meaning."""

from __future__ import annotations

import pytest
import yaml

from tests.commands.conftest import RunCommand
from tests.interop.conftest import peer
from tests.kit.server import ChannelServer

COMMANDS = (
    "list -n one --json",
    "list -n one --json --full-name tool",
    "list -n one --revisions --json",
    "env list --json",
    "info -n one --json",
    "info --base --json",
    "create -n two tool --dry-run --json",
    "install -n one base-lib=1 --no-deps --dry-run --json",
    "remove -n one base-lib --dry-run --json",
    "env export -n one --json",
    "config list --json",
    "search old-tool --json",
    "repoquery depends old-tool --json",
    "repoquery whoneeds base-lib --json",
)
TEXTS = ("list -n one --explicit", "list -n one --explicit --md5", "list -n one --canonical", "list -n one --export")
OF_THE_PROGRAM = ("curl version", "libarchive version", "libmamba version", "micromamba version")
NAMED_OTHERWISE = ("channel", "timestamp", "log_history")
"""Keys whose values differ on purpose; docs/differences.md says why."""


@pytest.fixture
def micromamba(create: RunCommand, server: ChannelServer, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """The other tool, beside an environment that we made, with the channel for a default."""
    run = peer("micromamba")
    create("-n", "one", "tool", "data >=3")
    monkeypatch.setenv("CONDA_CHANNELS", server.url)
    return run


def _order(value: object) -> object:
    return sorted(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else value


def _apart(theirs: object, ours: object, where: str = "") -> list[str]:
    """Where ``ours`` lacks what ``theirs`` says, or says something else."""
    if type(theirs) is not type(ours):
        return [f"{where}: {theirs!r} is {ours!r}"]
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [line for key in theirs for line in _key_apart(theirs, ours, key, f"{where}/{key}")]
    if isinstance(theirs, list) and isinstance(ours, list) and any(isinstance(item, dict) for item in theirs):
        if len(theirs) != len(ours):
            return [f"{where}: {len(theirs)} items are {len(ours)}"]
        pairs = zip(sorted(theirs, key=_name), sorted(ours, key=_name), strict=True)
        return [line for a, b in pairs for line in _apart(a, b, f"{where}[{_name(a)}]")]
    return [] if _order(theirs) == _order(ours) else [f"{where}: {theirs!r} is {ours!r}"]


def _key_apart(theirs: dict[str, object], ours: dict[str, object], key: str, where: str) -> list[str]:
    if key == "log_history":
        return []
    if key not in ours:
        return [f"{where} is missing"]
    if key in OF_THE_PROGRAM + NAMED_OTHERWISE:
        return [] if type(theirs[key]) is type(ours[key]) else [f"{where}: {theirs[key]!r} is {ours[key]!r}"]
    return _apart(theirs[key], ours[key], where)


def _name(item: object) -> str:
    return str(item.get("name", "")) if isinstance(item, dict) else str(item)


@pytest.mark.parametrize("command", COMMANDS)
def test_keys_and_values(command: str, micromamba: RunCommand, run_command: RunCommand) -> None:
    theirs, ours = micromamba(*command.split()), run_command(*command.split())
    assert theirs.code == ours.code == 0, theirs.err + ours.err
    assert theirs.json.keys() - {"log_history"}
    assert _apart(theirs.json, ours.json) == []


@pytest.mark.parametrize("command", TEXTS)
def test_lines_below_the_heading(command: str, micromamba: RunCommand, run_command: RunCommand) -> None:
    theirs = [line for line in micromamba(*command.split()).out.splitlines()[1:] if line]
    ours = [line for line in run_command(*command.split()).out.splitlines() if line[:1] not in ("#", "@")]
    assert len(theirs) == 3
    assert theirs == ours


@pytest.mark.parametrize("words", [(), ("--no-builds",), ("--from-history",), ("--channel-subdir",), ("--md5",)])
def test_exports(words: tuple[str, ...], micromamba: RunCommand, run_command: RunCommand) -> None:
    theirs, ours = (run("env", "export", "-n", "one", *words) for run in (micromamba, run_command))
    assert theirs.code == ours.code == 0
    documents = [yaml.safe_load(text.out) for text in (theirs, ours)]
    for document in documents:  # "data >=3" and "data>=3" are the same request
        document["dependencies"] = [spec.replace(" ", "") for spec in document["dependencies"]]
        assert document["dependencies"]
    assert documents[0] == documents[1]
