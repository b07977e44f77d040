"""Which Pythons share byte-compiled files: those of one kind, such as ``cpython-312.cb0d0d0a``.

A kind is the implementation with its version (the cache tag, PEP 3147) and the magic number of its byte code.
"""

from __future__ import annotations

import re
import sys
from importlib.util import MAGIC_NUMBER

from engine.model.records import RepoDataRecord


def own_kind() -> str | None:
    """The kind of the Python that runs us; None where it can't be started to compile."""
    tag = sys.implementation.cache_tag
    if not tag or not sys.executable or getattr(sys, "frozen", False):
        return None
    return f"{tag}.{MAGIC_NUMBER.hex()}"


def presumed_kind(python: RepoDataRecord | None, platform: str) -> str | None:
    """Our own kind, if a Python package is surely of it: a magic number stays as it is within the releases of a minor
    version of CPython (importlib's rule). None for others; they are asked."""
    system = {"linux": "linux-", "darwin": "osx-", "win32": "win-"}.get(sys.platform, "?")
    release = re.fullmatch(r"(\d+)\.(\d+)\.\d+", python.version) if python else None
    if python is None or release is None or not platform.startswith(system) or sys.implementation.name != "cpython":
        return None
    other = any(word in python.build.lower() for word in ("pypy", "graalpy"))
    ours = sys.version_info[:2] == (int(release[1]), int(release[2])) and sys.version_info.releaselevel == "final"
    return own_kind() if ours and not other else None
