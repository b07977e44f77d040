"""A package's ``Menu/<name>.json`` as values (CEP 11, "Menu metadata schema"). Pure.

Rule of this file: what comes out is of the right types, whatever the package wrote. Files without ``$id`` and
``$schema`` are of the older, undocumented form; the CEP wants them respected, and they are by being named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.errors import LinkError

BASE, OTHER = "target_environment_is_base", "target_environment_is_not_base"


class MenuItem(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, for one platform; placeholders are still in it."""

    name: str
    command: tuple[str, ...]
    description: str = ""
    icon: str | None = None
    precreate: str | None = None
    """Code to run before the entry is made."""
    precommand: str | None = None
    """Code to run before the command."""
    working_dir: str | None = None
    activate: bool = True
    terminal: bool = False
    more: Mapping[str, Any] = {}
    """What the platform's own part says."""


class Menu(msgspec.Struct, frozen=True):
    """One file."""

    name: str
    items: tuple[MenuItem, ...]


class OldForm(LinkError):
    """Of before the standard."""


def read_menu(data: bytes, where: str, platform: str, *, is_base: bool) -> Menu:
    """The entries that a file asks for on ``platform``. Raises `LinkError` naming ``where``; `OldForm` is one."""
    try:
        found = msgspec.json.decode(data)
        if isinstance(found, dict) and not {"$id", "$schema"} & found.keys():
            raise OldForm(f"The menu entries of {where} were not made: they are of the form before menuinst 2")
        key = platform.partition("-")[0]
        items = [item for item in found["menu_items"] if (item.get("platforms") or {}).get(key) not in (None, False)]
        made = tuple(_item(item, item["platforms"][key], is_base) for item in items)
        return Menu(msgspec.convert(found["menu_name"], str), made)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise LinkError(f"The menu entries of {where} were not made: the file can't be understood: {error}") from error


def _item(item: Mapping[str, Any], platform: object, is_base: bool) -> MenuItem:
    """What the platform's part says wins over what is said for all."""
    more = dict(platform) if isinstance(platform, dict) else {}
    given = {key: value for key, value in more.items() if value is not None}
    merged = {key: value for key, value in item.items() if key != "platforms" and value is not None}
    merged.update({key: value for key, value in given.items() if key in MenuItem.__struct_fields__})
    if isinstance(merged.get("name"), dict):
        merged["name"] = merged["name"][BASE if is_base else OTHER]
    own = {key: value for key, value in given.items() if key not in MenuItem.__struct_fields__}
    return msgspec.convert({**merged, "more": own}, MenuItem)


def slug(text: str) -> str:
    """``text`` as part of a file name, as `menuinst` makes it: small ASCII letters, digits, dashes, underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain)).strip("-_")


def file_name(text: str) -> str:
    """``text`` as the name of one file, with its spaces and capitals: nothing in it leads elsewhere."""
    return re.sub(r'[/\\:*?"<>|\x00-\x1f]', "-", text).strip(". ") or "unnamed"
