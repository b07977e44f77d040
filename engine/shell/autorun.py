"""cmd.exe's only start-up "file": the value ``AutoRun`` in the registry, a command line that every cmd.exe runs first.

Rule of this file: only our part of that line is touched; what the user or another tool has there stays.
"""

from __future__ import annotations

import re
import sys

from engine.errors import StorageError, UsageError
from engine.shell.dialect import Program
from engine.shell.init import RcChange

_KEY = "Software\\Microsoft\\Command Processor"
_NAME = "AutoRun"
_HOOK = re.compile(r'"[^"]*?mamba[-_]hook\.bat"', re.IGNORECASE)
"""Our part, also as micromamba writes it."""


class AutoRunChange(RcChange, frozen=True):
    """The registry's value as it is and as it should be, as UTF-8."""

    def write(self) -> None:
        """Make it so."""
        if self.before != self.after:
            _write(None if self.after is None else self.after.decode())


def plan_autorun(program: Program | None) -> RcChange:
    """With the hook of ``program``, or (None) without any."""
    before = _read()
    block = "" if program is None else f'"{program.root_prefix}\\condabin\\mamba_hook.bat"'
    after = with_hook(before, block) if block else without_hook(before)
    encoded = [None if value is None else value.encode() for value in (before, after)]
    return AutoRunChange(f"HKEY_CURRENT_USER\\{_KEY}\\{_NAME}", encoded[0], encoded[1], block + "\n")


def with_hook(value: str | None, hook: str) -> str:
    """The command line with our part in it: in the place of an older one, or at the end."""
    if not value or not value.strip():
        return hook
    if _HOOK.search(value):
        return _HOOK.sub(lambda _: hook, value)
    return f"{value} & {hook}"


def without_hook(value: str | None) -> str | None:
    """The command line without our part; None if nothing else was there."""
    if value is None or not _HOOK.search(value):
        return value
    left = re.sub(rf"(?:\s*&\s*{_HOOK.pattern})|(?:{_HOOK.pattern}\s*&?\s*)", "", value, flags=re.IGNORECASE)
    return left or None


if sys.platform == "win32":
    import winreg

    def _read() -> str | None:
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _KEY) as key:
                return str(winreg.QueryValueEx(key, _NAME)[0])
        except FileNotFoundError:
            return None

    def _write(value: str | None) -> None:
        try:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _KEY) as key:
                if value is None:
                    winreg.DeleteValue(key, _NAME)
                else:
                    winreg.SetValueEx(key, _NAME, 0, winreg.REG_EXPAND_SZ if "%" in value else winreg.REG_SZ, value)
        except OSError as error:
            raise StorageError.from_os_error(f"write {_NAME} of cmd.exe to the registry", error) from error

else:

    def _read() -> str | None:
        raise UsageError("Could not initialise cmd.exe: this is not Windows.")

    def _write(value: str | None) -> None:
        raise UsageError("Could not initialise cmd.exe: this is not Windows.")
