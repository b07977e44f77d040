"""Signs rewritten programs of Apple Silicon again where `engine.link.files.mach_o` could not: those with a certificate,
or with no signature at all.

Only macOS can do it, with its own ``codesign``; an environment for ``osx-arm64`` that is made elsewhere gets a note.
A failure is a warning and no error: nearly all of the environment works, and what doesn't is named.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

from engine.errors import StorageError
from engine.events import Notice, Report
from engine.link.linked import Linked, Written

_BATCH = 200
"""Files per call: far below what a command line may hold."""

_CODESIGN = "/usr/bin/codesign"

Run = Callable[[list[str]], str]
"""Runs a command; what it complained about, or nothing if it went well."""


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        return f"{command[0]} could not be started: {error.strerror}"
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def sign(
    linked: Linked, staging: str, platform: str, report: Report, *, system: str = sys.platform, run: Run = _run
) -> None:
    """Sign what the linking of one package left to do, and bring the digests up to date."""
    if platform != "osx-arm64" or not linked.unsigned:
        return
    if system != "darwin":
        report(Notice("warning", f"{_named(linked.unsigned)} can only be signed on macOS: {_by_hand(linked.unsigned)}"))
        return
    for start in range(0, len(linked.unsigned), _BATCH):
        batch = linked.unsigned[start : start + _BATCH]
        trouble = run(
            [_CODESIGN, "--force", "--sign", "-", "--preserve-metadata=entitlements"]
            + [os.path.join(staging, path) for path in batch]
        )
        if trouble:
            told = f"{_named(batch)} could not be signed and will not run ({trouble}): {_by_hand(batch)}"
            report(Notice("warning", told))
        for path in batch:
            linked.written[path] = _described(os.path.join(staging, path))


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - 1} more rewritten programs" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


def _by_hand(paths: list[str]) -> str:
    return f"run `codesign --force --sign - {paths[0]}` in the environment{', and so on' if len(paths) > 1 else ''}."


def _described(path: str) -> Written:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise StorageError.from_os_error(f"read {path}", error) from error
    return Written(hashlib.sha256(data).hexdigest(), len(data))
