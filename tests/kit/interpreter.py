"""Packs an installed CPython as the conda package ``python``, so that it starts from wherever it is installed.

What goes in: executable, libpython if it is shared, libraries of its own prefix that it needs, standard library with
its compiled modules, headers; no site-packages, test suites or bytecode. Text files that name the prefix it was built
for get a real 255-byte placeholder; the executable of a shared build is linked anew, with the placeholder in its
library path. Works for pyenv and other builds below a prefix of their own, for containers with Python in /usr/local,
and for the system Python of Debian (whose libraries are elsewhere, and stay there).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.kit import relocate
from tests.kit.package import PLACEHOLDER, BuiltPackage, Content, File, Symlink, make_package

_ASK = """
import ensurepip, json, os, site, sys, sysconfig
var = sysconfig.get_config_var
print(json.dumps({
    "prefix": sys.base_prefix, "executable": os.path.realpath(sys.executable),
    "version": sys.version.split()[0].rstrip("+"),
    "short": "%d.%d" % sys.version_info[:2], "abi": var("abi_thread") or "", "stdlib": sysconfig.get_path("stdlib"),
    "include": sysconfig.get_path("include"), "libdir": var("LIBDIR") or "", "soname": var("INSTSONAME") or "",
    "shared": bool(var("Py_ENABLE_SHARED")), "sites": site.getsitepackages([sys.base_prefix]),
    "wheels": [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"), var("WHEEL_PKG_DIR") or "",
               "/usr/share/python-wheels"],
}))
"""
_SKIPPED_DIRS = frozenset(
    ("site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test", "turtledemo", "_bundled")
)
_SKIPPED_FILES = ("EXTERNALLY-MANAGED", "sitecustomize.py")
_TEST_MODULE = re.compile(r"(_test[a-z]*|_xxtestfuzz|xxlimited(_35)?|_ctypes_test)\.[^/]*so")
_SYSTEM = ("/usr", "/usr/local")
_PYTHONS_PLACES = rb"(?=/lib/python|/include|/bin/python|/share|[\"'\s]|$)"
_NAMES_PREFIX = re.compile(
    r"(.*/)?(_sysconfigdata[^/]*\.py|_sysconfig_vars[^/]*\.json|[^/]*\.pc|Makefile|python[^/]*-config(\.py)?)"
)


@dataclass(frozen=True)
class Facts:
    """What an interpreter says of itself."""

    prefix: str
    executable: str
    version: str
    short: str
    """Such as "3.12"."""
    abi: str
    """"t" for a free-threaded build, else empty."""
    stdlib: str
    include: str
    libdir: str
    soname: str
    shared: bool
    sites: list[str]
    wheels: list[str]
    """Directories in which ensurepip's wheels may be."""

    @classmethod
    def of(cls, executable: str) -> Facts:
        """Ask an interpreter; a virtual environment answers for the one that it was made from."""
        command = [executable, "-I", "-c", "import sys; print(sys._base_executable or sys.executable)"]
        base = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        answer = subprocess.run([base, "-I", "-c", _ASK], capture_output=True, text=True, check=True)
        found: dict[str, Any] = json.loads(answer.stdout)
        return cls(**found)

    @property
    def lib(self) -> str:
        """The standard library's place in the prefix, such as ``lib/python3.12``."""
        return os.path.relpath(self.stdlib, self.prefix)

    @property
    def site_packages(self) -> str:
        """Where pure Python packages belong, relative to the prefix. Debian's Python looks in another place."""
        inside = [os.path.relpath(site, self.prefix) for site in self.sites]
        usual = f"lib/python{self.short}{self.abi}/site-packages"
        return usual if usual in inside else next(site for site in inside if not site.startswith(".."))


@cache
def interpreter_package(executable: str = sys.executable, *, format: str = ".conda") -> BuiltPackage:
    """The package ``python`` made of an interpreter, the running one by default. Takes seconds; is kept."""
    facts = Facts.of(executable)
    build = f"h_0_cp{facts.short.replace('.', '')}{facts.abi}"
    extra = {"python_site_packages_path": facts.site_packages, "license": "PSF-2.0"}
    return make_package(
        "python",
        facts.version,
        build,
        files=dict(sorted(_files(facts).items())),
        subdir=native_subdir(),
        format=format,
        index=extra,
    )


def native_subdir() -> str:
    """The conda platform of this machine (those on which a Python can be packed)."""
    machine = os.uname().machine
    if sys.platform == "darwin":
        return "osx-arm64" if machine == "arm64" else "osx-64"
    return {"x86_64": "linux-64", "aarch64": "linux-aarch64", "ppc64le": "linux-ppc64le"}.get(
        machine, f"linux-{machine}"
    )


def _files(facts: Facts) -> dict[str, Content]:
    """All files of the package by path."""
    name = f"python{facts.short}{facts.abi}"
    found: dict[str, Content] = dict(_library(facts))
    found.update(_below(facts.include, os.path.relpath(facts.include, facts.prefix), facts))
    for pattern in (f"lib/pkgconfig/python-{facts.short}*.pc", f"bin/python{facts.short}*-config"):
        found.update(
            (os.path.relpath(path, facts.prefix), _read(path, facts)) for path in Path(facts.prefix).glob(pattern)
        )
    found.update(_own_libraries(facts, found))
    found = relocate.stripped(found)
    found = {path: relocate.with_own_runpath(path, content, facts.prefix) for path, content in found.items()}
    found[f"bin/{name}"] = File(relocate.executable(facts, PLACEHOLDER), mode=0o755)
    shorter = {f"python{facts.short}", "python3", "python"} - {name}
    return {**found, **{f"bin/{link}": Symlink(name) for link in sorted(shorter)}}


def _library(facts: Facts) -> Iterator[tuple[str, Content]]:
    for path, content in _below(facts.stdlib, facts.lib, facts):
        if not _TEST_MODULE.fullmatch(path.rpartition("/")[2]) and not path.endswith(".a"):
            yield path, content


def _below(folder: str, inner: str, facts: Facts) -> Iterator[tuple[str, Content]]:
    """The files of a directory and their paths below ``inner``."""
    for base, dirs, names in os.walk(folder):
        dirs[:] = sorted(set(dirs) - _SKIPPED_DIRS)
        for name in sorted(set(names) - set(_SKIPPED_FILES)):
            path = Path(base, name)
            if path.is_file():
                yield os.path.normpath(os.path.join(inner, os.path.relpath(path, folder))), _read(path, facts)


def _read(path: Path, facts: Facts) -> Content:
    """One file as it goes into the package; a link inside its directory stays one, any other is followed."""
    if path.is_symlink() and "/" not in os.readlink(path):
        return Symlink(os.readlink(path))
    data = path.read_bytes()
    if _NAMES_PREFIX.fullmatch(path.as_posix()) or data.startswith(f"#!{facts.prefix}/".encode()):
        data = _with_placeholder(data, facts.prefix)
    return File(data, mode=0o755 if os.access(path, os.X_OK) else 0o644)


def _with_placeholder(data: bytes, prefix: str) -> bytes:
    """The text with the placeholder for the prefix; of a system's prefix only the places that are Python's."""
    old, new = re.escape(prefix.encode()), PLACEHOLDER.encode()
    if prefix in _SYSTEM:
        return re.sub(rb"(?:(?<![\w./-])|(?<=-[IL]))" + old + _PYTHONS_PLACES, new, data)
    return re.sub(old + rb"(?![\w.-])", new, data)


def _own_libraries(facts: Facts, found: dict[str, Content]) -> dict[str, Content]:
    """The shared libraries in the prefix's lib that something in the package needs, and what those need."""
    libs = Path(facts.prefix, "lib")
    if facts.prefix == "/usr":
        return {}
    waiting = [
        path for path in sorted(libs.iterdir()) if re.search(r"\.so(\.|$)|\.dylib$", path.name) and path.is_file()
    ]
    kept: dict[str, Content] = {}
    needed = b"".join(c.content for c in found.values() if isinstance(c, File) and c.content[:4] in relocate.MAGIC)
    needed += facts.soname.encode() if facts.shared else b""
    while wanted := [path for path in waiting if path.name.encode() in needed]:
        waiting = [path for path in waiting if path not in wanted]
        for path in wanted:
            content = _read(path, facts)
            kept[f"lib/{path.name}"] = content
            needed += content.target.encode() if isinstance(content, Symlink) else path.read_bytes()
    return kept
