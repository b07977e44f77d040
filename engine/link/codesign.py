"""Signs rewritten programs of Apple Silicon again: the kernel there kills whatever has a void signature.

Only macOS can do it, with its own ``codesign``; an environment for ``osx-arm64`` that is made elsewhere gets a note.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

from engine.errors import StorageError
from engine.events import Notice, Report
from engine.link.package import Linked, Written

_BATCH = 200
"""Files per call: far below what a command line may hold."""

Run = Callable[[list[str]], int]


def _run(command: list[str]) -> int:
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode


def sign(
    linked: Linked, staging: str, platform: str, report: Report, *, system: str = sys.platform, run: Run = _run
) -> None:
    """Sign what the linking of one package rewrote, and bring the digests up to date."""
    if platform != "osx-arm64" or not linked.signed:
        return
    if system != "darwin":
        report(
            Notice(
                "warning",
                f"{len(linked.signed)} programs were rewritten and need a new signature, which only macOS can make: "
                f"run there `codesign --force --sign -` on {linked.signed[0]} and others.",
            )
        )
        return
    for start in range(0, len(linked.signed), _BATCH):
        batch = linked.signed[start : start + _BATCH]
        code = run(
            ["/usr/bin/codesign", "--force", "--sign", "-", "--preserve-metadata=entitlements"]
            + [os.path.join(staging, path) for path in batch]
        )
        if code:
            report(Notice("warning", f"codesign could not sign {batch[0]} or others after it (exit code {code})."))
        for path in batch:
            linked.written[path] = _described(os.path.join(staging, path))


def _described(path: str) -> Written:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise StorageError.from_os_error(f"read {path}", error) from error
    return Written(hashlib.sha256(data).hexdigest(), len(data))
