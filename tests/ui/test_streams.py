"""`engine.ui.streams`: whatever the process was started with, it can speak."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.ui.out import Out
from engine.ui.streams import PLAIN_ERRORS, prepare_streams, silence

REPOSITORY = Path(__file__).parents[2]
MAIN = "import sys; from cli import main; sys.exit(main(sys.argv[1:]))"


def run(*words: str, shell: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The program as a process of its own; ``shell`` is what a shell writes behind the command."""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **variables}
    command = [sys.executable, "-W", "error", "-c", MAIN, *words]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(command, capture_output=True, env=environ, check=False)


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(tmp_path / "root"))


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("── a · b …", "ascii", b"-- a - b ..."),
        ("── é", "latin-1", b"-- \xe9"),
        ("家", "ascii", b"\\u5bb6"),
        ("x\udcff", "ascii", b"x\xff"),
        ("x\udcff─", "utf-8", b"x\xff\xe2\x94\x80"),
        ("\ud800", "utf-8", b"\\ud800"),
    ],
)
def test_characters_that_an_encoding_lacks(text: str, encoding: str, written: bytes) -> None:
    prepare_streams()
    assert text.encode(encoding, PLAIN_ERRORS) == written


def test_decoding_is_none_of_our_business() -> None:
    prepare_streams()
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", PLAIN_ERRORS)


def test_tables_in_a_locale_without_the_characters() -> None:
    found = run("env", "list", PYTHONIOENCODING="ascii")
    assert (found.returncode, found.stderr) == (0, b"")
    assert found.stdout.decode("ascii").splitlines()[1].startswith("-----")


def test_json_in_a_locale_without_the_characters(tmp_path: Path) -> None:
    found = run("env", "list", "--json", PYTHONIOENCODING="ascii", MAMBA_ROOT_PREFIX=str(tmp_path / "家"))
    assert b"\\u5bb6" in found.stdout


def test_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    stdout = io.StringIO()
    out = Out(json=True, stdout=stdout)
    out.result(path="x\udcff")
    out.close(success=True)
    assert '"x\\udcff"' in stdout.getvalue()


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("words", [("info",), ("env", "list", "--json")])
def test_closed_streams(closed: str, words: tuple[str, ...]) -> None:
    found = run(*words, shell=closed)
    assert (found.returncode, found.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "words",
    [("info",), ("info", "--json"), ("--version",), ("--help",), ("list", "--help"), ("shell", "hook", "-s", "bash")],
)
def test_an_answer_that_can_not_be_written(words: tuple[str, ...]) -> None:
    found = run(*words, shell=">/dev/full")
    assert found.returncode == 1
    assert found.stderr.startswith(b"error: Could not write to standard output: No space left on device\n")
    assert b"Exception ignored" not in found.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("words", [("info",), ("--version",), ("shell", "hook", "-s", "bash")])
def test_a_reader_who_has_seen_enough(words: tuple[str, ...]) -> None:
    assert run(*words, shell="| true").stderr == b""


def test_silence(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        silence(file.fileno())
        file.write("lost")
    assert (tmp_path / "file").read_text() == ""


def test_lines_are_written_when_they_are_said(tmp_path: Path) -> None:
    """What runs in a pipeline or a CI log is seen while it runs, and in the order of what children write."""
    with open(tmp_path / "log", "w") as file:
        Out(stdout=file).line("first")
        assert (tmp_path / "log").read_text() == "first\n"
