"""environment.yml (CEP 24). Pure: text and facts in, `SpecFile` out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from engine.config.values import expand_variables
from engine.errors import InvalidSpecFile
from engine.model.channel import mask_secrets
from engine.model.platform import NOARCH, InvalidPlatform, parse_subdir
from engine.plain_yaml import Node, YamlError, parse_yaml
from engine.specfile.model import PipPart, SpecContext, SpecFile, invalid
from engine.specfile.selectors import SelectorError, drop_lines, select

_KEYS: Final = frozenset(
    {"name", "prefix", "dependencies", "channels", "variables", "platforms", "category"},
)
_SELECTOR_RE: Final = re.compile(r"sel\((.*)\)")
_NAME_RE: Final = re.compile(r"[\w.-]+", re.ASCII)
_VARIABLE_RE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
"""Names that shells of every system take (CEP 24 recommends them). Others could break out of a line of shell code."""


def parse_environment(text: str, source: str, directory: str, context: SpecContext) -> SpecFile:
    """Read an environment.yml; raises `InvalidSpecFile` with the line.

    ``directory`` is where the file lies. pip is added to the specs where there is a pip part and neither pip nor uv
    is among them.
    """
    return _Reader(source, context).read(text, directory)


class _Reader:
    """One file, read."""

    def __init__(self, source: str, context: SpecContext) -> None:
        self.source, self.context = source, context

    def read(self, text: str, directory: str) -> SpecFile:
        """All keys."""
        keys = self._keys(text)
        specs, pip = self._dependencies(keys.get("dependencies"))
        specs, tool = self._with_pip(specs, bool(pip))
        platforms = self._platforms(keys.get("platforms"))
        prefix = expand_variables(self._text(keys.get("prefix")), self.context.environ)
        return SpecFile(
            kind="environment",
            source=self.source,
            name=self._text(keys.get("name")),
            prefix=self.context.home + prefix[1:] if prefix.startswith("~") else prefix,
            channels=tuple(self._channels(keys.get("channels"))),
            specs=specs,
            pip_parts=(PipPart(pip, directory),) if pip else (),
            pip_tool="uv" if tool == "uv" else "pip",
            variables=self._variables(keys.get("variables")),
            platforms=platforms,
            category=self._text(keys.get("category")),
            notices=tuple(self._notices(keys, platforms)),
        )

    def _wrong(self, node: Node, what: str, expected: str) -> InvalidSpecFile:
        return invalid(self.source, node.line, f"{what} is {mask_secrets(node.noun)}, expected {expected}")

    def _keys(self, text: str) -> dict[str, Node]:
        try:
            root = parse_yaml(drop_lines(text, self.context.platform))
        except SelectorError as error:
            raise invalid(self.source, error.line, str(error)) from error
        except YamlError as error:
            raise invalid(self.source, error.line, f"the file is not valid YAML: {error.reason}") from error
        if root is None or not isinstance(root.value, dict):
            found = root.noun if root else "nothing"
            raise invalid(self.source, root.line if root else 0, f"found {found}, expected keys like 'dependencies:'")
        if not _KEYS & root.value.keys():
            raise invalid(self.source, root.line, f"none of the keys {', '.join(sorted(_KEYS))} is there")
        return {name: node for name, node in root.value.items() if node.value is not None}

    def _notices(self, keys: dict[str, Node], platforms: tuple[str, ...]) -> Iterator[str]:
        for name, node in keys.items():
            if name not in _KEYS:
                yield f"{self.source}, line {node.line}: the key {name!r} is passed over, nothing is known of it"
        if platforms and self.context.platform not in platforms:
            yield f"{self.source} is meant for {', '.join(platforms)}; it is used for {self.context.platform}"

    def _text(self, node: Node | None) -> str:
        if node is None:
            return ""
        if not isinstance(node.value, str):
            raise self._wrong(node, "the value", "a text")
        return node.value

    def _items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is None:
            return ()
        if not isinstance(node.value, tuple):
            raise self._wrong(node, what, "a list")
        return tuple(item for item in node.value if item.value is not None)

    def _texts(self, node: Node | None, what: str, check: Callable[[str], str] = str) -> Iterator[str]:
        for item in self._items(node, what):
            if not isinstance(item.value, str):
                raise self._wrong(item, f"an entry of {what}", "a text")
            try:
                yield check(item.value)
            except InvalidPlatform as error:
                raise invalid(self.source, item.line, error.message) from error

    def _channels(self, node: Node | None) -> Iterator[str]:
        for text in self._texts(node, "'channels'"):
            yield expand_variables(text.strip(), self.context.environ)

    def _platforms(self, node: Node | None) -> tuple[str, ...]:
        found = tuple(self._texts(node, "'platforms'", parse_subdir))
        if node is not None and NOARCH in found:
            raise invalid(self.source, node.line, f"'platforms' lists {NOARCH}, which is no platform")
        return found

    # --- dependencies

    def _dependencies(self, node: Node | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The specifications, and the requirements for pip."""
        specs: list[str] = []
        pip: list[str] = []
        for item in self._items(node, "'dependencies'"):
            if isinstance(item.value, str):
                specs.append(item.value.strip())
            elif isinstance(item.value, dict):
                for name, value in item.value.items():
                    self._section(name, value, specs, pip)
            else:
                raise self._wrong(item, "an entry of 'dependencies'", "a specification, 'pip:' or 'sel(…):'")
        return tuple(specs), tuple(pip)

    def _section(self, name: str, value: Node, specs: list[str], pip: list[str]) -> None:
        """An entry that is a mapping: a selected specification, or what another installer shall do."""
        selector = _SELECTOR_RE.fullmatch(name.strip())
        if selector:
            specs.extend(self._selected(selector[1], value))
        elif name == "pip":
            pip.extend(self._texts(value if value.value is not None else None, "'pip'"))
        else:
            raise invalid(
                self.source,
                value.line,
                f"the section {name!r} of 'dependencies' is for an installer that is not known here",
                "Known are 'pip' and selectors like 'sel(linux)'.",
            )

    def _selected(self, expression: str, value: Node) -> Iterator[str]:
        if not isinstance(value.value, str):
            raise self._wrong(value, f"sel({expression})", "one package specification")
        try:
            if select(expression, self.context.platform):
                yield value.value.strip()
        except ValueError as error:
            raise invalid(self.source, value.line, str(error)) from error

    def _with_pip(self, specs: tuple[str, ...], has_pip: bool) -> tuple[tuple[str, ...], str]:
        """The specs with the installer of the pip part among them, and its name (as micromamba decides it)."""
        names = {_name(spec) for spec in specs}
        tool = "uv" if self.context.use_uv or "uv" in names else "pip"
        return (specs if not has_pip or tool in names else (*specs, tool)), tool

    # --- variables

    def _variables(self, node: Node | None) -> dict[str, str]:
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            raise self._wrong(node, "'variables'", "a mapping of names to texts")
        return dict(self._variable(name, value) for name, value in node.value.items())

    def _variable(self, name: str, node: Node) -> tuple[str, str]:
        if not _VARIABLE_RE.fullmatch(name):
            raise invalid(self.source, node.line, f"{name!r} can't be the name of an environment variable")
        if node.value is not None and not isinstance(node.value, str):
            raise self._wrong(node, f"the variable {name!r}", "a text")
        value = node.value or ""
        if "\0" in value:
            raise invalid(self.source, node.line, f"the variable {name!r} holds a NUL character")
        return (name.upper() if self.context.uppercase_variables else name), value


def _name(spec: str) -> str:
    """The package's name in a specification, as far as it is needed to find pip: channel and version apart."""
    found = _NAME_RE.match(spec.rpartition("::")[2])
    return found.group().lower() if found else ""
