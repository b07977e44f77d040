"""What is an environment, and where one can be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import FrozenError, PrefixError
from engine.link.prefix.meta import is_environment
from engine.link.prefix.present import check_frozen, check_new_prefix, read_prefix


def environment(path: Path) -> Path:
    (path / "conda-meta").mkdir(parents=True)
    (path / "conda-meta" / "history").touch()
    return path


def test_history_makes_an_environment(tmp_path: Path) -> None:
    assert not is_environment(str(tmp_path))
    assert is_environment(str(environment(tmp_path / "env")))
    assert read_prefix(str(tmp_path / "env")).records == ()
    assert read_prefix(str(tmp_path / "nowhere")).history == ()


def test_places(tmp_path: Path) -> None:
    assert check_new_prefix(str(tmp_path / "x" / "y")) == "absent"
    (tmp_path / "empty").mkdir()
    assert check_new_prefix(str(tmp_path / "empty")) == "empty"
    assert check_new_prefix(str(environment(tmp_path / "env")), replace=True) == "environment"


@pytest.mark.parametrize("prefix", ["/", "relative/path", "/a\nb", "/a\0b", ""])
def test_no_places(prefix: str) -> None:
    with pytest.raises(PrefixError):
        check_new_prefix(prefix)


@pytest.mark.parametrize("replace", [False, True])
def test_taken_places(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for name in ("file", "dangling", "full"):
        with pytest.raises(PrefixError):
            check_new_prefix(str(tmp_path / name), replace=replace)
    if not replace:
        with pytest.raises(PrefixError, match="one already") as caught:
            check_new_prefix(str(environment(tmp_path / "env")))
        assert caught.value.hint


def test_frozen_by_its_presence(tmp_path: Path) -> None:
    prefix = environment(tmp_path / "env")
    check_frozen(str(prefix))
    for text in (b"", b"{}", b'{"message": "hands off"}', b"\xff", b"[1]"):
        (prefix / "conda-meta" / "frozen").write_bytes(text)
        with pytest.raises(FrozenError):
            check_frozen(str(prefix))
        check_frozen(str(prefix), override=True)
