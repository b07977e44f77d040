"""The outputs that scripts parse, word for word: golden files in ``tests/golden``, renewed with UPDATE_GOLDEN set.

What differs from machine to machine (paths, versions, sizes) is replaced by a name first.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from pathlib import Path

import pytest

from engine.version import __version__
from tests.commands.conftest import Done, RunCommand
from tests.kit.server import ChannelServer

GOLDEN = Path(__file__).parents[1] / "golden"

COMMANDS: dict[str, str] = {
    "list.json": "list -n one --json",
    "list.txt": "list -n one",
    "list-explicit-md5.txt": "list -n one --explicit --md5",
    "list-canonical.txt": "list -n one --canonical",
    "list-export.txt": "list -n one --export",
    "list-revisions.json": "list -n one --revisions --json",
    "env-list.json": "env list --json",
    "env-list.txt": "env list",
    "env-export.yml": "env export -n one",
    "env-export-explicit.txt": "env export -n one --explicit",
    "env-export.json": "env export -n one --json",
    "env-export-from-history.yml": "env export -n one --from-history",
    "info.json": "info -n one --json",
    "info-base.json": "info --base --json",
    "create-dry-run.json": "create -n two tool --dry-run --json --override-channels -c CHANNEL",
    "install-dry-run.json": "install -n one base-lib=1 --no-deps --dry-run --json --override-channels -c CHANNEL",
    "remove-dry-run.json": "remove -n one base-lib --dry-run --json",
    "create-not-found.json": "create -n two nothing-like-it --json --override-channels -c CHANNEL",
    "search.json": "search old-tool --json --override-channels -c CHANNEL",
    "repoquery-depends.json": "repoquery depends old-tool --json --override-channels -c CHANNEL",
    "repoquery-whoneeds.json": "repoquery whoneeds base-lib --json --override-channels -c CHANNEL",
    "clean-dry-run.json": "clean --tarballs --dry-run --json",
    "config-list.json": "config list --sources --json channels offline --offline --no-rc",
    "config-sources.txt": "config sources --no-rc",
    "run-no-environment.txt": "run -n nothing-like-it true",
}


@pytest.fixture
def world(create: RunCommand, run_command: RunCommand, server: ChannelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("GLIBC", "2.31"), ("LINUX", "6.1"), ("ARCHSPEC", "x86_64"), ("CUDA", "")):
        monkeypatch.setenv(f"CONDA_OVERRIDE_{name}", value)
    monkeypatch.setenv("CONDA_SUBDIR", "linux-64")
    assert create("-n", "one", "tool", "data >=3", "--no-rc").code == 0
    monkeypatch.setenv("CONDA_CHANNELS", server.url)


@pytest.mark.skipif(sys.platform != "linux", reason="paths and sizes are those of Linux")
@pytest.mark.parametrize("name", COMMANDS)
def test_output(
    name: str, world: None, run_command: RunCommand, server: ChannelServer, root: Path, isolated: Path
) -> None:
    done = run_command(*(word.replace("CHANNEL", server.url) for word in COMMANDS[name].split(" ")))
    found = _settled(done, {server.url: "CHANNEL", str(root): "ROOT", str(isolated): "HOME"})
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found)
    assert found == path.read_text()
    if name.endswith(".json"):
        json.loads(done.out)


def _settled(done: Done, names: dict[str, str]) -> str:
    text = done.out
    if text.startswith("{"):  # how long it took, and how much that was, is no part of an answer
        answer = {key: value for key, value in json.loads(text).items() if key not in ("timings", "fetch")}
        text = json.dumps(answer, indent=4, ensure_ascii=False) + "\n"
    text += f"--- exit code {done.code}\n{done.err}" if done.code else ""
    facts = {sys.executable: "PYTHON", sys.prefix: "PREFIX", json.dumps(sys.version)[1:-1]: "VERSION"}
    for value, label in {**names, **facts, platform.python_version(): "X.Y.Z", __version__: "0.0.0"}.items():
        text = text.replace(value, label)
    text = re.sub(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", "DATE", text)
    for length, label in ((64, "SHA256"), (32, "MD5")):  # compressors differ
        text = re.sub(rf"\b[0-9a-f]{{{length}}}\b", label, text)
    text = re.sub(r'(?<=": )\d{3,}(?=,?\n)', '"N"', text)
    return re.sub(r"─+", "─", text)
