"""Which names a package may use inside itself. Pure; the extractor and the verifier both ask here.

Rule of this file: a path is safe if it stays inside the package, lexically and through every soft link of the package
(CEP 34 "Additional restrictions"; GHSA-h672-p7h7-97v9), and is none of the names that only installers write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import ArchiveError, UnsafeArchive

MAX_PATH = 4096
MAX_DEPTH = 200
"""Directories below each other: far beyond any package, and within what recursive tools bear."""
_MAX_HOPS = 40
"""Soft links that a kernel follows at most; a longer chain leads nowhere."""

_WINDOWS_TRICKS = re.compile(r'[\\:*?"<>|\x01-\x1f]|[. ](?:/|\Z)')


def safe_path(path: str, *, windows: bool, package: bool = True) -> str:
    """``path`` in its plain form (no ``./``, no ``//``, no final ``/``; empty for the package itself).

    ``windows`` also refuses what Windows would read as a separator, a drive or a stream, ``package`` what only an
    installer may write. Raises `UnsafeArchive`.
    """
    if len(path) > MAX_PATH or path.count("/") > MAX_DEPTH:
        raise ArchiveError(f"{path[:60]!r}…: the path is too long or too deep")
    if not path or path[0] in "./" or path[-1] == "/" or "//" in path or "/." in path or "\0" in path:
        path = _tidy(path)
    if windows and _WINDOWS_TRICKS.search(path):
        raise UnsafeArchive(f"{path!r} can't be a path on Windows")
    lower = path.lower()  # file systems that ignore case would ignore it here too
    if package and (lower == "conda-meta" or lower.startswith("conda-meta/") or lower == "info/repodata_record.json"):
        raise UnsafeArchive(f"{path!r} may only be written by an installer (CEP 34)")
    return path


def _tidy(path: str) -> str:
    if path.startswith("/"):
        raise UnsafeArchive(f"{path!r} is an absolute path")
    if "\0" in path:
        raise UnsafeArchive(f"{path!r} has a NUL in it")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafeArchive(f"{path!r} leads out of the package")
    return "/".join(parts)


def check_softlinks(links: Mapping[str, str], *, windows: bool = False) -> None:
    """Refuse soft links (path → target) that lead out of the package, also by way of each other.

    Targets need not exist. Raises `UnsafeArchive`.
    """
    for path, target in links.items():
        if _walk(path, target, links, windows) is None:
            raise UnsafeArchive(f"{path!r} is a soft link to {target!r}, which leads out of the package")


def leads_to(path: str, links: Mapping[str, str], *, windows: bool = False) -> str:
    """The path in the package that a soft link leads to in the end; empty if it leads out of it, or in a circle."""
    return _walk(path, links[path], links, windows) or ""


def _walk(path: str, target: str, links: Mapping[str, str], windows: bool) -> str | None:
    """Walk to ``target`` as a kernel would, with the package as the whole world; None if the way leads out of it."""
    at = path.split("/")[:-1]
    ahead = _steps(target, windows)
    hops = 0
    while ahead:
        step = ahead.pop()
        if step == "/" or (step == ".." and not at):
            return None
        if step == "..":
            at.pop()
            continue
        at.append(step)
        onward = links.get("/".join(at))
        if onward is not None:
            hops += 1
            if hops > _MAX_HOPS:
                return ""
            at.pop()
            ahead += _steps(onward, windows)
    return "/".join(at)


def _steps(target: str, windows: bool) -> list[str]:
    """The components of a link's target, last first; ``/`` where it starts anew at the root."""
    if windows:
        target = target.replace("\\", "/")
    steps = [step for step in target.split("/") if step not in ("", ".")]
    if target.startswith("/") or (windows and ":" in target):
        steps.insert(0, "/")
    return steps[::-1]
