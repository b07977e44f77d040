"""Reading menu files of packages."""

from __future__ import annotations

import json

import pytest

from engine.errors import LinkError
from engine.menu.item import OldForm, file_name, read_menu, slug
from tests.menu.places import document, item, menu


def test_the_part_of_the_platform_wins() -> None:
    platforms = {"linux": {"command": ["other"], "icon": None, "Categories": ["Science"]}, "osx": None}
    [found] = menu(item(icon="tool.{{ ICON_EXT }}", terminal=True, platforms=platforms)).items
    assert (found.command, found.icon, found.terminal) == (("other",), "tool.{{ ICON_EXT }}", True)
    assert (found.activate, found.description, found.more) == (True, "Does things", {"Categories": ["Science"]})
    assert menu(item(platforms=platforms), platform="osx-arm64").items == ()
    assert menu(item(platforms={}), platform="win-64").items == ()


def test_a_name_may_depend_on_whether_it_is_base() -> None:
    name = {"target_environment_is_base": "Tool", "target_environment_is_not_base": "Tool ({{ ENV_NAME }})"}
    assert menu(item(name=name), is_base=True).items[0].name == "Tool"
    assert menu(item(name=name)).items[0].name == "Tool ({{ ENV_NAME }})"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"$id": "x"}',
        b'{"$id": "x", "menu_name": "a", "menu_items": 3}',
        b'{"$id": "x", "menu_name": 1, "menu_items": []}',
        json.dumps(document(item(command="not a list"))).encode(),
        json.dumps(document(item(name={"other": "x"}))).encode(),
        json.dumps(document(item(platforms=["linux"]))).encode(),
        b'{"$id": "\xff", "menu_name": "a", "menu_items": []}',
    ],
)
def test_what_is_broken_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(LinkError, match="Menu/x"):
        read_menu(data, "Menu/x.json", "linux-64", is_base=False)


def test_the_older_form_is_told_apart() -> None:
    with pytest.raises(OldForm):
        read_menu(b'{"menu_name": "a", "menu_items": []}', "Menu/x.json", "win-64", is_base=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Spyder 6 (my env)", "spyder-6-my-env"), ("Über -- Café_x ", "uber-cafe_x"), ("../../etc", "etc"), ("漢", "")],
)
def test_slugs(text: str, expected: str) -> None:
    assert slug(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Tool (a)", "Tool (a)"), ("../up", "-up"), ("C:\\x", "C--x"), ("..", "unnamed"), ("a\nb", "a-b")],
)
def test_names_of_files_lead_nowhere_else(text: str, expected: str) -> None:
    assert file_name(text) == expected
