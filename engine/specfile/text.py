"""Text spec files: ``@EXPLICIT`` lists of packages by address, and lists of specifications (CEP 23).

Pure, but for the homes of other users.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

from engine.config.values import expand_variables
from engine.errors import InvalidChannel
from engine.model.channel import absolute_path, is_package, mask_secrets, package_url_parts, path_to_url
from engine.model.url import scheme_of
from engine.specfile.model import ExplicitPackage, SpecContext, SpecFile, invalid

EXPLICIT_MARK: Final = "@EXPLICIT"
_PLATFORM_RE: Final = re.compile(r"#\s*platform:\s*(\S+)\s*$")
_REMARK_RE: Final = re.compile(r"\s+#.*$")


def is_explicit_text(text: str) -> bool:
    """Whether a line holds nothing but the mark."""
    return any(line.strip() == EXPLICIT_MARK for line in text.splitlines())


def parse_text(text: str, source: str, context: SpecContext) -> SpecFile:
    """Read either flavour; raises `InvalidSpecFile` with the line."""
    return _explicit(text, source, context) if is_explicit_text(text) else _list(text, source)


def is_explicit(spec: str) -> bool:
    """Whether what stands on the command line is the address of a package rather than a specification."""
    return is_package(spec) and "[" not in spec.partition("#")[0]


def explicit_package(text: str, context: SpecContext) -> ExplicitPackage:
    """One line of an explicit file. Raises `InvalidChannel` if it is no address of a package.

    ``~`` and variables are expanded; relative paths begin at the working directory (CEP 23).
    """
    address, mark, digest = expand_variables(text.strip(), context.environ).partition("#")
    if not scheme_of(address):
        if address[0:1] == "~" and address[1:2] not in ("/", "\\"):
            address = os.path.expanduser(address)  # another user's home, which only the system knows
        address = path_to_url(absolute_path(address, context.cwd, context.home))
    parts = package_url_parts(address + mark + digest)
    return ExplicitPackage(parts.url, parts.md5, parts.sha256)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that ask for something, stripped, with their numbers."""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _explicit(text: str, source: str, context: SpecContext) -> SpecFile:
    packages = []
    for number, line in _lines(text):
        if line == EXPLICIT_MARK:
            continue
        try:
            packages.append(explicit_package(line, context))
        except InvalidChannel as error:
            raise invalid(
                source,
                number,
                f"found {mask_secrets(line)!r}: {error.reason}",
                f"After {EXPLICIT_MARK} each line is the URL or path of a package, with '#' and a digest if you like.",
            ) from error
    platform = _platform(text)
    notices: tuple[str, ...] = ()
    if platform and platform != context.platform:
        notices = (f"{source} was made for {platform}; it is used for {context.platform}",)
    return SpecFile(kind="explicit", source=source, explicit=tuple(packages), platform=platform, notices=notices)


def _platform(text: str) -> str:
    """What the remark ``# platform: linux-64`` says."""
    found = next((match for line in text.splitlines() if (match := _PLATFORM_RE.match(line.strip()))), None)
    return found[1] if found else ""


def _list(text: str, source: str) -> SpecFile:
    specs, notices = [], []
    for number, line in _lines(text):
        if line.startswith("@") and not line.lower().startswith(EXPLICIT_MARK.lower()):
            notices.append(f"{source}, line {number}: {line!r} means nothing here (the mark is {EXPLICIT_MARK})")
            continue
        if line.startswith(("-", "@")):
            raise invalid(
                source,
                number,
                f"found {line!r}, expected a package specification",
                f"Options of pip belong into the pip part of an environment.yml; the mark is {EXPLICIT_MARK}.",
            )
        specs.append(_REMARK_RE.sub("", line))
    if not specs:
        raise invalid(source, 0, "it holds no package specification")
    return SpecFile(kind="list", source=source, specs=tuple(specs), platform=_platform(text), notices=tuple(notices))
