"""Environments that are copied, and that move."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done, RunCommand
from tests.kit.server import ChannelServer
from tests.kit.tree import holds, tree

Create = Callable[..., Done]


@pytest.fixture
def one(create: Create, run_command: RunCommand, root: Path) -> Path:
    """An environment with packages, a pin, a variable, and files that belong to no package."""
    assert create("-n", "one", "tool", "data", "scripted").code == 0
    prefix = root / "envs/one"
    (prefix / "conda-meta/pinned").write_text("tool 1.*\n")
    assert run_command("env", "config", "vars", "set", "-n", "one", "X=1").code == 0
    (prefix / "mine/deep").mkdir(parents=True)
    (prefix / "bin/pip-script").write_text(f"#!{prefix}/bin/python\n# not {prefix}-2\n")
    (prefix / "bin/pip-script").chmod(0o755)
    (prefix / "mine/deep/binary").write_bytes(b"\0" + os.fsencode(prefix) + b"\0")
    (prefix / "mine/link").symlink_to(prefix / "mine/deep")
    (prefix / "pkgs").mkdir()
    return prefix


def records(prefix: Path) -> dict[str, dict[str, object]]:
    found = (json.loads(path.read_text()) for path in (prefix / "conda-meta").glob("*.json"))
    return {record["name"]: record for record in found}


def check_copy(prefix: Path, old: Path, packages: dict[str, dict[str, object]]) -> None:
    """It knows where it is, and has all that belongs to no package."""
    for name, record in records(prefix).items():
        before = packages[name]
        keys = ("version", "build", "url", "channel", "sha256", "md5", "depends", "requested_specs")
        assert {key: record.get(key) for key in keys} == {key: before.get(key) for key in keys}
    assert (prefix / "bin/pip-script").read_text() == f"#!{prefix}/bin/python\n# not {old}-2\n"
    assert os.access(prefix / "bin/pip-script", os.X_OK)
    assert (prefix / "mine/deep/binary").read_bytes() == b"\0" + os.fsencode(old) + b"\0"
    assert os.readlink(prefix / "mine/link") == str(prefix / "mine/deep")
    assert (prefix / "share/data.txt").read_text() == f"at {prefix}/share\n"
    assert (prefix / "conda-meta/pinned").exists() and "X" in (prefix / "conda-meta/state").read_text()
    assert not (prefix / "pkgs").exists() and (prefix / "linked").exists()
    assert {path for path in holds(prefix, os.fsencode(old)) if not path.startswith("conda-meta/")} == {
        "bin/pip-script",
        "mine/deep/binary",
    }


def test_clone_by_name(run_command: RunCommand, one: Path, root: Path, server: ChannelServer) -> None:
    before, packages = tree(one, dirs=True), records(one)
    done = run_command("create", "-y", "--clone", "one", "-n", "two", "--offline")
    assert done.code == 0 and "whipsnake activate two" in done.out, done
    check_copy(root / "envs/two", one, packages)
    assert tree(one, dirs=True) == before
    listed = [run_command("list", "--explicit", "--md5", "-n", name).out.splitlines()[3:] for name in ("one", "two")]
    assert listed[0] == listed[1]
    history = (root / "envs/two/conda-meta/history").read_text()
    assert history.count("==>") == 1 and "# update specs: ['data', 'scripted', 'tool']" in history


def test_clone_to_a_path(run_command: RunCommand, one: Path, tmp_path: Path) -> None:
    packages = records(one)
    assert run_command("create", "-y", "--clone", one, "-p", tmp_path / "copy").code == 0
    check_copy(tmp_path / "copy", one, packages)


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the package cache is empty."""
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(tmp_path / "empty"))


@pytest.mark.parametrize("words", [("create", "--clone", "one", "-n"), ("rename", "-n", "one")])
def test_neither_cache_nor_network_is_needed(
    run_command: RunCommand, one: Path, root: Path, server: ChannelServer, no_cache: None, words: tuple[str, ...]
) -> None:
    """The files of the packages are all there, and their digests prove it."""
    packages, before = records(one), len(server.requests)
    assert run_command(*words, "another-name", "-y", "--offline").code == 0
    check_copy(root / "envs/another-name", one, packages)
    assert len(server.requests) == before
    script = (root / "envs/another-name/bin/tool").read_text()
    assert script == f"#!/bin/sh\necho tool in {root}/envs/another-name\n"
    assert run_command("remove", "-y", "-n", "another-name", "tool", "data").code == 0


def test_an_altered_package_is_fetched(
    run_command: RunCommand, one: Path, root: Path, server: ChannelServer, no_cache: None
) -> None:
    tool = one / "bin/tool"
    text = tool.read_text()
    tool.unlink()
    tool.write_text(text + "# mine\n")
    assert "tool-1.0-h_0" in run_command("create", "-y", "--clone", "one", "-n", "two", "--offline").err
    assert not (root / "envs/two").exists()
    assert run_command("create", "-y", "--clone", "one", "-n", "two").code == 0
    assert "mine" not in (root / "envs/two/bin/tool").read_text()
    fetched = [request.path for request in server.requests if "tool-1.0" in request.path]
    assert len(fetched) == 2, "once for each"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--clone", "one", "-n", "two", "tool"), 2, "Cannot use --clone together with package specs."),
        (("--clone", "nothing", "-n", "two"), 1, "Could not find environment to clone: nothing"),
        (("--clone", "/not/there", "-n", "two"), 1, "Source prefix '/not/there'"),
        (("--clone", "one", "-n", "one"), 2, "would be the same"),
    ],
)
def test_clones_that_cannot_be(
    run_command: RunCommand, one: Path, root: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    before = tree(root / "envs")
    done = run_command("create", "-y", *words)
    assert (done.code, said in done.err) == (code, True), done
    assert tree(root / "envs") == before


def test_a_dry_clone(run_command: RunCommand, one: Path, root: Path) -> None:
    done = run_command("create", "--clone", "one", "-n", "two", "--dry-run", "--json").json
    assert done["dry_run"] and len(done["actions"]["LINK"]) == 4
    assert not (root / "envs/two").exists()


def test_rename(run_command: RunCommand, one: Path, root: Path, isolated: Path) -> None:
    packages = records(one)
    history = (one / "conda-meta/history").read_text()
    assert run_command("rename", "-y", "-n", "one", "two").code == 0
    check_copy(root / "envs/two", one, packages)
    assert sorted(os.listdir(root / "envs")) == ["two"]
    assert (isolated / ".conda/environments.txt").read_text().splitlines() == [str(root / "envs/two")]
    assert (root / "envs/two/conda-meta/history").read_text().startswith(history)
    assert run_command("remove", "-y", "-n", "two", "data").code == 0


def test_rename_to_a_path(run_command: RunCommand, one: Path, root: Path, tmp_path: Path) -> None:
    packages = records(one)
    assert run_command("rename", "-y", "-p", one, tmp_path / "there").code == 0
    check_copy(tmp_path / "there", one, packages)
    assert not one.exists()


def test_rename_over_another(run_command: RunCommand, create: Create, one: Path, root: Path) -> None:
    create("-n", "two", "old-tool")
    before = tree(root / "envs")
    done = run_command("rename", "-y", "-n", "one", "two")
    assert done.code == 1 and "already exists" in done.err and "--force" in done.err
    assert tree(root / "envs") == before
    packages = records(one)
    assert run_command("rename", "-y", "-n", "one", "two", "--force").code == 0
    check_copy(root / "envs/two", one, packages)
    assert sorted(os.listdir(root / "envs")) == ["two"] and not (root / "envs/two/share/old").exists()


def test_what_is_not_renamed(run_command: RunCommand, one: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "base environment" in run_command("rename", "-y", "-n", "base", "two").err
    assert "called so already" in run_command("rename", "-y", "-n", "one", "one").err
    (one / "conda-meta/frozen").write_text('{"message": "do not touch"}')
    assert "do not touch" in run_command("rename", "-y", "-n", "one", "two").err
    assert run_command("rename", "-y", "-n", "one", "two", "--override-frozen").code == 0
    assert (root / "envs/two/conda-meta/frozen").exists()
    monkeypatch.setenv("CONDA_PREFIX", str(root / "envs/two"))
    assert "active" in run_command("rename", "-y", "-n", "two", "three").err
    assert os.listdir(root / "envs") == ["two"]


def test_a_failing_script_leaves_the_old_place(run_command: RunCommand, create: Create, root: Path) -> None:
    create("-n", "one", "data", "failing", "--skip-run-link-scripts")
    before = tree(root / "envs")
    assert run_command("rename", "-y", "-n", "one", "two").code == 1
    assert tree(root / "envs") == before
