"""The command line that cmd.exe runs first, in the registry (whose module is a stand-in here)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from engine.errors import UsageError
from engine.shell import autorun
from engine.shell.autorun import with_hook, without_hook
from engine.shell.dialect import Program

HOOK = '"C:\\root\\condabin\\mamba_hook.bat"'
PROGRAM = Program("C:\\bin\\whipsnake.exe", "whipsnake", "C:\\root", "cmd.exe")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, HOOK),
        ("", HOOK),
        ("echo 'test'", f"echo 'test' & {HOOK}"),
        ('"D:\\other\\condabin\\mamba_hook.bat"', HOOK),
        ('a & "D:\\old\\condabin\\MAMBA_HOOK.BAT" & b', f"a & {HOOK} & b"),
        ('"C:\\miniconda\\condabin\\conda_hook.bat"', f'"C:\\miniconda\\condabin\\conda_hook.bat" & {HOOK}'),
    ],
)
def test_our_part_is_put_in_once_and_taken_out_again(before: str | None, after: str) -> None:
    assert with_hook(before, HOOK) == with_hook(after, HOOK) == after
    rest = without_hook(after)
    if before and "mamba" not in before.lower():
        assert rest == before
    else:
        assert rest == {None: None, "": None}.get(before, "a & b" if before and "b" in before[-1] else None)


def test_without_ours_nothing_changes() -> None:
    assert without_hook("echo hello & cls") == "echo hello & cls" and without_hook(None) is None


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[str, int]]]:
    """A registry with one key, and the module as Windows would have it."""
    values: dict[str, tuple[str, int]] = {}

    class Key(SimpleNamespace):
        def __enter__(self) -> Key:
            return self

        def __exit__(self, *_: object) -> None:
            return None

    def query(key: Any, name: str) -> tuple[str, int]:
        if name not in values:
            raise FileNotFoundError(2, "not there")
        return values[name]

    winreg = ModuleType("winreg")
    winreg.__dict__.update(
        HKEY_CURRENT_USER=1, REG_SZ=1, REG_EXPAND_SZ=2, OpenKey=lambda *_: Key(), CreateKey=lambda *_: Key(),
        QueryValueEx=query, SetValueEx=lambda key, name, zero, kind, value: values.update({name: (value, kind)}),
        DeleteValue=lambda key, name: values.pop(name),
    )  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        patch.setitem(sys.modules, "winreg", winreg)
        importlib.reload(autorun)
        yield values
    importlib.reload(autorun)


def test_the_registry_is_as_before_in_the_end(registry: dict[str, tuple[str, int]]) -> None:
    registry["AutoRun"] = ("prompt %USERNAME%$G", 2)
    autorun.plan_autorun(PROGRAM).write()
    assert registry["AutoRun"] == (f"prompt %USERNAME%$G & {HOOK}", 2)
    again = autorun.plan_autorun(PROGRAM)
    assert again.before == again.after
    autorun.plan_autorun(None).write()
    assert registry["AutoRun"] == ("prompt %USERNAME%$G", 2)


def test_a_value_that_only_we_needed_goes(registry: dict[str, tuple[str, int]]) -> None:
    autorun.plan_autorun(PROGRAM).write()
    assert registry == {"AutoRun": (HOOK, 1)}
    autorun.plan_autorun(None).write()
    assert registry == {}


@pytest.mark.skipif(sys.platform == "win32", reason="there is a registry")
def test_elsewhere_there_is_no_registry() -> None:
    with pytest.raises(UsageError, match="not Windows"):
        autorun.plan_autorun(PROGRAM)
