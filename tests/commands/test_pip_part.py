"""The pip part of an environment file: after the environment, and together with it or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer

Create = Callable[..., Done]


def environment_file(tmp_path: Path, requirement: str) -> Path:
    file = tmp_path / "environment.yml"
    file.write_text(f"name: piped\ndependencies:\n- python\n- pip\n- pip:\n  - {requirement}\n")
    return file


@pytest.mark.usefixtures("with_python")
def test_requirements_are_installed(create: Create, tmp_path: Path, root: Path) -> None:
    done = create("-f", environment_file(tmp_path, "rich>=13"))
    assert done.code == 0, done.err
    assert (root / "envs/piped/asked.txt").read_text() == "rich>=13\n"
    assert "Ran pip 1 requirement" in done.out


@pytest.mark.usefixtures("with_python")
def test_a_failure_takes_the_new_environment_away(create: Create, tmp_path: Path, root: Path) -> None:
    done = create("-f", environment_file(tmp_path, "fail"))
    assert done.code == 1
    assert "exited with 7" in done.err
    assert "no such thing" in done.err
    assert list((root / "envs").iterdir()) == []


@pytest.mark.usefixtures("with_python")
def test_nothing_is_installed_in_a_dry_run(create: Create, tmp_path: Path, root: Path) -> None:
    assert create("-f", environment_file(tmp_path, "fail"), "--dry-run").code == 0
    assert not (root / "envs").exists()


@pytest.mark.usefixtures("with_python")
def test_a_failure_leaves_an_existing_environment(
    create: Create, run_command: RunCommand, server: ChannelServer, tmp_path: Path, root: Path
) -> None:
    create("-n", "piped", "python", "pip", "base-lib=1")
    before = run_command("list", "-n", "piped", "--json").json
    file = environment_file(tmp_path, "fail")
    file.write_text(file.read_text().replace("- python\n", "- python\n- base-lib=2\n- data\n"))
    done = run_command("install", "-y", "-n", "piped", "--override-channels", "-c", server.url, "-f", file)
    assert done.code == 1
    assert "no such thing" in done.err
    assert "put back as they were" in done.err
    assert (root / "envs/piped/bin/python").exists()
    assert (root / "envs/piped/lib/base.txt").read_text() == "base 1.0\n"
    assert run_command("list", "-n", "piped", "--json").json == before


@pytest.mark.usefixtures("with_python")
@pytest.mark.parametrize("asked", [True, False])
def test_a_package_replaces_what_pip_had_installed_if_asked_to(
    create: Create,
    run_command: RunCommand,
    channel: ChannelBuilder,
    server: ChannelServer,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: bool,
) -> None:
    channel.add(make_package("my-tool", "2.0", noarch="generic", files={"share/my-tool": "new"}))
    channel.write()
    create("-n", "piped", "python")
    info = root / "envs/piped/lib/python3.12/site-packages/my_tool-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_tool\nVersion: 1.0\n")
    monkeypatch.setenv("CONDA_PREFIX_DATA_INTEROPERABILITY", str(asked).lower())
    done = run_command("install", "-y", "-n", "piped", "--override-channels", "-c", server.url, "my-tool")
    assert done.code == 0, done.err
    assert info.exists() is not asked
    assert ("my_tool 1.0 from pip was replaced" in done.out) is asked
