"""Platforms: the names of subdirs and what follows from such a name. Rule: nothing here asks the running machine.

A *subdir* is ``noarch`` or ``{os}-{arch}`` (CEP 26, "Subdir names"). Whoever wants the machine's own one hands
its facts to `native_platform`.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from engine.errors import ParseError

NOARCH: Final = "noarch"

KNOWN_SUBDIRS: Final = (
    NOARCH,
    "emscripten-wasm32",
    "wasi-wasm32",
    "freebsd-64",
    "linux-32",
    "linux-64",
    "linux-aarch64",
    "linux-armv6l",
    "linux-armv7l",
    "linux-ppc64",
    "linux-ppc64le",
    "linux-riscv32",
    "linux-riscv64",
    "linux-s390x",
    "osx-64",
    "osx-arm64",
    "win-32",
    "win-64",
    "win-arm64",
    "zos-z",
)
"""Every subdir that conda or mamba knows. A last path component of this set is a subdir, not part of a channel."""

_KNOWN: Final = frozenset(KNOWN_SUBDIRS)

_SYSTEMS: Final = MappingProxyType(
    {
        "linux": "linux",
        "darwin": "osx",
        "windows": "win",
        "win32": "win",
        "cygwin": "win",
        "freebsd": "freebsd",
        "emscripten": "emscripten",
        "wasi": "wasi",
        "zos": "zos",
        "os/390": "zos",
    }
)
"""What `platform.system()` or `sys.platform` say, in lower case → the first half of a subdir."""

_MACHINES: Final = MappingProxyType(
    {
        "x86_64": "64",
        "amd64": "64",
        "x64": "64",
        "i386": "32",
        "i486": "32",
        "i586": "32",
        "i686": "32",
        "x86": "32",
        "aarch64": "aarch64",
        "arm64": "aarch64",
        "armv8l": "armv7l",  # a 32-bit process on a 64-bit ARM kernel
    }
)
"""What `platform.machine()` says, in lower case → the second half of a subdir; others stand for themselves."""

_NARROWED: Final = MappingProxyType({"64": "32", "aarch64": "armv7l", "arm64": "32"})
"""What a 32-bit process on a 64-bit machine can load."""

_ARCHSPEC: Final = MappingProxyType({"32": "x86", "64": "x86_64", "arm64": "aarch64"})

_SUBDIR_RE: Final = re.compile(r"[a-z0-9]+-[a-z0-9]+", re.ASCII)

MAX_SUBDIR_LENGTH: Final = 32


class InvalidPlatform(ParseError):
    """Not the name of a subdir (CEP 26)."""

    noun = "platform"


def native_platform(system: str, machine: str, bits: int = 64) -> str:
    """The subdir of a machine, from its system's name, its hardware's name and the word size of the process.

    ``system`` is what `platform.system()` or `sys.platform` say, ``machine`` what `platform.machine()` says.
    Raises `InvalidPlatform` for a system that conda has no name for.
    """
    first = _SYSTEMS.get(system.lower()) or _SYSTEMS.get(system.lower().rstrip("0123456789"))  # "freebsd14"
    if first is None:
        raise InvalidPlatform(f"{system} {machine}", "no channel has packages for such a system")
    second = _MACHINES.get(machine.lower(), machine.lower())
    if second == "aarch64" and first in ("osx", "win"):
        second = "arm64"
    if first == "zos":
        second = "z"
    if first in {"emscripten", "wasi"}:
        second = "wasm32"
    return f"{first}-{_NARROWED.get(second, second) if bits == 32 else second}"


def is_of_system(platform: str, system: str) -> bool:
    """Whether programs of ``platform`` belong to a system, by its name in `sys.platform`, whatever the processor."""
    name = system.lower()
    first = _SYSTEMS.get(name) or _SYSTEMS.get(name.rstrip("0123456789"))
    return first is not None and platform.startswith(f"{first}-")


def parse_subdir(text: str) -> str:
    """``text`` as a subdir, trimmed and in lower case. Unknown ones pass, misshapen ones raise `InvalidPlatform`."""
    subdir = text.strip().lower()
    if subdir == NOARCH or (len(subdir) <= MAX_SUBDIR_LENGTH and _SUBDIR_RE.fullmatch(subdir)):
        return subdir
    raise InvalidPlatform(
        text,
        f"expected '{NOARCH}' or two words joined by a dash, of at most {MAX_SUBDIR_LENGTH} characters",
        hint="For example: linux-64, linux-aarch64, osx-arm64, win-64.",
    )


def is_known_subdir(text: str) -> bool:
    """Whether ``text`` names a subdir that conda or mamba knows (in any case of letters, as mamba reads it)."""
    return text in _KNOWN or text.lower() in _KNOWN


def is_windows(platform: str) -> bool:
    """Whether prefixes of this platform are laid out the Windows way."""
    return platform.startswith("win-")


def is_osx(platform: str) -> bool:
    """Whether it is macOS."""
    return platform.startswith("osx-")


def is_linux(platform: str) -> bool:
    """Whether it is Linux."""
    return platform.startswith("linux-")


def is_unix(platform: str) -> bool:
    """Whether ``__unix`` exists there (CEP 30: linux, osx, freebsd, emscripten; and other POSIX-like ones)."""
    return platform != NOARCH and not is_windows(platform)


def naive_archspec(platform: str) -> str:
    """The build string of ``__archspec`` where the processor is not known (CEP 30, appendix A)."""
    arch = platform.rpartition("-")[2]
    return _ARCHSPEC.get(arch, arch)


def scripts_dir(platform: str) -> str:
    """Where entry points and scripts go, relative to the prefix."""
    return "Scripts" if is_windows(platform) else "bin"


def python_executable(platform: str) -> str:
    """The interpreter, relative to the prefix, with forward slashes."""
    return "python.exe" if is_windows(platform) else "bin/python"


def default_site_packages(platform: str, python_version: str) -> str:
    """Where packages of Python go if the ``python`` record does not say so itself (CEP 17), relative to the prefix.

    ``python_version`` may be as long as it likes: only its first two components count.
    """
    if is_windows(platform):
        return "Lib/site-packages"
    return f"lib/python{'.'.join(python_version.split('.')[:2])}/site-packages"
