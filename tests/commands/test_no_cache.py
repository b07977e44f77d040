"""``create --no-cache``: the same environment, byte for byte, and nothing anywhere else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ExitCode
from engine.system.temporary import temporary_name
from tests.commands.conftest import Done, RunCommand
from tests.kit import evil, privilege
from tests.kit.channel import ChannelBuilder
from tests.kit.demo import ROOT, clean_environment
from tests.kit.package import PLACEHOLDER, Directory, File, Symlink, make_package
from tests.kit.server import ChannelServer
from tests.kit.tree import Entry, tree

Create = Callable[..., Done]
Facts = tuple[Entry, int]


def everything(prefix: Path) -> dict[str, Facts]:
    """All of an environment but its history: kind, mode, content and time of each path. Links have their own times."""
    found = tree(prefix, skip=lambda path: path == "conda-meta/history", dirs=True)
    made_anew = ("conda-meta/", "bin/run-", "linked")  # records, scripts of entry points and what link scripts make
    timed = {path: entry.kind == "file" and not path.startswith(made_anew) for path, entry in found.items()}
    return {path: (entry, os.stat(prefix / path).st_mtime_ns if timed[path] else 0) for path, entry in found.items()}


def both(create: Create, prefix: Path, *words: str) -> tuple[dict[str, Facts], dict[str, Facts]]:
    """The environment through the cache, and without one."""
    assert create("-p", prefix, *words).code == 0
    cached = everything(prefix)
    shutil.rmtree(prefix)
    assert create("-p", prefix, "--no-cache", *words).code == 0
    return cached, everything(prefix)


@pytest.fixture(params=["threads", "processes"], autouse=True)
def hands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Files that are made by the threads that link, and by processes beside them."""
    if request.param == "processes":
        monkeypatch.setattr("engine.fetch.packages.unpackers.WORTH", 0)
        monkeypatch.setattr("engine.fetch.packages.spooled.NAMED", 0)
    return str(request.param)


@pytest.fixture
def kinds(channel: ChannelBuilder) -> tuple[str, ...]:
    """Adds packages with everything that a package can bring; their names."""
    text = f"#!{PLACEHOLDER}/bin/python3.11 -E\nprint('{PLACEHOLDER}')\n"
    python = make_package("python", "3.11.7", "h_0_cpython", files={"bin/python3.11": File("#!/bin/sh\n", mode=0o755)})
    pure = {
        "site-packages/pure/__init__.py": "x = 1\n",
        "site-packages/pure/data.txt": f"{PLACEHOLDER}/share\n",
        "python-scripts/pure-script": File(text, mode=0o755),
    }
    files = {
        "bin/program": File(b"\x7fELF\0" + PLACEHOLDER.encode() + b"/lib\0rest", mode=0o755),
        "bin/script": File(text, mode=0o775),
        "lib/real.so.1": File(b"library" * 9000, mode=0o755),
        "lib/real.so": Symlink("real.so.1"),
        "etc/kept": File("mine", no_link=True),
        "share/odd/mode": File("x", mode=0o600),
        "share/none": File("no placeholder in it", placeholder="/opt/none", file_mode="text"),
        "share/leer": File(b""),
        "var/empty": Directory(),
    }
    packages = [python]
    for format in (".conda", ".tar.bz2"):
        end = "conda" if format == ".conda" else "bz2"
        packages.append(
            make_package(f"all-{end}", files={f"{end}/{path}": x for path, x in files.items()}, format=format)
        )
        moved = {path.replace("pure", f"pure_{end}"): content for path, content in pure.items()}
        points = [f"run-{end} = pure_{end}:main"]
        packages.append(
            make_package(
                f"pure-{end}", noarch="python", depends=["python"], files=moved, entry_points=points, format=format
            )
        )
    packages.append(
        make_package("listless", files={"share/listless": text}, info={"paths.json": None}, format=".tar.bz2")
    )
    for package in packages:
        channel.add(package)
    channel.write()
    return ("python", "all-conda", "all-bz2", "pure-conda", "pure-bz2")


def test_the_same_byte_for_byte(create: Create, kinds: tuple[str, ...], tmp_path: Path) -> None:
    cached, direct = both(create, tmp_path / "env", "--no-pyc", *kinds, "tool", "data", "scripted")
    assert direct == cached
    assert b"PREFIX" not in (tmp_path / "env/conda/bin/script").read_bytes()


@pytest.mark.parametrize("format", [".conda", ".tar.bz2"])
def test_packages_that_say_odd_things(create: Create, channel: ChannelBuilder, tmp_path: Path, format: str) -> None:
    """What is to be rewritten has a time that no file can have; paths are listed twice, metadata as a file."""
    text = File(f"#!{PLACEHOLDER}/bin/sh\n", mode=0o755)
    files = {"bin/p": text, "lib/l": Symlink("../share/d"), "share/d": "d"}
    package = make_package("p", files=files, format=format)
    twice = [*package.paths, *package.paths, {"_path": "info/index.json", "path_type": "hardlink"}]
    listed = json.dumps({"paths": twice, "paths_version": 1}).encode()
    late = {"mtime": "1e30"}
    members = [
        replace(one, pax=late, data=listed if one.name == "info/paths.json" else one.data)
        for one in evil.members_of(make_package("p", files=files, format=".tar.bz2"))
    ]
    channel.add(replace(package, data=evil.pack(members, format)))
    channel.write()
    cached, direct = both(create, tmp_path / "env", "p")
    assert direct == cached
    assert {"bin/p", "lib/l", "share/d", "info/index.json"} < set(cached)


@pytest.mark.parametrize("hands", ["threads"], indirect=True)
def test_soft_links_that_the_system_refuses(
    create: Create, channel: ChannelBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.add(make_package("p", files={"share/d": "d", "share/l": Symlink("d")}))
    channel.write()
    monkeypatch.setattr("engine.fetch.packages.direct._LINKS_MAY_BE_REFUSED", True)
    monkeypatch.setattr(os, "symlink", privilege.refuse)
    cached, direct = both(create, tmp_path / "env", "p")
    assert direct == cached
    assert (tmp_path / "env/share/l").read_text() == "d"


def test_packages_that_must_be_unpacked_first(create: Create, channel: ChannelBuilder, tmp_path: Path) -> None:
    script = 'cp "$SOURCE_DIR/share/x" "$PREFIX/from-the-script"\n'
    channel.add(
        make_package("listless", files={"share/l": f"{PLACEHOLDER}\n"}, info={"paths.json": None}, format=".tar.bz2")
    )
    channel.add(make_package("early", files={"share/x": "x"}, link_scripts={"pre-link": script}))
    channel.write()
    cached, direct = both(create, tmp_path / "env", "listless", "early")
    assert direct.pop("from-the-script")[0] == cached.pop("from-the-script")[0]
    assert direct == cached


def test_what_several_packages_bring(create: Create, channel: ChannelBuilder, tmp_path: Path) -> None:
    """The later one in link order has it, whoever arrives first."""
    for name, depends in (("one", ()), ("two", ("one",)), ("three", ("two",))):
        files = {
            "share/same": f"{name} in {PLACEHOLDER}\n",
            "share/plain": name * 2000,
            "lib/link": Symlink(f"to-{name}"),
            f"share/{name}": name,
            "a": File("a file") if name == "two" else Directory(),
            **({} if name == "two" else {"a/below": name}),
        }
        padding = {f"pad/{name}{number}": os.urandom(3000) for number in range(60 if name == "one" else 1)}
        channel.add(make_package(name, depends=depends, files={**files, **padding}))
    channel.write()
    cached, direct = both(create, tmp_path / "env", "three")
    assert direct == cached
    assert (tmp_path / "env/share/same").read_text() == f"three in {tmp_path}/env\n"


def around(tmp_path: Path) -> set[str]:
    """What there is beside the channel; the home's list of environments and its directory are not the cache's."""
    return {path for path in tree(tmp_path, dirs=True) if not path.startswith(("channel", "home", "isolated"))}


def test_nothing_is_left_beside_the_environment(create: Create, root: Path, tmp_path: Path) -> None:
    before = around(tmp_path)
    assert create("-n", "one", "--no-cache", "tool", "data").code == 0
    left = around(tmp_path) - before
    assert all(path == "root" or path.startswith("root/envs") for path in left if not path.startswith((".", "home"))), (
        left
    )
    assert os.listdir(root) == ["envs"]
    assert os.listdir(root / "envs") == ["one"]


@pytest.mark.parametrize("fault", ["digest", "broken", "missing"])
def test_a_failure_leaves_nothing_at_all(
    create: Create, channel: ChannelBuilder, server: ChannelServer, fault: str, tmp_path: Path
) -> None:
    package = make_package("bad", depends=["tool"], files={"share/bad": "x" * 5000})
    channel.add(package, **({"sha256": "0" * 64} if fault == "digest" else {}))
    channel.write()
    if fault == "broken":
        listed = make_package("bad", depends=["tool"], files={"share/bad": "y"}, info={"paths.json": '{"paths": 7}'})
        channel.add(listed)
        channel.write()
    if fault == "missing":
        server.fail("*/bad-*", status=404)
    before = around(tmp_path)
    done = create("-p", tmp_path / "env", "--no-cache", "bad", "data")
    assert done.code not in (0, ExitCode.FAULT if hasattr(ExitCode, "FAULT") else -1)
    assert "bad" in done.err
    assert around(tmp_path) == before


def test_small_packages_with_a_wrong_byte_are_fetched_once_more(
    create: Create, kinds: tuple[str, ...], server: ChannelServer, tmp_path: Path
) -> None:
    server.fail("*/pure-conda-*", times=1, flip_at=300)
    assert create("-p", tmp_path / "env", "--no-cache", *kinds).code == 0
    assert server.count("*/pure-conda-*") == 2
    server.fail("*/pure-conda-*", times=None, flip_at=300)
    before = around(tmp_path)
    done = create("-p", tmp_path / "other", "--no-cache", *kinds)
    assert done.code != 0 and "pure-" in done.err and "sha256" in done.err
    assert around(tmp_path) == before


def test_what_a_killed_process_left_goes_with_the_next(create: Create, tmp_path: Path) -> None:
    left = half_done(tmp_path)
    assert create("-p", tmp_path / "env", "--no-cache", "tool").code == 0
    assert not left.exists()


@pytest.mark.parametrize("option", ["--trash", "--all"])
def test_what_a_killed_process_left_is_trash(
    create: Create, run_command: RunCommand, root: Path, tmp_path: Path, option: str
) -> None:
    assert create("-p", tmp_path / "places" / "env", "tool").code == 0
    left = [half_done(tmp_path / "places"), half_done(root.parent)]
    mine = root / "envs" / temporary_name()
    mine.mkdir(parents=True)
    assert run_command("clean", "--yes", option).code == 0
    assert not [path for path in left if path.exists()]
    assert mine.exists()


def half_done(directory: Path) -> Path:
    """What a process leaves that is killed in the middle."""
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    path = directory / temporary_name().replace(f"-{os.getpid()}-", f"-{int(child.stdout)}-")
    (path / "half").mkdir(parents=True)
    return path


def test_the_setting_and_the_variable(
    create: Create, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAMBA_NO_CACHE", "1")
    assert create("-p", tmp_path / "env", "tool").code == 0
    assert not root.exists()
    assert create("-p", tmp_path / "other", "--cache", "tool").code == 0
    assert (root / "pkgs").is_dir()


def test_filling_a_cache_that_there_is_not(create: Create, tmp_path: Path) -> None:
    done = create("-p", tmp_path / "env", "--no-cache", "--download-only", "tool")
    assert done.code == ExitCode.CONFIG if hasattr(ExitCode, "CONFIG") else done.code != 0
    assert "--download-only" in done.err


def test_an_environment_can_be_changed_without_a_cache(
    create: Create, run_command: RunCommand, server: ChannelServer, root: Path, tmp_path: Path
) -> None:
    prefix = tmp_path / "env"
    assert create("-p", prefix, "--no-cache", "old-tool").code == 0
    words = ("install", "--yes", "--override-channels", "-c", server.url, "-p", prefix, "--no-cache")
    assert run_command(*words, "data", "tool").code == 0
    assert (prefix / "share/data.txt").read_text() == f"at {prefix}/share\n"
    assert not root.exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".whip")) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace on this machine")
def test_half_as_many_files_are_made(channel: ChannelBuilder, server: ChannelServer, tmp_path: Path) -> None:
    files = {f"share/{number % 20}/{number}": str(number) for number in range(600)}
    channel.add(make_package("many", files=files))
    channel.write()
    calls = {}
    for mode in ("--cache", "--no-cache"):
        log, base = tmp_path / f"log{mode}", tmp_path / f"at{mode}"
        base.mkdir()
        traced = "trace=openat,link,linkat,mkdir,mkdirat,rename,renameat,renameat2,symlink,symlinkat"
        command = [sys.executable, "-m", "cli", "create", "--yes", "-r", base / "root", "-p", base / "env", mode]
        done = subprocess.run(
            ["strace", "-f", "-qq", "-e", traced, "-o", log, *command, "--override-channels", "-c", server.url, "many"],
            env={**clean_environment(base), "CONDA_SUBDIR": "linux-64"},
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if b"Operation not permitted" in done.stderr and not base.joinpath("env").exists():
            pytest.skip("strace may not trace here")
        assert done.returncode == 0, done.stderr
        making = re.compile(r"\d+ +(?!openat)\w+\(|.*O_CREAT")
        made = [line for line in log.read_text().splitlines() if making.match(line) and "__pycache__" not in line]
        calls[mode] = sum(" = -1 " not in line for line in made)
    once = 16  # both save what they know of the indexes
    assert calls["--no-cache"] - once <= (calls["--cache"] - once) / 2, calls
