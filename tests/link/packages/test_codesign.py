"""Signing rewritten programs for Apple Silicon, with a stand-in for codesign."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.link.files.modes import Mode
from engine.link.linked import Linked, Written
from engine.link.packages import codesign
from engine.link.packages.codesign import sign
from tests.link.support import Recorder


def linked(tmp_path: Path, count: int) -> Linked:
    paths = [f"bin/p{number}" for number in range(count)]
    (tmp_path / "bin").mkdir()
    for path in paths:
        (tmp_path / path).write_bytes(b"\xcf\xfa\xed\xfe")
    return Linked(0, "/cache", Mode.HARD, unsigned=paths, written={path: Written("old", 4) for path in paths})


def test_signed_in_batches_and_described_anew(tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def run(command: list[str]) -> str:
        commands.append(command)
        for path in command[5:]:
            Path(path).write_bytes(b"signed")
        return ""

    found, recorder = linked(tmp_path, 201), Recorder()
    sign(found, str(tmp_path), "osx-arm64", recorder, system="darwin", run=run)
    assert [len(command) - 5 for command in commands] == [200, 1]
    assert found.written["bin/p0"] == Written(hashlib.sha256(b"signed").hexdigest(), 6)
    assert recorder.events == []


def test_a_failure_is_a_warning(tmp_path: Path) -> None:
    recorder = Recorder()
    sign(linked(tmp_path, 1), str(tmp_path), "osx-arm64", recorder, system="darwin", run=lambda command: "no licence")
    assert recorder.notices() == [
        "bin/p0 could not be signed and will not run (no licence): "
        "run `codesign --force --sign - bin/p0` in the environment."
    ]


def test_no_codesign_is_a_warning_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codesign, "_CODESIGN", str(tmp_path / "nothing"))
    recorder = Recorder()
    sign(linked(tmp_path, 3), str(tmp_path), "osx-arm64", recorder, system="darwin")
    [said] = recorder.notices("warning")
    assert "bin/p0 and 2 more" in said and "could not be started" in said


def test_elsewhere_it_is_said(tmp_path: Path) -> None:
    recorder = Recorder()
    found = linked(tmp_path, 2)
    sign(found, str(tmp_path), "osx-arm64", recorder, system="linux", run=lambda command: str(1 // 0))
    assert "only be signed on macOS" in recorder.notices()[0]
    sign(found, str(tmp_path), "linux-64", recorder, system="linux", run=lambda command: str(1 // 0))
    assert len(recorder.events) == 1
