"""An environment and a menu file for the tests of menu entries."""

from __future__ import annotations

import json
from typing import Any

from engine.menu.item import Menu, read_menu
from engine.menu.place import MenuPlace


def place(platform: str = "linux-64", prefix: str = "/opt/root/envs/it's me", **facts: Any) -> MenuPlace:
    """An environment of a user."""
    known: dict[str, Any] = {"base_prefix": "/opt/root", "home": "/home/me", "program": "/opt/bin/whipsnake"}
    known |= {"python": "3.12", "site_packages": "lib/python3.12/site-packages"}
    return MenuPlace(prefix=prefix, platform=platform, **{**known, **facts})


def document(*items: dict[str, Any], menu_name: str = "Tools of {{ ENV_NAME }}") -> dict[str, Any]:
    """A menu file of the standard."""
    return {
        "$schema": "https://schemas.conda.org/menuinst-1-1-0.schema.json",
        "menu_name": menu_name,
        "menu_items": items,
    }


def item(**fields: Any) -> dict[str, Any]:
    """One entry, for all platforms."""
    base = {"name": "A Tool", "description": "Does things", "command": ["{{ PYTHON }}", "-m", "tool"]}
    return {**base, "platforms": {"linux": {}, "osx": {}, "win": {}}, **fields}


def menu(*items: dict[str, Any], platform: str = "linux-64", is_base: bool = False) -> Menu:
    """The file, read."""
    return read_menu(json.dumps(document(*items)).encode(), "Menu/tool.json", platform, is_base=is_base)
