"""What is in an environment as a file that makes it again: environment.yml (CEP 24), explicit and plain lists (CEP 23).

Rule of this file: pure, values in, text out, and nothing that our own readers (`engine.specfile`) would not take. The
layout is micromamba's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./~][^\x00-\x1f\x7f\"'{}]*", re.ASCII)
"""Texts that YAML takes without quotes, unless `_odd` finds something in them."""
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "~", "y", "n"})
"""Texts that YAML would take for something else."""
_NUMBER: Final = re.compile(r"[-+.]?[0-9][0-9_.eExXobA-Fa-f:+-]*")


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment.yml says."""

    name: str
    prefix: str
    channels: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """An installed package, as a line of a file."""

    name: str
    version: str
    build: str
    channel: str = ""
    """What its channel is called."""
    subdir: str = ""
    url: str = ""
    """Without secrets."""
    md5: str = ""
    sha256: str = ""


def package_spec(package: Package, *, build: bool = True, md5: bool = False, channel: bool = False) -> str:
    """``channel/subdir::name=version=build[md5=…]``, as much of it as is wanted."""
    lead = f"{package.channel}/{package.subdir}::" if channel and package.channel else ""
    tail = f"[md5={package.md5}]" if md5 and package.md5 else ""
    return f"{lead}{package.name}={package.version}{f'={package.build}' if build else ''}{tail}"


def environment_yaml(exported: Exported) -> str:
    """The text of an environment.yml."""
    lines = [f"name: {yaml_scalar(exported.name)}".rstrip(), "channels:"]
    lines += [f"  - {yaml_scalar(channel)}" for channel in exported.channels]
    lines.append("dependencies:")
    lines += [f"  - {yaml_scalar(spec)}" for spec in exported.dependencies]
    if exported.pip:
        lines += ["  - pip:", *(f"    - {yaml_scalar(requirement)}" for requirement in exported.pip)]
    if exported.variables:
        lines += ["variables:", *(f"  {name}: {_quoted(value)}" for name, value in exported.variables.items())]
    return "\n".join([*lines, "", f"prefix: {yaml_scalar(exported.prefix)}", ""])


def environment_json(exported: Exported) -> dict[str, object]:
    """The same as data, in the same keys."""
    dependencies: list[object] = list(exported.dependencies)
    if exported.pip:
        dependencies.append({"pip": list(exported.pip)})
    found: dict[str, object] = {
        "name": exported.name,
        "channels": list(exported.channels),
        "dependencies": dependencies,
        "prefix": exported.prefix,
    }
    return {**found, "variables": dict(exported.variables)} if exported.variables else found


def explicit_text(packages: Iterable[Package], platform: str, *, digests: bool = True) -> str:
    """An ``@EXPLICIT`` list in the order given: addresses with their MD5, or SHA-256 where no MD5 is known."""
    return "\n".join([*_head(platform), "@EXPLICIT", *_addresses(packages, digests), ""])


def _addresses(packages: Iterable[Package], digests: bool) -> Iterator[str]:
    for package in packages:
        digest = package.md5 or package.sha256
        yield f"{package.url}#{digest}" if digests and digest else package.url


def list_text(specs: Sequence[str], platform: str) -> str:
    """A list of specifications."""
    return "\n".join([*_head(platform), *specs, ""])


def _head(platform: str) -> list[str]:
    return [
        "# This file may be used to create an environment using:",
        "# $ whipsnake create --name <env> --file <this file>",
        f"# platform: {platform}",
    ]


def yaml_scalar(text: str) -> str:
    """``text`` as YAML: plain where that reads back as the same text, else in double quotes."""
    return text if _PLAIN.fullmatch(text) and not _odd(text) else _quoted(text) if text else ""


def _odd(text: str) -> bool:
    return (
        text.lower() in _WORDS
        or bool(_NUMBER.fullmatch(text))
        or ": " in text
        or " #" in text
        or text.endswith((":", " "))
        or not text.isprintable()
    )


def _quoted(text: str) -> str:
    """In double quotes; what can't be printed as an escape, as YAML 1.2 (section 5.7) has them."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
