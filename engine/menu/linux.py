"""Menu entries as files of the freedesktop.org specifications ("Desktop Entry", "Desktop Menu", "Shared MIME-info").

Rule of this file: pure, and drop-in files only. Nothing that belongs to the user (``applications.menu``,
``mimeapps.list``) is edited, so nothing of theirs can be lost, and removing is deleting.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from engine.menu.item import Menu, MenuItem, slug
from engine.menu.place import Artifact, Artifacts, MenuPlace
from engine.menu.unix import FIELD_CODES, shell_code

_KEYS = (
    "Categories", "DBusActivatable", "GenericName", "Hidden", "Implements", "Keywords", "MimeType", "NoDisplay",
    "NotShowIn", "OnlyShowIn", "PrefersNonDefaultGPU", "SingleMainWindow", "StartupNotify", "StartupWMClass", "TryExec",
)  # fmt: skip
"""Keys of the specification that packages may set."""
SYSTEM_DATA = "/usr/local/share"
"""Where entries for all users are (CEP 11, "Expected behavior")."""
_MENUINST_DATA = "/usr/share"
"""Where menuinst puts them: those that conda made are there."""


def linux_artifacts(menu: Menu, place: MenuPlace) -> Artifacts:
    """The files of all entries of one package."""
    config, data = _directories(place)
    title = place.filled(menu.name)
    start = slug(title)
    own = f"{start}-{hashlib.sha256(place.prefix.encode()).hexdigest()[:8]}"  # what environments must not share
    entries = {f"{start}_{slug(place.filled(item.name))}.desktop": item for item in menu.items}
    if not entries:
        return Artifacts()
    files = [_entry(item, place, f"{data}/applications/{name}") for name, item in entries.items()]
    files += [_mime(pair, data, own) for item in entries.values() for pair in _globs(item)]
    directory = _desktop({"Type": "Directory", "Name": title})
    files.append(Artifact(f"{data}/desktop-directories/{own}.directory", directory))
    files.append(Artifact(f"{config}/menus/applications-merged/{own}.menu", _menu(title, own, list(entries))))
    mime = any(_globs(item) for item in entries.values())
    refresh: list[tuple[str, ...]] = [("update-desktop-database", f"{data}/applications")]
    return Artifacts(
        files=tuple(files),
        elsewhere=tuple(f"{_MENUINST_DATA}/applications/{name}" for name in entries if place.system),
        directories=tuple(place.filled(item.working_dir) for item in entries.values() if item.working_dir),
        before=tuple(place.filled(item.precreate) for item in entries.values() if item.precreate),
        refresh=(*refresh, *([("update-mime-database", f"{data}/mime")] if mime else [])),
    )


def _directories(place: MenuPlace) -> tuple[str, str]:
    """Where menus and where everything else goes."""
    if place.system:
        return "/etc/xdg", SYSTEM_DATA
    environ, home = place.environ, place.home
    return environ.get("XDG_CONFIG_HOME") or f"{home}/.config", environ.get("XDG_DATA_HOME") or f"{home}/.local/share"


def _entry(item: MenuItem, place: MenuPlace, path: str) -> Artifact:
    def filled(value: Any) -> Any:
        return place.filled(value, path)

    keys: dict[str, Any] = {
        "Type": "Application",
        "Name": filled(item.name),
        "Comment": filled(item.description),
        "Exec": exec_line(["bash", "-ec", shell_code(item, place, path), "bash", *_codes(item)]),
        "Icon": filled(item.icon),
        "Path": filled(item.working_dir),
        "Terminal": item.terminal,
    }
    keys.update({key: filled(item.more[key]) for key in _KEYS if item.more.get(key) is not None})
    shown = _desktop({key: value for key, value in keys.items() if value not in (None, "")})
    # The comment tells whose it is: an environment may only remove what is its own.
    return Artifact(path, f"# {_text(place.prefix)}\n".encode() + shown)


def _codes(item: MenuItem) -> list[str]:
    return [word for word in item.command if word in FIELD_CODES]


def exec_line(words: Sequence[str]) -> str:
    """The value of ``Exec``: each word quoted for the desktop, which is no shell; field codes stand by themselves."""
    return " ".join(word if word in FIELD_CODES else _exec_word(word) for word in words)


def _exec_word(word: str) -> str:
    word = word.replace("%", "%%")
    return word if re.fullmatch(r"[\w@+=:,./%-]+", word) else '"' + re.sub(r'(["`$\\])', r"\\\1", word) + '"'


def _desktop(keys: Mapping[str, Any]) -> bytes:
    lines = ["[Desktop Entry]", *(f"{key}={_value(value)}" for key, value in keys.items())]
    return ("\n".join(lines) + "\n").encode()


def _value(value: Any) -> str:
    """A value as the specification writes it; a line break in a text of a package is no way to further keys."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "".join(f"{_text(str(item)).replace(';', chr(92) + ';')};" for item in value)
    return _text(str(value))


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def _menu(title: str, start: str, entries: Sequence[str]) -> bytes:
    """A menu of its own with the package's entries, merged into that of the desktop."""
    names = "".join(f"<Filename>{escape(name)}</Filename>" for name in entries)
    return (
        '<!DOCTYPE Menu PUBLIC "-//freedesktop//DTD Menu 1.0//EN"'
        ' "http://www.freedesktop.org/standards/menu-spec/menu-1.0.dtd">\n'
        f"<Menu><Name>Applications</Name><Menu><Name>{escape(title)}</Name>"
        f"<Directory>{escape(start)}.directory</Directory><Include>{names}</Include></Menu></Menu>\n"
    ).encode()


def _globs(item: MenuItem) -> list[tuple[str, str]]:
    """Types of files that the package defines: type and pattern."""
    patterns, types = item.more.get("glob_patterns"), item.more.get("MimeType")
    if not isinstance(patterns, dict) or not isinstance(types, list):
        return []
    return [(kind, str(patterns[kind])) for kind in types if isinstance(kind, str) and kind in patterns]


def _mime(pair: tuple[str, str], data: str, own: str) -> Artifact:
    kind, pattern = pair
    content = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">'
        f'<mime-type type="{escape(kind)}"><glob pattern="{escape(pattern)}"/>'
        f"<comment>{escape(kind)}</comment></mime-type></mime-info>\n"
    )
    return Artifact(f"{data}/mime/packages/{own}-{slug(kind.replace('/', '-'))}.xml", content.encode())
