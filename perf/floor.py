"""How fast the machine itself is: the same files by the plainest programs. Nobody can be much faster than that.

link     ``cp -al`` of the finished environment: a directory or a hard link for each entry, nothing else
unpack   every archive by ``bsdtar`` (or Python's tarfile, where there is none), one after the other
"""

from __future__ import annotations

import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path


def link_floor(prefix: Path) -> float:
    """Seconds of ``cp -al``."""
    copy = prefix.with_name(f"{prefix.name}-floor")
    shutil.rmtree(copy, ignore_errors=True)
    started = time.perf_counter()
    subprocess.run(["cp", "-al", prefix, copy], check=True)
    seconds = time.perf_counter() - started
    shutil.rmtree(copy)
    return seconds


def unpack_floor(archives: Iterable[Path], work: Path) -> float | None:
    """Seconds to unpack archives one after the other; None without ``bsdtar``."""
    if not shutil.which("bsdtar"):
        return None
    seconds = 0.0
    for path in archives:
        target = work / "floor"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        started = time.perf_counter()
        for inner in _inner(path, work):
            subprocess.run(["bsdtar", "-xf", inner, "-C", target], check=True)
        seconds += time.perf_counter() - started
    shutil.rmtree(work / "floor", ignore_errors=True)
    return seconds


def _inner(path: Path, work: Path) -> list[Path]:
    """The tar archives: the file itself, or those in a ``.conda`` file (CEP 35)."""
    if path.suffix != ".conda":
        return [path]
    with zipfile.ZipFile(path) as opened:
        names = [name for name in opened.namelist() if name.endswith(".tar.zst")]
        return [Path(opened.extract(name, work / "inner")) for name in names]
