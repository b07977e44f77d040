"""What this machine is: its platform, and the virtual packages that say what it can run (CEP 30, CEP 46).

Rule of this file: facts are read by small probes, each once and only if it is needed; `virtual_packages` is a pure
function of the target platform, the environment variables and a `Probes`, so that any machine can be played.

Which packages exist is decided by the *target* platform; their versions are this machine's where it is of the same
kind, else the defaults below. ``CONDA_OVERRIDE_<NAME>`` replaces a version; set to nothing it removes the package,
except ``__archspec``, ``__unix``, ``__linux``, ``__osx`` and ``__win``, which CEP 30 wants present always.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from engine.errors import ConfigError, InvalidVersion
from engine.model.platform import (
    NOARCH,
    is_linux,
    is_osx,
    is_unix,
    is_windows,
    naive_archspec,
    native_platform,
)
from engine.model.records import PackageRecord

DEFAULT_GLIBC: Final = "2.28"
"""For another platform than this machine's: what conda-forge builds against (CEP 30 leaves the choice to the tool)."""
DEFAULT_LINUX: Final = "5.10"
"""A kernel that is old enough for clusters, and newer than any package asks for."""
DEFAULT_OSX: Final = "0"
"""CEP 30 leaves no choice here: 0 on every other system. ``CONDA_OVERRIDE_OSX`` is for those who mean a real one."""
ASSUMED_OSX: Final = "11.0"
"""The oldest macOS that runs on both kinds of Mac, and what channels build for today: see `assumed_machine`."""
DEFAULT_WIN: Final = "10.0.17763"
"""Windows 10 version 1809 and Server 2019."""

_VERSION_RE: Final = re.compile(r"[0-9a-z][0-9a-z._+!]{0,63}", re.ASCII)
_KERNEL_RE: Final = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:\.[0-9]+)?", re.ASCII)
_BUILD_RE: Final = re.compile(r"[a-zA-Z0-9_.+]{1,64}", re.ASCII)
_CAPABILITY_RE: Final = re.compile(r"[0-9]+\.[0-9]+", re.ASCII)


class Machine(msgspec.Struct, frozen=True):
    """The platform to install for and what the solver may take for given there."""

    platform: str
    virtual: tuple[PackageRecord, ...]


class Probes(msgspec.Struct, frozen=True):
    """How to find out what this machine is. Each answers None where it can't tell or there is no such thing."""

    platform: str
    """The subdir that runs here natively."""
    glibc: Callable[[], str | None]
    kernel: Callable[[], str | None]
    """The version of Linux, as ``uname -r`` says it."""
    macos: Callable[[], str | None]
    windows: Callable[[], str | None]
    microarchitecture: Callable[[], str | None]
    """A name of the archspec database."""
    cuda: Callable[[], tuple[str | None, str | None]]
    """The newest CUDA version that the driver can run, and the lowest compute capability of all devices."""


def detect_machine(
    platform: str | None, environ: Mapping[str, str], overrides: Mapping[str, str] | None = None
) -> Machine:
    """The machine to install for: ``platform`` (None: this one) and its virtual packages.

    ``overrides`` are those of the key ``override_virtual_packages``: name (with or without ``__``) → version, where
    an empty one means absent. Environment variables beat them. Raises `ConfigError` for a malformed override.
    """
    probes = this_machine()
    target = platform or probes.platform
    return Machine(target, virtual_packages(target, _with_overrides(environ, overrides or {}), probes))


def _with_overrides(environ: Mapping[str, str], overrides: Mapping[str, str]) -> Mapping[str, str]:
    if not overrides:
        return environ
    named = {f"CONDA_OVERRIDE_{name.lstrip('_').upper()}": version for name, version in overrides.items()}
    return {**named, **environ}


def assumed_machine(
    machine: Machine, environ: Mapping[str, str], overrides: Mapping[str, str] | None = None
) -> tuple[Machine, str | None]:
    """The machine to solve for, and what is assumed of it, in words; ``machine`` itself and None if nothing is.

    CEP 30 makes ``__osx`` 0 wherever macOS can't be asked, that is on every other system. Taken at its word no package
    of today could be chosen for a Mac, but silently those of years ago, which don't say what they need. CEP 30 also
    leaves versions to the configuration; so, for solving only, we configure what nobody has.
    """
    named = _with_overrides(environ, overrides or {})
    known = any(fact.name == "__osx" and fact.version != "0" for fact in machine.virtual)
    if not is_osx(machine.platform) or known or named.get("CONDA_OVERRIDE_OSX", "").strip():
        return machine, None
    assumed = PackageRecord(name="__osx", version=ASSUMED_OSX, build="0", subdir=machine.platform)
    virtual = tuple(assumed if fact.name == "__osx" else fact for fact in machine.virtual)
    note = f"Packages are for macOS {ASSUMED_OSX} or newer; set CONDA_OVERRIDE_OSX if the other machine's is known."
    return Machine(machine.platform, virtual), note


def virtual_packages(platform: str, environ: Mapping[str, str], probes: Probes) -> tuple[PackageRecord, ...]:
    """The virtual packages of ``platform``, in the order of their names."""
    found = {name: (version, build) for name, version, build in _packages(platform, environ, probes)}
    return tuple(
        PackageRecord(name=name, version=version, build=build, subdir=platform)
        for name, (version, build) in sorted(found.items())
    )


def _packages(platform: str, environ: Mapping[str, str], probes: Probes) -> Iterator[tuple[str, str, str]]:
    """Name, version and build of each virtual package."""
    if platform != NOARCH:
        yield "__archspec", *_archspec(platform, environ, probes)
    if is_unix(platform):
        yield "__unix", "0", "0"
    if is_linux(platform):
        yield "__linux", _linux(environ, probes), "0"
        glibc = _glibc(platform, environ, probes)
        if glibc:
            yield "__glibc", glibc, "0"
    if is_osx(platform):
        yield "__osx", _osx(environ, probes), "0"
    if is_windows(platform):
        yield "__win", _windows(environ, probes), "0"
    cuda, capability = _cuda(platform, environ, probes)
    if cuda:
        yield "__cuda", cuda, "0"
        if capability:
            yield "__cuda_arch", capability, "0"


def _override(environ: Mapping[str, str], name: str, pattern: re.Pattern[str] = _VERSION_RE) -> str | None:
    """The value of ``CONDA_OVERRIDE_<name>``: None if it is not set, empty if it is set to nothing."""
    variable = f"CONDA_OVERRIDE_{name}"
    value = environ.get(variable)
    if value is None:
        return None
    value = value.strip()
    if value and not (pattern.fullmatch(value) and (name == "ARCHSPEC" or _is_version(value))):
        kind = "a build string" if name == "ARCHSPEC" else "a version"
        raise ConfigError(f"${variable} is {value!r}, expected {kind}", hint=f"Unset ${variable} or correct it.")
    return value


def _is_version(text: str) -> bool:
    """Whether ``text`` can be compared with what packages ask for (CEP 30: CEP 33 holds, wherever it is from)."""
    from engine.model.version import key_of  # only here: most machines have no overrides

    try:
        key_of(text)
    except InvalidVersion:
        return False
    return True


def _archspec(platform: str, environ: Mapping[str, str], probes: Probes) -> tuple[str, str]:
    """Version 1 and the name of the microarchitecture, or version 0 and the platform's own word for its processors."""
    asked = _override(environ, "ARCHSPEC", _BUILD_RE)
    if asked:
        return "1", asked
    found = probes.microarchitecture() if platform == probes.platform else None
    return ("1", found) if found else ("1" if naive_archspec(platform) in _DATABASE else "0", naive_archspec(platform))


_DATABASE: Final = frozenset({"x86", "x86_64", "aarch64", "ppc64", "ppc64le", "riscv64", "arm"})
"""Those names of CEP 30's appendix A that the archspec database has too."""


def _linux(environ: Mapping[str, str], probes: Probes) -> str:
    asked = _override(environ, "LINUX", _KERNEL_RE)
    if asked:
        return asked
    found = _KERNEL_RE.match(probes.kernel() or "") if is_linux(probes.platform) else None
    return found.group() if found else DEFAULT_LINUX


def _glibc(platform: str, environ: Mapping[str, str], probes: Probes) -> str | None:
    """The version of the C library; None on this machine if its C library is another one (musl)."""
    asked = _override(environ, "GLIBC")
    if asked is not None:
        return asked or None
    return probes.glibc() if platform == probes.platform else DEFAULT_GLIBC


def _osx(environ: Mapping[str, str], probes: Probes) -> str:
    asked = _override(environ, "OSX")
    if asked:
        return asked
    found = probes.macos() if is_osx(probes.platform) else None
    return ".".join(found.split(".")[:2]) if found else DEFAULT_OSX


def _windows(environ: Mapping[str, str], probes: Probes) -> str:
    asked = _override(environ, "WIN")
    if asked:
        return asked
    return (probes.windows() if is_windows(probes.platform) else None) or DEFAULT_WIN


def _cuda(platform: str, environ: Mapping[str, str], probes: Probes) -> tuple[str | None, str | None]:
    """CUDA of the driver and the lowest capability. The driver is asked only for what no override says.

    For another operating system than this one there is no driver to ask, so only an override gives CUDA.
    """
    version, capability = _override(environ, "CUDA"), _override(environ, "CUDA_ARCH", _CAPABILITY_RE)
    same_system = platform.partition("-")[0] == probes.platform.partition("-")[0]
    if version == "" or (version is None and not same_system):
        return None, None
    if version is None or (capability is None and same_system):
        found_version, found_capability = probes.cuda()
        version = found_version if version is None else version
        capability = found_capability if capability is None else capability
    return version or None, capability or None


# --- this machine ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def host_platform() -> str:
    """The subdir that runs here natively."""
    bits = 64 if sys.maxsize > 2**32 else 32
    if sys.platform == "win32":
        machine = os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ.get("PROCESSOR_ARCHITECTURE", "AMD64")
        return native_platform("win32", machine, bits)
    return native_platform(sys.platform, os.uname().machine, bits)


@lru_cache(maxsize=1)
def this_machine() -> Probes:
    """The probes of the running machine; what they find is remembered."""
    from engine.system import probes

    return Probes(
        platform=host_platform(),
        glibc=lru_cache(maxsize=1)(probes.glibc),
        kernel=lru_cache(maxsize=1)(probes.kernel),
        macos=lru_cache(maxsize=1)(probes.macos),
        windows=lru_cache(maxsize=1)(probes.windows),
        microarchitecture=lru_cache(maxsize=1)(probes.microarchitecture),
        cuda=lru_cache(maxsize=1)(probes.cuda),
    )
