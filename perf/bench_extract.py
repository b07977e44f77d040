"""How fast packages are unpacked: ours against Python's tarfile, the `tar` program and py-rattler, interleaved.

    python perf/bench_extract.py [rounds]

The archive is the running interpreter's standard library, in both formats. Printed: the best time of each, files a
second, and the ratio to ours. All unpack into the same file system; ours also verifies the files and computes the
digests of the archive, as py-rattler does.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import zstandard

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.fetch.archive.extract import ExtractOptions, extract
from engine.fetch.archive.members import Budget, Limits, read_package
from engine.fetch.archive.verify import Digests, check_contents
from tests.kit.package import make_package


def build(format: str, path: Path) -> int:
    """Write a package of the standard library to ``path``; how many files it has."""
    library = Path(sysconfig.get_paths()["stdlib"])
    files = {
        f"lib/{file.relative_to(library)}": file.read_bytes()
        for file in sorted(library.rglob("*"))
        if file.is_file() and "site-packages" not in file.parts and "__pycache__" not in file.parts
    }
    path.write_bytes(make_package("library", files=files, format=format, level=19).data)
    return len(files)


def ours(archive: Path, target: Path) -> None:
    target.mkdir()
    root = os.open(target, os.O_RDONLY)
    digests, budget = Digests(), Budget(Limits(), archive.stat().st_size)
    with archive.open("rb", buffering=0) as file:
        pieces = digests.watch(iter(lambda: file.read(1 << 18), b""))
        check_contents(extract(read_package(pieces, archive.name, budget), root, budget, ExtractOptions()), root)
    os.close(root)


def python(archive: Path, target: Path) -> None:
    keywords = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    if archive.name.endswith(".bz2"):
        with tarfile.open(archive, "r|bz2") as opened:
            opened.extractall(target, **keywords)
        return
    with zipfile.ZipFile(archive) as outer:
        for name in outer.namelist():
            if name.endswith(".zst"):
                plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(outer.read(name)))
                with plain, tarfile.open(fileobj=plain, mode="r|") as opened:
                    opened.extractall(target, **keywords)


def program(archive: Path, target: Path) -> None:
    target.mkdir()
    if archive.name.endswith(".bz2"):
        subprocess.run(["tar", "-xjf", archive, "-C", target], check=True)
        return
    with zipfile.ZipFile(archive) as outer:
        for name in outer.namelist():
            if name.endswith(".zst"):
                plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(outer.read(name))).read()
                subprocess.run(["tar", "-xf", "-", "-C", target], input=plain, check=True)


def rattler(archive: Path, target: Path) -> None:
    from rattler.package_streaming import extract as unpack

    unpack(archive, target)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "whipsnake": ours,
    "tarfile": python,
    "tar": program,
    "rattler": rattler,
}


def main(rounds: int) -> None:
    base = Path(tempfile.mkdtemp())
    try:
        for format in (".conda", ".tar.bz2"):
            archive = base / f"library-1.0-0{format}"
            count = build(format, archive)
            best = dict.fromkeys(WAYS, float("inf"))
            for _ in range(rounds):
                for name, way in WAYS.items():
                    target = base / "target"
                    begun = time.perf_counter()
                    way(archive, target)
                    best[name] = min(best[name], time.perf_counter() - begun)
                    shutil.rmtree(target)
            print(f"{format}: {count} files, {archive.stat().st_size >> 10} KiB")
            for name, seconds in best.items():
                ratio = seconds / best["whipsnake"]
                print(f"    {name:10} {seconds * 1000:8.0f} ms  {count / seconds:8.0f} files/s  {ratio:5.2f} × ours")
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
