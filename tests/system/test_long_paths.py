"""Long paths on Windows, whose registry is a stand-in here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace

import pytest

from engine.errors import PrefixError, StorageError, UsageError
from engine.system import long_paths


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, bool], dict[str, int]]]:
    """Makes this a Windows whose registry has a value, and may perhaps be written."""

    class Key(SimpleNamespace):
        def __enter__(self) -> Key:
            return self

        def __exit__(self, *_: object) -> None:
            return None

    patch = pytest.MonkeyPatch()

    def begin(value: int, may_write: bool) -> dict[str, int]:
        values = {"LongPathsEnabled": value}

        def open_key(root: int, path: str, reserved: int = 0, access: int = 1) -> Key:
            if access == 2 and not may_write:
                raise PermissionError(13, "Access is denied")
            return Key()

        winreg = ModuleType("winreg")
        winreg.__dict__.update(
            HKEY_LOCAL_MACHINE=1, KEY_SET_VALUE=2, REG_DWORD=4, OpenKey=open_key,
            QueryValueEx=lambda key, name: (values[name], 4),
            SetValueEx=lambda key, name, zero, kind, new: values.update({name: new}),
        )  # fmt: skip
        patch.setattr(sys, "platform", "win32")
        patch.setitem(sys.modules, "winreg", winreg)
        importlib.reload(long_paths)
        return values

    yield begin
    patch.undo()
    importlib.reload(long_paths)


def test_they_are_switched_on_once(windows: Callable[[int, bool], dict[str, int]]) -> None:
    values = windows(0, True)
    assert not long_paths.long_paths_enabled()
    assert "enabled. It takes effect" in long_paths.enable_long_paths()
    assert values == {"LongPathsEnabled": 1} and "already" in long_paths.enable_long_paths()


def test_without_the_rights_it_says_how(windows: Callable[[int, bool], dict[str, int]]) -> None:
    windows(0, False)
    with pytest.raises(StorageError, match="administrator") as caught:
        long_paths.enable_long_paths()
    assert "Run as administrator" in str(caught.value.hint)


def test_the_longest_path_is_named_before_anything_is_written(
    windows: Callable[[int, bool], dict[str, int]],
) -> None:
    paths = ["a", "Lib/" + "x" * 200, "b"]
    windows(0, True)
    long_paths.check_length("C:\\envs\\a", paths, "link x")
    with pytest.raises(PrefixError, match=r"Lib/x.* 265 characters") as caught:
        long_paths.check_length("C:\\" + "e" * 57, paths, "link x")
    assert "enable_long_path_support" in str(caught.value.hint)
    windows(1, True)
    long_paths.check_length("C:\\" + "e" * 57, paths, "link x")


@pytest.mark.skipif(sys.platform == "win32", reason="there is a limit")
def test_elsewhere_there_is_no_such_limit() -> None:
    long_paths.check_length("/" + "e" * 250, ["x" * 250], "link x")
    with pytest.raises(UsageError, match="Windows only"):
        long_paths.enable_long_paths()
