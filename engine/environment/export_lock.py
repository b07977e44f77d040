"""What is in an environment as a lock file: conda-lock version 1 (CEP 37) and pixi.lock version 6 (`rattler_lock`).

Rule of this file: pure, values in, text out, and nothing that our own readers (`engine.specfile`) would not take.
What pip installed is not in it: an environment does not remember where that came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from engine.environment.export import yaml_scalar
from engine.model.url import strip_secrets


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """An installed package, as a lock file knows it."""

    name: str
    version: str
    build: str
    build_number: int = 0
    url: str
    md5: str = ""
    sha256: str = ""
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    license: str = ""
    noarch: str = ""
    size: int | None = None
    timestamp_ms: int = 0
    python_site_packages_path: str = ""


def conda_lock_text(packages: Sequence[Locked], platform: str, channels: Sequence[str]) -> str:
    """A conda-lock file of one platform; ``packages`` in link order, ``channels`` as addresses."""
    lines = [
        "version: 1",
        "metadata:",
        "  content_hash:",
        f"    {platform}: {_content_hash(packages)}",
        "  channels:" if channels else "  channels: []",
    ]
    for channel in channels:
        lines += [f"  - url: {yaml_scalar(channel)}", "    used_env_vars: []"]
    # There is no file that the environment came from; readers of old insist on an entry.
    lines += ["  platforms:", f"  - {platform}", "  sources:", '  - ""', "package:" if packages else "package: []"]
    return "\n".join([*lines, *(line for package in packages for line in _conda_lock_entry(package, platform)), ""])


def _content_hash(packages: Iterable[Locked]) -> str:
    """One for one set of packages, whatever their order (CEP 37, "content_hash")."""
    known = sorted(f"{strip_secrets(package.url)} {package.sha256 or package.md5}" for package in packages)
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def _conda_lock_entry(package: Locked, platform: str) -> Iterator[str]:
    yield f"- name: {yaml_scalar(package.name)}"
    yield f"  version: {yaml_scalar(package.version)}"
    yield from ("  manager: conda", f"  platform: {platform}")
    yield from _pairs("dependencies", package.depends)
    yield f"  url: {yaml_scalar(strip_secrets(package.url))}"
    yield "  hash:"
    yield from (f"    {name}: {digest}" for name, digest in _digests(package))
    yield f"  build: {yaml_scalar(package.build)}"
    yield from ("  category: main", "  optional: false")


def _digests(package: Locked) -> Iterator[tuple[str, str]]:
    yield from ((name, digest) for name in ("md5", "sha256") if (digest := getattr(package, name)))


def _pairs(key: str, specs: Iterable[str]) -> Iterator[str]:
    """Specs as name → constraint. Several for one name are joined, as far as that can be written."""
    found: dict[str, str] = {}
    for spec in specs:
        name, _, constraint = spec.replace("[", " [", 1).partition(" ")
        before, constraint = found.get(name, ""), constraint.strip()
        joined = f"{before},{constraint}" if before and constraint and " " not in before + constraint else constraint
        found[name] = joined or before
    yield f"  {key}:" if found else f"  {key}: {{}}"
    yield from (f"    {yaml_scalar(name)}: {_text(constraint)}" for name, constraint in found.items())


def _text(text: str) -> str:
    return yaml_scalar(text) if text else "''"


def pixi_lock_text(packages: Sequence[Locked], platform: str, channels: Sequence[str]) -> str:
    """A pixi.lock with the environment ``default`` of one platform."""
    lines = ["version: 6", "environments:", "  default:", "    channels:" if channels else "    channels: []"]
    lines += [f"    - url: {yaml_scalar(channel.rstrip('/') + '/')}" for channel in channels]
    lines += ["    packages:", f"      {platform}:" if packages else f"      {platform}: []"]
    ordered = sorted(packages, key=lambda package: (package.name, package.url))
    lines += [f"      - conda: {yaml_scalar(strip_secrets(package.url))}" for package in ordered]
    lines.append("packages:" if packages else "packages: []")
    return "\n".join([*lines, *(line for package in ordered for line in _pixi_entry(package)), ""])


def _pixi_entry(package: Locked) -> Iterator[str]:
    yield f"- conda: {yaml_scalar(strip_secrets(package.url))}"
    yield f"  build_number: {package.build_number}"
    yield from (f"  {name}: {digest}" for name, digest in reversed([*_digests(package)]))
    if package.noarch:
        yield f"  noarch: {package.noarch}"
    for key, specs in (("depends", package.depends), ("constrains", package.constrains)):
        if specs:
            yield from (f"  {key}:", *(f"  - {yaml_scalar(spec)}" for spec in specs))
    facts = {"license": package.license, "python_site_packages_path": package.python_site_packages_path}
    yield from (f"  {name}: {yaml_scalar(value)}" for name, value in facts.items() if value)
    numbers = {"size": package.size or 0, "timestamp": package.timestamp_ms}
    yield from (f"  {name}: {value}" for name, value in numbers.items() if value)
