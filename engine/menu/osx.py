"""Menu entries as application bundles of macOS (CEP 11, addendum B). Pure.

The executable of the bundle is the shell script itself. That serves to start programs; what only a binary launcher can
do (being told which files to open by Apple events) is said not to be done.
"""

from __future__ import annotations

import hashlib
import plistlib
from typing import Any

from engine.menu.item import Menu, MenuItem, file_name, slug
from engine.menu.place import Artifact, Artifacts, MenuPlace
from engine.menu.unix import shell_code

_PREFIXES = ("CF", "LS", "NS", "UT")
"""Keys of the package that go into ``Info.plist`` begin so."""

_IN_TERMINAL = """\
if [ "${__CFBundleIdentifier:-}" != com.apple.Terminal ]; then
    exec open -b com.apple.terminal "$0"
fi
"""


def osx_artifacts(menu: Menu, place: MenuPlace) -> Artifacts:
    """The bundles of all entries of one package."""
    where = "/Applications" if place.system else f"{place.home}/Applications"
    files: list[Artifact] = []
    copies: dict[str, str] = {}
    links: dict[str, str] = {}
    trees, notes = [], []
    for item in menu.items:
        name = place.filled(item.name)
        bundle = f"{where}/{file_name(name)}.app"
        trees.append(bundle)
        files += _bundle(item, place, name, bundle)
        icon = place.filled(item.icon, bundle)
        if icon:
            copies[f"{bundle}/Contents/Resources/{_base(icon)}"] = icon
        links.update(_links(item, place, bundle))
        if item.more.get("event_handler") or item.more.get("entitlements"):
            notes.append(f"{name}: opening files and addresses through the entry, and entitlements, are not supported.")
    return Artifacts(
        files=tuple(files),
        trees=tuple(trees),
        copies=copies,
        links=links,
        directories=tuple(place.filled(item.working_dir) for item in menu.items if item.working_dir),
        before=tuple(place.filled(item.precreate) for item in menu.items if item.precreate),
        notes=tuple(notes),
    )


def _bundle(item: MenuItem, place: MenuPlace, name: str, bundle: str) -> list[Artifact]:
    short = slug(name) or "application"
    directory = place.filled(item.working_dir, bundle)
    script = "#!/bin/bash\n" + (_IN_TERMINAL if item.terminal else "")
    script += f'cd "{directory}" || exit\n' if directory else ""
    script += shell_code(item, place, bundle) + "\n"
    return [
        Artifact(f"{bundle}/Contents/MacOS/{short}", script.encode(), 0o755),
        Artifact(f"{bundle}/Contents/PkgInfo", f"APPL{short[:4]:?<4}".encode()),
        Artifact(f"{bundle}/Contents/Info.plist", plistlib.dumps(_info(item, place, name, short, bundle))),
    ]


def _info(item: MenuItem, place: MenuPlace, name: str, short: str, bundle: str) -> dict[str, Any]:
    own = {key: value for key, value in item.more.items() if key.startswith(_PREFIXES)}
    extra = item.more.get("info_plist_extra")
    version = str(own.get("CFBundleVersion", "1.0.0"))
    found: dict[str, Any] = {
        "CFBundleName": short if len(short) <= 16 else short[:10] + hashlib.sha1(short.encode()).hexdigest()[:6],
        "CFBundleDisplayName": name,
        "CFBundleExecutable": short,
        "CFBundleIdentifier": f"com.{short}",
        "CFBundlePackageType": "APPL",
        "CFBundleVersion": version,
        "CFBundleShortVersionString": version,
        "CFBundleGetInfoString": f"{short}-{version}",
    }
    if item.icon:
        found["CFBundleIconFile"] = _base(place.filled(item.icon, bundle))
    return {**found, **place.filled({**own, **(extra if isinstance(extra, dict) else {})}, bundle)}


def _links(item: MenuItem, place: MenuPlace, bundle: str) -> dict[str, str]:
    """Soft links inside the bundle; one that leads out of it is passed over."""
    asked = item.more.get("link_in_bundle")
    found = {}
    for source, target in (asked if isinstance(asked, dict) else {}).items():
        parts = place.filled(str(target), bundle).lstrip("/").split("/")
        if ".." not in parts:
            found[f"{bundle}/{'/'.join(parts)}"] = place.filled(source, bundle)
    return found


def _base(path: str) -> str:
    return path.rpartition("/")[2]
