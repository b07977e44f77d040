"""``install`` of what is there looks at the environment alone; whatever is not plain is solved as ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer
from tests.kit.tree import tree

Run = Callable[..., Done]
MESSAGE = "All requested packages already installed"


@pytest.fixture
def channel(channel: ChannelBuilder) -> ChannelBuilder:
    """There is something newer of all that is installed, and packages that need more than files."""
    channel.add(make_package("base-lib", "3.0"))
    channel.add(make_package("tool", "2.0", depends=("base-lib",)))
    channel.add(make_package("python", "3.12.1"))
    channel.add(make_package("pip", "24.0"))
    channel.write()
    return channel


@pytest.fixture
def env(create: RunCommand, root: Path) -> Path:
    assert create("-n", "one", "tool=1", "base-lib=2").code == 0
    return root / "envs/one"


@pytest.fixture
def install(run_command: RunCommand, server: ChannelServer, env: Path) -> Run:
    def run(*words: object) -> Done:
        return run_command("install", "-y", "-p", env, "--override-channels", "-c", server.url, *words)

    return run


def was_solved(done: Done) -> bool:
    assert done.code == 0, done.err
    return "solve" in done.json["timings"]


def rewrite(prefix: Path, name: str, **changes: object) -> None:
    (path,) = (prefix / "conda-meta").glob(f"{name}-[0-9]*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_there_is_neither_solved_nor_touched(install: Run, env: Path, server: ChannelServer) -> None:
    before, asked = tree(env), len(server.requests)
    done = install("tool=1", "--json")
    assert not was_solved(done)
    assert done.json == {
        "dry_run": False,
        "log_history": [],
        "fetch": {"packages": 0, "cache_hits": 0, "downloads": 0, "bytes": 0, "repodata_bytes": 0},
        "message": MESSAGE,
        "prefix": str(env),
        "success": True,
        "timings": {},
    }
    assert (tree(env), len(server.requests)) == (before, asked)


def test_the_words_are_those_of_a_solve_that_changes_nothing(install: Run, tmp_path: Path) -> None:
    def told(*more: object) -> list[str]:
        lines = install("tool=1", "base-lib=2", *more).out.splitlines()
        return lines[lines.index("Transaction") :][:-1]

    assert told() == told("--trace", tmp_path / "trace") != []
    assert "Dry run. Not executing the transaction." in install("tool=1", "--dry-run").out


@pytest.mark.parametrize("more", ["--freeze-installed", "--satisfied-skip-solve", "--dry-run", "--offline"])
def test_options_that_ask_for_no_more(install: Run, more: str) -> None:
    assert not was_solved(install("tool=1", "base-lib=2", more, "--json"))


@pytest.mark.parametrize("more", ["--force-reinstall", "--update-all", "--update-deps", "--no-deps", "--only-deps"])
def test_options_that_ask_for_more_are_solved(install: Run, more: str) -> None:
    assert was_solved(install("tool=1", more, "--json"))


def test_a_request_of_its_own_is_noted_once(install: Run, env: Path) -> None:
    assert was_solved(install("tool", "--json"))
    assert (env / "conda-meta/history").read_text().count("==>") == 2
    assert not was_solved(install("tool", "--json"))
    assert (env / "conda-meta/history").read_text().count("==>") == 2


def test_what_is_not_met_is_changed(install: Run, env: Path) -> None:
    assert was_solved(install("tool=2", "--json"))
    assert list((env / "conda-meta").glob("tool-2.0-*"))


def test_a_channel_in_a_spec_is_looked_up(install: Run, server: ChannelServer) -> None:
    spec = f"{server.url}::tool=1"
    assert was_solved(install(spec, "--json"))
    again = install(spec, "--json")
    assert was_solved(again) and again.json["message"] == MESSAGE


def test_what_is_missing_comes_back(install: Run, env: Path) -> None:
    (record,) = (env / "conda-meta").glob("base-lib-*.json")
    record.unlink()
    assert was_solved(install("tool=1", "--json"))
    assert list((env / "conda-meta").glob("base-lib-*.json"))


@pytest.mark.parametrize("changes", [{"depends": ["base-lib >=3"]}, {"constrains": ["base-lib >=3"]}])
def test_packages_that_do_not_fit_are_put_right(install: Run, env: Path, changes: dict[str, object]) -> None:
    rewrite(env, "tool", **changes)
    assert was_solved(install("tool=1", "--json"))


@pytest.mark.parametrize("text", ["base-lib;if", "nothing at all =["])
def test_what_can_not_be_read_is_left_to_the_solver(install: Run, env: Path, text: str) -> None:
    rewrite(env, "tool", depends=["base-lib", text])
    done = install("tool=1", "--json")
    assert done.code != 0 and "tool" in done.json["message"]


def test_a_pin_that_is_broken_is_solved_for(install: Run, env: Path) -> None:
    pinned = env / "conda-meta/pinned"
    pinned.write_text("base-lib 2.*\nabsent 1.*\n")
    assert not was_solved(install("tool=1", "--json"))
    pinned.write_text("base-lib 3.*\n")
    assert was_solved(install("tool=1", "--json"))
    pinned.write_text("base-lib =[\n")
    done = install("tool=1")
    assert done.code != 0 and "conda-meta/pinned" in done.err


def test_a_frozen_environment_stays_refused(install: Run, env: Path) -> None:
    (env / "conda-meta/frozen").touch()
    done = install("tool=1")
    assert done.code != 0 and "marked as frozen" in done.err
    assert was_solved(install("tool=1", "--override-frozen", "--json"))


def test_what_was_cut_short_is_healed_first(install: Run, env: Path) -> None:
    leftover = env / "conda-meta/.whipsnake-999999999-0123abcd"
    leftover.mkdir()
    assert install("tool=1").code == 0
    assert not leftover.exists()


def test_a_machine_that_has_less_now_is_told_of(install: Run, env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(env, "tool", depends=["base-lib", "__cuda >=12"])
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    assert not was_solved(install("tool=1", "--json"))
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.8")
    done = install("tool=1")
    assert done.code != 0 and "__cuda" in done.err


def test_to_ask_for_python_is_to_ask_for_pip(run_command: RunCommand, server: ChannelServer, root: Path) -> None:
    channel = ("--override-channels", "-c", server.url)
    assert run_command("create", "-y", "-n", "two", *channel, "python").code == 0
    words = ("install", "-y", "-n", "two", *channel, "python", "--json")
    assert not was_solved(run_command(*words))
    assert run_command("remove", "-y", "-n", "two", "pip", "--force").code == 0
    assert was_solved(run_command(*words))
    assert list((root / "envs/two/conda-meta").glob("pip-*.json"))
