"""Lock files in the conda-lock format, version 1 (CEP 37), and what readers of all lock files share. Pure.

What comes out is a `SpecFile` of explicit packages: nothing is solved for. Only entries for the platform and the
categories that are asked for are looked at closely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from engine.config.values import expand_variables
from engine.errors import InvalidChannel, InvalidSpecFile
from engine.model.channel import mask_secrets, package_url_parts
from engine.plain_yaml import Node, YamlError, parse_yaml
from engine.specfile.model import ExplicitPackage, PipPart, SpecContext, SpecFile, invalid

_VERSION: Final = "1"
_MAX_NODES: Final = 4_000_000
"""Of one lock file: those of big projects list thousands of packages for each of several platforms."""
_REQUIRED: Final = ("name", "version", "url")


class LockReader:
    """One lock file: the errors know its name, the fields their lines."""

    needs_digests = True
    """Whether a package without a digest is an error (CEP 37, "hash")."""

    def __init__(self, source: str, context: SpecContext, directory: str) -> None:
        self.source, self.context, self.directory = source, context, directory

    def document(self, text: str) -> Mapping[str, Node]:
        """The keys of a YAML document."""
        try:
            root = parse_yaml(text, _MAX_NODES)
        except YamlError as error:
            raise invalid(self.source, error.line, f"the file is not valid YAML: {error.reason}") from error
        if root is None or not isinstance(root.value, dict):
            raise invalid(self.source, 0, "it is no lock file: expected keys and values")
        return root.value

    def wrong(self, node: Node, what: str, expected: str) -> InvalidSpecFile:
        """The error for a value that is not what its key holds."""
        return invalid(self.source, node.line, f"{what} is {mask_secrets(node.noun)}, expected {expected}")

    def mapping(self, node: Node | None, what: str) -> Mapping[str, Node]:
        """The pairs of an optional mapping."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            raise self.wrong(node, what, "a mapping")
        return node.value

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """The entries of an optional list."""
        if node is None or node.value is None:
            return ()
        if not isinstance(node.value, tuple):
            raise self.wrong(node, what, "a list")
        return node.value

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """An optional text."""
        if node is None or node.value is None:
            return default
        if not isinstance(node.value, str):
            raise self.wrong(node, what, "a text")
        return node.value

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """The texts of an optional list."""
        return tuple(self.text(item, f"an entry of {what}") for item in self.items(node, what))

    def package(
        self, line: int, url: str, digests: Mapping[str, str], depends: tuple[str, ...], constrains: tuple[str, ...]
    ) -> ExplicitPackage:
        """A conda package. Its dependencies are believed if its bytes are certain.

        (Files written by older mamba have an MD5 only, and lists that are wrong.)
        """
        try:
            parts = package_url_parts(expand_variables(url, self.context.environ))
        except InvalidChannel as error:
            raise invalid(self.source, line, f"{mask_secrets(url)!r} is no conda package: {error.reason}") from error
        md5, sha256 = digests.get("md5") or None, digests.get("sha256") or None
        if not (md5 or sha256) and self.needs_digests:
            raise invalid(self.source, line, f"{mask_secrets(url)!r} has no digest, expected 'md5' or 'sha256'")
        known = depends if sha256 else None
        return ExplicitPackage(parts.url, md5, sha256, depends=known, constrains=constrains if sha256 else ())

    def spec_file(
        self,
        packages: list[ExplicitPackage],
        pip: list[str],
        *,
        channels: tuple[str, ...] = (),
        notices: tuple[str, ...] = (),
    ) -> SpecFile:
        """What was read. ``channels`` are those that later changes of the environment should look in."""
        if not packages and not pip:
            raise invalid(self.source, 0, f"it holds no package for {self.context.platform}")
        return SpecFile(
            kind="explicit",
            source=self.source,
            channels=channels,
            explicit=tuple(dict.fromkeys(packages)),
            pip_parts=(PipPart(tuple(pip), self.directory, no_deps=True),) if pip else (),
            pip_tool="uv" if self.context.use_uv else "pip",
            platform=self.context.platform,
            notices=notices,
        )


def pip_line(name: str, url: str, sha256: str = "") -> str:
    """A requirement that means one archive (PEP 508); a commit needs no digest, its name is one."""
    fragment = f"#sha256={sha256}" if sha256 and "#" not in url and not url.startswith("git+") else ""
    return f"{name} @ {url}{fragment}"


def parse_conda_lock(text: str, source: str, directory: str, context: SpecContext) -> SpecFile:
    """Read a conda-lock file; raises `InvalidSpecFile` with the line."""
    return _CondaLock(source, context, directory).read(text)


class _CondaLock(LockReader):
    """CEP 37."""

    def read(self, text: str) -> SpecFile:
        """The entries of the platform and the categories."""
        root = self.document(text)
        version = self.text(root.get("version"), "'version'", _VERSION)
        if version != _VERSION:
            raise invalid(self.source, root["version"].line, f"the version is {version}, expected {_VERSION}")
        if "metadata" not in root or "package" not in root:
            raise invalid(self.source, 0, "it is no conda-lock file: expected the keys 'metadata' and 'package'")
        self._check_platform(self.mapping(root["metadata"], "'metadata'"))
        packages: list[ExplicitPackage] = []
        pip: list[str] = []
        for line, entry in self._entries(root["package"]):
            if self._manager(line, entry) == "conda":
                packages.append(self._package(line, entry))
            else:
                pip.append(self._requirement(entry))
        return self.spec_file(packages, pip)

    def _check_platform(self, metadata: Mapping[str, Node]) -> None:
        platforms = self.texts(metadata.get("platforms"), "'platforms'")
        if platforms and self.context.platform not in platforms:
            raise invalid(
                self.source,
                metadata["platforms"].line,
                f"it is for {', '.join(platforms)}, not for {self.context.platform}",
                "Lock for this platform too, or name one of those with --platform.",
            )

    def _entries(self, node: Node) -> Iterator[tuple[int, Mapping[str, Node]]]:
        for item in self.items(node, "'package'"):
            entry = self.mapping(item, "an entry of 'package'")
            platform = self.text(entry.get("platform"), "'platform'")
            category = self.text(entry.get("category"), "'category'", "main")
            if platform == self.context.platform and category in self.context.categories:
                missing = [name for name in _REQUIRED if not self.text(entry.get(name), f"'{name}'")]
                if missing:
                    raise invalid(self.source, item.line, f"the package has no {missing[0]!r}")
                yield item.line, entry

    def _manager(self, line: int, entry: Mapping[str, Node]) -> str:
        found = self.text(entry.get("manager"), "'manager'")
        if found not in ("conda", "pip"):
            raise invalid(self.source, line, f"the manager of the package is {found!r}, expected 'conda' or 'pip'")
        return found

    def _package(self, line: int, entry: Mapping[str, Node]) -> ExplicitPackage:
        return self.package(
            line,
            self.text(entry["url"], "'url'"),
            self._texts_of(entry.get("hash"), "'hash'"),
            self._specs(entry.get("dependencies"), "'dependencies'"),
            self._specs(entry.get("constrains"), "'constrains'"),
        )

    def _texts_of(self, node: Node | None, what: str) -> dict[str, str]:
        return {name: self.text(value, what) for name, value in self.mapping(node, what).items()}

    def _specs(self, node: Node | None, what: str) -> tuple[str, ...]:
        return tuple(f"{name} {constraint}".strip() for name, constraint in self._texts_of(node, what).items())

    def _requirement(self, entry: Mapping[str, Node]) -> str:
        digests = self._texts_of(entry.get("hash"), "'hash'")
        url = expand_variables(self.text(entry["url"], "'url'"), self.context.environ)
        return pip_line(self.text(entry["name"], "'name'"), url, digests.get("sha256", ""))
