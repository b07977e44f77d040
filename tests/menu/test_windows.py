"""Menu entries of Windows: the facts of shortcuts, and the scripts that they start."""

from __future__ import annotations

import msgspec

from engine.menu.windows import MAKE, quoted, windows_artifacts
from tests.menu.places import item, menu, place

PREFIX = "C:\\root\\envs\\a"


def test_a_shortcut_and_its_script() -> None:
    entry = item(icon="{{ MENU_DIR }}/t.{{ ICON_EXT }}", command=["{{ SCRIPTS_DIR }}/tool.exe", "/K", "two words"])
    made, shortcuts = windows_artifacts(menu(entry, platform="win-64"), place("win-64", PREFIX, program="C:\\w.exe"))
    [script] = made.files
    assert script.path == f"{PREFIX}\\Menu\\A Tool.bat"
    assert script.content.decode().split("\r\n") == [
        "@ECHO OFF",
        "@CHCP 65001 > NUL",
        f'@FOR /F "delims=" %%F IN (\'CALL "C:\\w.exe" shell activate --shell cmd.exe "{PREFIX}"\') '
        'DO @CALL "%%F" & @DEL "%%F"',
        f'{PREFIX}\\Scripts\\tool.exe /K "two words"',
        "",
    ]
    [shortcut] = shortcuts
    assert msgspec.structs.asdict(shortcut) == {
        "menu": "Tools of a",
        "name": "A Tool",
        "prefix": PREFIX,
        "target": "cmd.exe",
        "arguments": f'/D /C ""{PREFIX}\\Menu\\A Tool.bat""',
        "directory": "%USERPROFILE%",
        "icon": f"{PREFIX}\\Menu\\t.ico",
        "terminal": False,
        "desktop": True,
        "system": False,
        "remove": False,
    }


def test_nothing_of_a_package_becomes_code_or_a_path_elsewhere() -> None:
    entry = item(name="..\\..\\'; calc; '", platforms={"win": {"desktop": False, "file_extensions": [".x"]}})
    made, [shortcut] = windows_artifacts(menu(entry, platform="win-64"), place("win-64", PREFIX))
    assert "\\" not in shortcut.name and shortcut.name not in MAKE
    assert not shortcut.desktop and len(made.notes) == 1
    assert quoted('a "b"') == '"a ""b"""'
