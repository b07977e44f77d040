"""The documentation is true: its examples run, one page after the other, as a reader would type them.

In a ``console`` block a line with ``$`` in front is typed into bash; the lines below it must be printed, in that order
(more may be printed; a line ``…`` stands for any). Each page begins in an empty folder with an empty home.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.commands import COMMANDS
from tests.kit.channel import ChannelBuilder
from tests.kit.demo import ROOT, clean_environment
from tests.kit.interpreter import Facts, interpreter_package, native_subdir
from tests.kit.package import BuiltPackage, make_package
from tests.kit.server import ChannelServer
from tests.kit.wheel import pip_package

DOCS = ROOT / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md") if "```console" in page.read_text(encoding="utf-8"))
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("bash"), reason="the examples are typed into bash"
)


def _module(name: str, version: str, *depends: str) -> BuiltPackage:
    return make_package(
        name,
        version,
        noarch="python",
        depends=("python >=3.8", *depends),
        entry_points=[f"{name} = {name}:main"],
        files={f"site-packages/{name}/__init__.py": f"__version__ = '{version}'\nmain = lambda: print(__version__)\n"},
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChannelServer]:
    """A server whose channel ``conda-forge`` has what the examples ask for."""
    place = tmp_path_factory.mktemp("server")
    channel = ChannelBuilder(place / "conda-forge", subdirs=(native_subdir(),))
    for package in (
        interpreter_package(),
        pip_package(Facts.of(sys.executable)),
        _module("numpy", "1.26.4"),
        _module("numpy", "2.1.0"),
        _module("pandas", "2.2.0", "numpy >=1.26"),
        _module("scipy", "1.14.0", "numpy >=1.26,<2"),
        _module("flask", "3.0.3"),
    ):
        channel.add(package)
    channel.write()
    with ChannelServer(place) as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path, server: ChannelServer) -> dict[str, str]:
    """As a new user has it, with ``whipsnake`` on the path."""
    program = tmp_path / "bin" / "whipsnake"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys, cli; sys.exit(cli.main())" "$@"\n')
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    places = {"MAMBA_ROOT_PREFIX": str(tmp_path / "root"), "MAMBA_CHANNEL_ALIAS": server.url}
    return {**clean_environment(home), **places, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def examples(page: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a page, each with the lines that it must print."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        command, expected = "", list[str]()
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, expected
                command, expected = line[2:], []
            elif line != "…":
                expected.append(line)
        yield command, expected


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, environ: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for command, expected in examples(page):
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", command],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        told = f"$ {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == 0, told
        assert "Traceback" not in done.stderr, told
        _check_order(expected, done.stdout, told)


def _check_order(expected: list[str], output: str, told: str) -> None:
    lines = iter([line.rstrip() for line in output.splitlines()])
    for wanted in expected:
        assert any(wanted.strip() in line for line in lines), (
            f"{wanted!r} was not printed, or not in this order\n{told}"
        )


def test_every_command_has_its_place_in_the_documentation() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    told = [name for name, command in COMMANDS.items() if command.help]
    assert [name for name in told if f"whipsnake {name}" not in text] == []


def test_links_between_pages_lead_somewhere() -> None:
    for page in (*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "perf" / "README.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
