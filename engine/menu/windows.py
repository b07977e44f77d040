"""Menu entries as shortcuts of Windows. Pure.

A shortcut's file format belongs to the shell of Windows, so the shell makes it: PowerShell is handed the facts as JSON
on its standard input (no value of a package is ever part of its code) and asks ``WScript.Shell``, which every Windows
has, also for where the folders are: users and companies move them.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.menu.item import Menu, MenuItem, file_name
from engine.menu.place import Artifact, Artifacts, MenuPlace

MAKE = r"""
$ErrorActionPreference = 'Stop'
$asked = [Console]::In.ReadToEnd() | ConvertFrom-Json
$shell = New-Object -ComObject WScript.Shell
foreach ($item in $asked) {
    $start = if ($item.system) { 'AllUsersPrograms' } else { 'Programs' }
    $folders = @(Join-Path $shell.SpecialFolders.Item($start) $item.menu)
    if ($item.desktop) {
        $folders += $shell.SpecialFolders.Item($(if ($item.system) { 'AllUsersDesktop' } else { 'Desktop' }))
    }
    foreach ($folder in $folders) {
        $path = Join-Path $folder ($item.name + '.lnk')
        if ($item.remove) {
            if (Test-Path -LiteralPath $path) {
                if ($shell.CreateShortcut($path).Arguments.Contains($item.prefix)) { Remove-Item -LiteralPath $path }
            }
            continue
        }
        New-Item -ItemType Directory -Force -Path $folder | Out-Null
        $link = $shell.CreateShortcut($path)
        $link.TargetPath = $item.target
        $link.Arguments = $item.arguments
        $link.Description = $item.name
        $link.WorkingDirectory = $item.directory
        if ($item.icon) { $link.IconLocation = $item.icon + ',0' }
        if (-not $item.terminal) { $link.WindowStyle = 7 }
        $link.Save()
    }
    if ($item.remove) {
        $folder = $folders[0]
        if ((Test-Path -LiteralPath $folder) -and -not (Get-ChildItem -LiteralPath $folder)) {
            Remove-Item -LiteralPath $folder
        }
    }
}
"""
"""Makes and removes shortcuts; a menu's folder goes with its last one. One of another prefix is left alone."""


class Shortcut(msgspec.Struct, frozen=True):
    """The facts of one entry, as `MAKE` wants them."""

    menu: str
    name: str
    prefix: str
    target: str
    arguments: str
    directory: str
    icon: str
    terminal: bool
    desktop: bool
    system: bool
    remove: bool = False


def windows_artifacts(menu: Menu, place: MenuPlace) -> tuple[Artifacts, tuple[Shortcut, ...]]:
    """The scripts in ``Menu`` that shortcuts start, and the shortcuts."""
    files, shortcuts, notes = [], [], []
    for item in menu.items:
        name = file_name(place.filled(item.name))
        script = f"{place.prefix}\\Menu\\{name}.bat"
        files.append(Artifact(script, _script(item, place).encode()))
        shortcuts.append(_shortcut(item, place, file_name(place.filled(menu.name)), name, script))
        if item.more.get("file_extensions") or item.more.get("url_protocols"):
            notes.append(f"{name}: types of files and addresses are not registered for the entry.")
    made = Artifacts(
        files=tuple(files),
        directories=tuple(place.filled(item.working_dir) for item in menu.items if item.working_dir),
        notes=tuple(notes),
    )
    return made, tuple(shortcuts)


def _shortcut(item: MenuItem, place: MenuPlace, menu: str, name: str, script: str) -> Shortcut:
    return Shortcut(
        menu=menu,
        name=name,
        prefix=place.prefix,
        target=place.environ.get("COMSPEC", "cmd.exe"),
        arguments=f'/D /{"K" if item.terminal else "C"} ""{script}""',
        directory=_windows(place.filled(item.working_dir)) if item.working_dir else "%USERPROFILE%",
        icon=_windows(place.filled(item.icon)) if item.icon else "",
        terminal=item.terminal,
        desktop=item.more.get("desktop", True) is not False,
        system=place.system,
    )


def _script(item: MenuItem, place: MenuPlace) -> str:
    lines = ["@ECHO OFF", "@CHCP 65001 > NUL"]
    if item.precommand:
        lines.append(place.filled(item.precommand))
    if item.activate:
        activate = f'"{place.program}" shell activate --shell cmd.exe "{place.prefix}"'
        lines.append(f'@FOR /F "delims=" %%F IN (\'CALL {activate}\') DO @CALL "%%F" & @DEL "%%F"')
    lines.append(" ".join(quoted(_windows(word)) for word in place.filled(item.command)))
    return "\r\n".join([*lines, ""])


def quoted(word: str) -> str:
    """One word of a batch file; variables in it are meant."""
    return word if re.fullmatch(r"[\w%.:/\\@+=~*-]+", word) else '"' + word.replace('"', '""') + '"'


def _windows(value: Any) -> str:
    """Slashes as Windows writes them, but for options (``/K``): a convenience that packages count on."""
    text = str(value)
    return text if text.startswith("/") else text.replace("/", "\\")
