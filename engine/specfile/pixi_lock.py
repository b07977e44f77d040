"""pixi.lock, versions 5 and 6 (`rattler_lock`): the packages of one of its environments. Pure.

Of several environments it is the one called ``default``. An environment lists addresses for each platform; what is
known of each stands in the list ``packages``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.plain_yaml import Node
from engine.specfile.lock import LockReader, pip_line
from engine.specfile.model import ExplicitPackage, SpecContext, SpecFile, invalid

_VERSIONS: Final = ("5", "6")
_DEFAULT: Final = "default"


def parse_pixi_lock(text: str, source: str, directory: str, context: SpecContext) -> SpecFile:
    """Read a pixi.lock; raises `InvalidSpecFile` with the line."""
    return _PixiLock(source, context, directory).read(text)


class _PixiLock(LockReader):
    """One pixi.lock."""

    def read(self, text: str) -> SpecFile:
        """The packages of the environment for the platform."""
        root = self.document(text)
        version = self.text(root.get("version"), "'version'")
        if version not in _VERSIONS:
            raise invalid(self.source, 0, f"the version is {version or 'not given'}, expected {' or '.join(_VERSIONS)}")
        environment = self._environment(root)
        known = self._known(root.get("packages"))
        packages: list[ExplicitPackage] = []
        pip: list[str] = []
        for item in self._of_platform(environment):
            for kind, place in self.mapping(item, "an entry of 'packages'").items():
                address = self.text(place, f"'{kind}'")
                line, entry = known.get((kind, address), (item.line, {}))
                if kind == "conda":
                    packages.append(self._package(line, address, entry))
                elif kind == "pypi":
                    pip.append(self._requirement(line, address, entry))
        channels = self.items(environment.get("channels"), "'channels'")
        urls = (self.text(self.mapping(channel, "a channel").get("url"), "'url'") for channel in channels)
        return self.spec_file(packages, pip, channels=tuple(url.rstrip("/") for url in urls if url))

    def _environment(self, root: Mapping[str, Node]) -> Mapping[str, Node]:
        found = self.mapping(root.get("environments"), "'environments'")
        name = _DEFAULT if _DEFAULT in found or len(found) != 1 else next(iter(found))
        if name not in found:
            there = ", ".join(found) or "none"
            raise invalid(self.source, 0, f"it has no environment called {_DEFAULT!r} (there are: {there})")
        return self.mapping(found[name], f"the environment {name!r}")

    def _of_platform(self, environment: Mapping[str, Node]) -> tuple[Node, ...]:
        platforms = self.mapping(environment.get("packages"), "'packages'")
        if self.context.platform not in platforms:
            raise invalid(
                self.source,
                0,
                f"it is for {', '.join(platforms) or 'no platform'}, not for {self.context.platform}",
                "Lock for this platform too, or name one of those with --platform.",
            )
        return self.items(platforms[self.context.platform], f"the list for {self.context.platform}")

    def _known(self, node: Node | None) -> dict[tuple[str, str], tuple[int, Mapping[str, Node]]]:
        """What is said of each package, by kind and address. Version 5 wrote ``kind: conda`` and ``url: …``."""
        found: dict[tuple[str, str], tuple[int, Mapping[str, Node]]] = {}
        for item in self.items(node, "'packages'"):
            entry = self.mapping(item, "an entry of 'packages'")
            for kind in ("conda", "pypi"):
                if kind in entry:
                    found[kind, self.text(entry[kind], f"'{kind}'")] = item.line, entry
            if "kind" in entry:
                place = entry.get("url") or entry.get("path")
                found[self.text(entry["kind"], "'kind'"), self.text(place, "'url'")] = item.line, entry
        return found

    def _package(self, line: int, address: str, entry: Mapping[str, Node]) -> ExplicitPackage:
        digests = {name: self.text(entry.get(name), f"'{name}'") for name in ("md5", "sha256")}
        depends = self.texts(entry.get("depends"), "'depends'")
        return self.package(line, address, digests, depends, self.texts(entry.get("constrains"), "'constrains'"))

    def _requirement(self, line: int, address: str, entry: Mapping[str, Node]) -> str:
        """A directory of sources is relative to the file, where the installer runs."""
        if "://" not in address:
            return f"-e {address}" if self.text(entry.get("editable"), "'editable'") == "true" else address
        name = self.text(entry.get("name"), "'name'")
        if not name:
            raise invalid(self.source, line, f"the package {address!r} has no name")
        return pip_line(name, address, self.text(entry.get("sha256"), "'sha256'"))
