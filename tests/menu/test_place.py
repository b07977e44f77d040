"""Placeholders."""

from __future__ import annotations

import pytest

from tests.menu.places import place


@pytest.mark.parametrize(
    ("platform", "prefix", "expected"),
    [
        ("linux-64", "/opt/root/envs/a", "a|/opt/root/envs/a/bin/python|/opt/root/envs/a/bin|png|root"),
        ("osx-arm64", "/opt/root", "base|/opt/root/bin/python|/opt/root/bin|icns|root"),
        ("win-64", "C:\\root\\envs\\a", "a|C:\\root\\envs\\a\\python.exe|C:\\root\\envs\\a\\Library\\bin|ico|root"),
    ],
)
def test_what_they_stand_for(platform: str, prefix: str, expected: str) -> None:
    text = "{{ ENV_NAME }}|{{ PYTHON }}|{{ BIN_DIR }}|{{ ICON_EXT }}|{{ DISTRIBUTION_NAME }}"
    assert place(platform, prefix).filled(text) == expected


def test_they_are_replaced_in_lists_and_objects_and_only_once() -> None:
    here = place(prefix="/opt/{{ HOME }}")
    assert here.filled({"a": ["{{ PREFIX }}", 1, None], "{{ PREFIX }}": True}) == {
        "a": ["/opt/{{ HOME }}", 1, None],
        "{{ PREFIX }}": True,
    }
    assert here.filled("{{ UNKNOWN }} {{PREFIX}}") == "{{ UNKNOWN }} {{PREFIX}}"
    assert here.filled("{{ MENU_ITEM_LOCATION }}", "/x") == "/x"


def test_python_and_its_packages() -> None:
    assert place(prefix="/p").filled("{{ PY_VER }} {{ SP_DIR }}") == "3.12 /p/lib/python3.12/site-packages"
