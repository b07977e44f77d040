"""What a command imports is what people wait for: each is watched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer

NETWORK = ("aiohttp", "ssl", "asyncio", "anyio", "engine.fetch.http.transport")
ARCHIVES = (
    "zstandard",
    "engine.fetch.packages.unpack",
    "engine.fetch.archive.extract",
    "engine.fetch.archive.tar",
    "engine.fetch.archive.conda_zip",
)
SOLVER = ("pycosat", "engine.solve", "engine.planning.planner", "engine.install")
SELDOM = ("tempfile", "engine.delivery.cacheless", "engine.solve.explain", "engine.link.transaction.change")
DRAWING = ("rich", "yaml")


def imported(words: list[str], modules: tuple[str, ...], home: Path) -> set[str]:
    """Which of some modules a command has imported when it ends, or becomes another program."""
    code = (
        "import os, sys, cli\n"
        f"def tell(*_):\n    print('imported', *({modules!r} & sys.modules.keys()), file=sys.stderr, flush=True)\n"
        "    os._exit(0)\n"
        "for name in ('execv', 'execve', 'execvp', 'execvpe'):\n    setattr(os, name, tell)\n"
        f"try:\n    cli.main({words!r})\nexcept SystemExit:\n    pass\ntell()\n"
    ).replace(f"({modules!r} &", f"(set({modules!r}) &")
    environ = {**os.environ, "HOME": str(home)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=environ, capture_output=True, text=True, check=False
    )
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("imported"), ran.stderr
    return set(last.split()[1:])


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    meta = tmp_path / "env" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").touch()
    return tmp_path / "env"


@pytest.mark.parametrize(
    "words", ["list", "run true", "info", "env list", "shell activate -s bash", "config list", "create --help"]
)
def test_commands_that_only_look_load_no_network_solver_or_archives(words: str, prefix: Path, tmp_path: Path) -> None:
    place = ["-p", str(prefix)] if words.split(maxsplit=1)[0] in ("list", "run", "shell") else []
    first, *rest = words.split()
    argv = [first, *place, *rest] if first == "run" else [*words.split(), *place]
    modules = (*NETWORK, *ARCHIVES, *SOLVER)
    if words == "create --help":
        modules = ("aiohttp", "rich", "zstandard", "pycosat")
    assert imported(argv, modules, tmp_path) == set()


@pytest.mark.parametrize("words", ["recover", "env remove -y"])
def test_commands_that_only_put_right_or_remove_load_no_network_solver_or_archives(
    words: str, prefix: Path, tmp_path: Path
) -> None:
    modules = (
        "aiohttp",
        "engine.fetch.http.transport",
        "engine.fetch.packages.prepare",
        "engine.fetch.index.repodata",
        *ARCHIVES,
        *SOLVER,
    )
    assert imported([*words.split(), "-p", str(prefix)], modules, tmp_path) == set()
    assert prefix.exists() == (words == "recover")


@pytest.mark.parametrize("words", ["create", "install", "update", "remove", "env create", "env update", "rename"])
def test_tab_and_help_load_nothing_that_changes_environments(words: str, tmp_path: Path) -> None:
    modules = (
        *NETWORK,
        "zstandard",
        "pycosat",
        "engine.solve.solver",
        "engine.planning.planner",
        "engine.install",
        "yaml",
    )
    assert imported(["completer", *words.split(), "--dry"], modules, tmp_path) == set()
    assert imported([*words.split(), "--help"], modules, tmp_path) == set()


def test_a_warm_create_loads_no_http_client_and_no_archive_reader(
    run_command: RunCommand, server: ChannelServer, root: Path, tmp_path: Path
) -> None:
    words = ["create", "-y", "-r", str(root), "--override-channels", "-c", server.url, "tool"]
    assert run_command(*words, "-n", "one").code == 0
    server.forget()
    assert imported([*words, "-n", "two"], ("aiohttp", "rich", "pycosat", *ARCHIVES[1:], *SELDOM), tmp_path) == set()
    assert (root / "envs/two/bin/tool").exists()
    assert {request.status for request in server.requests} == {304}, "the server was asked, and nothing had changed"


def test_an_install_of_what_is_there_loads_no_network_solver_or_archives(
    run_command: RunCommand, channel: ChannelBuilder, root: Path, tmp_path: Path
) -> None:
    words = ["-y", "-r", str(root), "-n", "one", "--override-channels", "-c", channel.url, "tool"]
    assert run_command("create", *words).code == 0
    solver = ("pycosat", "engine.solve.solver", "engine.planning.planner", "engine.install", "engine.request")
    assert imported(["install", *words], (*NETWORK, *ARCHIVES, *solver, "rich"), tmp_path) == set()


@pytest.mark.parametrize("module", ["engine.fetch.packages.hand", "engine.delivery.direct_hand"])
def test_processes_that_unpack_start_without_what_they_do_not_need(module: str) -> None:
    """Every create pays for what they import, once for each core, while little else can be done."""
    heavy = {"anyio", "asyncio", "concurrent.futures", "logging", "ssl", "subprocess", "tempfile"}
    code = f"import sys; sys.path[:] = {sys.path!r}; import {module}; print(*sorted({heavy!r} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
