"""Whole commands against a real server: a small channel, a root prefix of its own, and `run_command`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import cli
from engine.model.platform import native_platform
from tests.kit.channel import ChannelBuilder
from tests.kit.package import PLACEHOLDER, File, make_package
from tests.kit.server import ChannelServer
from tests.kit.tree import tree

SUBDIR = "linux-64"


class Done(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        return json.loads(self.out)


RunCommand = Callable[..., Done]


def build_channel(path: Path) -> ChannelBuilder:
    """Packages that depend on each other, need no interpreter, and cover what linking does."""
    channel = ChannelBuilder(path)
    for package in (
        make_package("base-lib", "1.0", files={"lib/base.txt": "base 1.0\n"}),
        make_package("base-lib", "2.0", files={"lib/base.txt": "base 2.0\n"}, format=".tar.bz2"),
        make_package(
            "tool",
            "1.0",
            depends=("base-lib >=1",),
            files={"bin/tool": File(f"#!/bin/sh\necho tool in {PLACEHOLDER}\n", mode=0o755)},
        ),
        make_package("old-tool", "1.0", depends=("base-lib <2",), files={"share/old": "old"}),
        make_package("data", "3.1", noarch="generic", files={"share/data.txt": f"at {PLACEHOLDER}/share\n"}),
        make_package("scripted", "1.0", link_scripts={"post-link": 'touch "$PREFIX/linked"\n'}),
        make_package("checked", "1.0", link_scripts={"post-link": 'test -f "$PREFIX/lib/base.txt"\n'}),
        make_package("failing", "1.0", link_scripts={"post-link": "echo it broke; exit 3\n"}),
        make_package("short", "1.0", files={"bin/short": b"\0/tiny\0"}, placeholder="/tiny"),
    ):
        channel.add(package)
    channel.write()
    return channel


@pytest.fixture
def channel(tmp_path: Path) -> ChannelBuilder:
    return build_channel(tmp_path / "channel")


@pytest.fixture
def server(channel: ChannelBuilder) -> Iterator[ChannelServer]:
    with ChannelServer(channel.path) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root prefix; the platform is fixed so that the tests do the same everywhere."""
    place = tmp_path / "root"
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(place))
    if native_platform("Linux", "x86_64") != SUBDIR:
        monkeypatch.setenv("CONDA_SUBDIR", SUBDIR)
    return place


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str], root: Path) -> RunCommand:
    """Runs a command in this process and returns what it answered; nothing may look like a traceback."""

    def run(*words: object) -> Done:
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        assert "whipsnake has a fault" not in captured.err + captured.out
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def create(run_command: RunCommand, server: ChannelServer) -> RunCommand:
    """``create --yes`` from the channel."""

    def run(*words: object) -> Done:
        return run_command("create", "--yes", "--override-channels", "-c", server.url, *words)

    return run


@pytest.fixture
def untouched(root: Path, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Call it after a failure: neither packages in the cache nor prefixes have changed since the test began."""

    def look() -> tuple[list[str], list[str]]:
        packages = [name for name in tree(root / "pkgs") if not name.startswith("cache")] if root.exists() else []
        envs = sorted(tree(root / "envs")) if (root / "envs").exists() else []
        return [name for name in packages if name not in ("urls", "urls.txt")], envs

    before = look()
    yield lambda: _equal(look(), before)


def _equal(found: object, expected: object) -> None:
    assert found == expected


PYTHON = f"""#!/bin/sh
# A stand-in: it notes what pip was asked to do, and fails where "fail" is asked for.
[ "$2" = pip ] || exit 0
cat "$5" >> {PLACEHOLDER}/asked.txt
grep -q fail "$5" && echo "no such thing" && exit 7
exit 0
"""


@pytest.fixture
def with_python(channel: ChannelBuilder) -> None:
    """The channel has a ``python`` that only seems to be one, and ``pip``."""
    channel.add(make_package("python", "3.12.1", files={"bin/python": File(PYTHON, mode=0o755)}))
    channel.add(make_package("pip", "24.0", depends=("python",), noarch="generic", files={"share/pip": ""}))
    channel.write()
