"""Renaming where others open what is new for a moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.system import moving


def refusing(times: int) -> tuple[Callable[[str, str], None], list[str]]:
    """`os.rename` after so many refusals, and what was asked."""
    real, asked = os.rename, list[str]()

    def rename(old: str, new: str) -> None:
        asked.append(old)
        if len(asked) <= times:
            raise PermissionError(13, "Permission denied", old)
        real(old, new)

    return rename, asked


@pytest.mark.parametrize(("system", "tries"), [("nt", 3), ("posix", 1)])
def test_windows_is_asked_again(system: str, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()
    rename, asked = refusing(2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", rename)
        patch.setattr(os, "name", system)
        try:
            moving.rename(str(old), str(new))
        except PermissionError:
            assert system == "posix"
    assert len(asked) == tries and os.path.exists(new) == (system == "nt")


def test_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, asked = refusing(1000)
    monkeypatch.setattr(moving, "PATIENCE", 0.05)
    with monkeypatch.context() as patch, pytest.raises(PermissionError):
        patch.setattr(os, "rename", rename)
        patch.setattr(os, "name", "nt")
        moving.rename(str(tmp_path), "x")
    assert 1 < len(asked) < 10


def test_what_is_being_replaced_is_opened_a_moment_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real, asked = tmp_path / "file", os.open, list[str]()
    path.touch()

    def refuse_once(path: str, flags: int) -> int:
        asked.append(path)
        if len(asked) == 1:
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse_once)
        patch.setattr(os, "name", "nt")
        opened = moving.open_file(str(path), os.O_RDONLY)
    os.close(opened)
    assert len(asked) == 2


@pytest.mark.skipif(not os.path.exists("/proc/self/mountinfo"), reason="no list of mounts")
def test_what_is_mounted_is_read_from_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert moving.is_mount("/proc") and not moving.is_mount(str(tmp_path))
    monkeypatch.setattr(moving, "_mounts", lambda: {str(tmp_path)})  # a part of the same file system
    assert moving.is_mount(str(tmp_path))
