"""Menu entries of Linux: read again as a desktop reads them, and started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.menu.linux import exec_line, linux_artifacts
from engine.menu.place import Artifacts
from tests.menu.places import item, menu, place


def by_name(artifacts: Artifacts) -> dict[str, str]:
    return {artifact.path: artifact.content.decode() for artifact in artifacts.files}


def entry_of(text: str) -> dict[str, str]:
    """A desktop file's keys, with the escapes of strings undone ("Possible value types")."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == "[Desktop Entry]"
    keys = dict(line.split("=", 1) for line in lines[1:])
    undo = {"\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\s": " "}

    def unescaped(value: str) -> str:
        out, place = "", 0
        while place < len(value):
            pair = value[place : place + 2]
            out += undo.get(pair, value[place])
            place += 2 if pair in undo else 1
        return out

    return {key: unescaped(value) for key, value in keys.items()}


def command_of(line: str, files: list[str]) -> list[str]:
    """What a desktop runs: quoting undone, field codes filled in ("The Exec key")."""
    words: list[str] = []
    for quoted, plain in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line, re.DOTALL):
        if plain in ("%F", "%U"):
            words += files
        else:
            words.append((plain or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)).replace("%%", "%"))
    return words


def test_files_are_where_desktops_look() -> None:
    here = place()
    found = by_name(linux_artifacts(menu(item(), item(name="Second")), here))
    data, config = "/home/me/.local/share", "/home/me/.config"
    [own] = [path for path in found if path.endswith(".directory")]
    stem = os.path.basename(own).removesuffix(".directory")
    assert set(found) == {
        f"{data}/applications/tools-of-its-me_a-tool.desktop",
        f"{data}/applications/tools-of-its-me_second.desktop",
        f"{data}/desktop-directories/{stem}.directory",
        f"{config}/menus/applications-merged/{stem}.menu",
    }
    root = ElementTree.fromstring(found[f"{config}/menus/applications-merged/{stem}.menu"].partition("\n")[2])
    assert [element.text for element in root.iter("Filename")] == [
        "tools-of-its-me_a-tool.desktop",
        "tools-of-its-me_second.desktop",
    ]
    for place_of, start in ((place(system=True), "/usr/local/share/"), (place(environ={"XDG_DATA_HOME": "/x"}), "/x/")):
        assert any(path.startswith(start) for path in by_name(linux_artifacts(menu(item()), place_of)))


def test_entries_for_all_users_are_where_the_standard_puts_them() -> None:
    """CEP 11, "Expected behavior". What conda has put elsewhere goes with the package too."""
    made = linux_artifacts(menu(item()), place(system=True))
    [entry] = [path for path in by_name(made) if path.endswith(".desktop")]
    assert os.path.dirname(entry) == "/usr/local/share/applications"
    assert made.elsewhere == (f"/usr/share/applications/{os.path.basename(entry)}",)
    assert linux_artifacts(menu(item()), place()).elsewhere == ()


def test_keys_of_the_specification() -> None:
    own = {
        "Categories": ["Science", "a;b"],
        "NoDisplay": False,
        "StartupWMClass": "Tool",
        "Unknown": "no",
        "Hidden": None,
    }
    made = linux_artifacts(
        menu(
            item(
                name="Evil\nExec=rm", icon="{{ MENU_DIR }}/tool.{{ ICON_EXT }}", terminal=True, platforms={"linux": own}
            )
        ),
        place(prefix="/p"),
    )
    keys = entry_of(next(text for path, text in by_name(made).items() if path.endswith(".desktop")))
    assert keys.pop("Exec").startswith("bash -ec ")
    assert keys == {
        "Type": "Application",
        "Name": "Evil\nExec=rm",
        "Comment": "Does things",
        "Icon": "/p/Menu/tool.png",
        "Terminal": "true",
        "Categories": "Science;a\\;b;",
        "NoDisplay": "false",
        "StartupWMClass": "Tool",
    }


@pytest.mark.parametrize("word", ["plain", "a b", "it's", '"q"', "$HOME `x` \\", "100%", "%f", "", "a\nb"])
def test_words_survive_the_exec_key(word: str) -> None:
    if word == "%f":
        assert exec_line([word]) == "%f"
    else:
        assert command_of(exec_line(["run", word]), []) == ["run", word]


@pytest.mark.parametrize("activate", [True, False])
def test_the_command_runs_with_the_files_that_are_opened(activate: bool, tmp_path: Path) -> None:
    prefix = tmp_path / "it's $(touch PWNED)"
    prefix.mkdir()
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "export ACTIVE=\'yes\'"\n[ "$5" != "" ] && touch "$5/asked"\n')
    program.chmod(0o755)
    show = tmp_path / "show"
    show.write_text('#!/bin/sh\nprintf "%s\\n" "$ACTIVE" "$PRE" "$@"\n')
    show.chmod(0o755)
    command = [str(show), "{{ PREFIX }}", "two words", "$VALUE", "%F"]
    made = linux_artifacts(
        menu(item(command=command, precommand='PRE="it ran"; export PRE', activate=activate)),
        place(prefix=str(prefix), program=str(program)),
    )
    keys = entry_of(next(text for path, text in by_name(made).items() if path.endswith(".desktop")))
    environ = {"PATH": "/usr/bin:/bin", "VALUE": "from outside"}
    words = command_of(keys["Exec"], ["a file", "$b"])
    ran = subprocess.run(words, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)
    said = ran.stdout.splitlines()
    assert said == ["yes" if activate else "", "it ran", str(prefix), "two words", "from outside", "a file", "$b"]
    assert (prefix / "asked").exists() == activate and not (tmp_path / "PWNED").exists()


def test_types_of_files() -> None:
    own = {"MimeType": ["application/x-tool", "text/plain"], "glob_patterns": {"application/x-tool": '*.to"ol'}}
    made = linux_artifacts(menu(item(platforms={"linux": own})), place())
    [text] = [text for path, text in by_name(made).items() if "/mime/" in path]
    root = ElementTree.fromstring(text.partition("\n")[2])
    assert [(element.tag.rpartition("}")[2], element.attrib) for element in root.iter()][1:3] == [
        ("mime-type", {"type": "application/x-tool"}),
        ("glob", {"pattern": '*.to"ol'}),
    ]
    assert ("update-mime-database", "/home/me/.local/share/mime") in made.refresh


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="desktop-file-validate is not installed")
def test_the_desktops_own_checker_agrees(tmp_path: Path) -> None:
    own = {"Categories": ["Science"], "MimeType": ["text/plain"], "Keywords": ["a", "b"]}
    made = linux_artifacts(menu(item(command=["x", "%F"], platforms={"linux": own})), place())
    path = tmp_path / "entry.desktop"
    path.write_text(next(text for name, text in by_name(made).items() if name.endswith(".desktop")))
    ran = subprocess.run(["desktop-file-validate", str(path)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_without_entries_there_is_nothing() -> None:
    assert linux_artifacts(menu(item(platforms={"win": {}})), place()) == Artifacts()
