"""Large channels of records only (nobody fetches a package): made from a seed, or grown from the real records beside
the checkout.

A made channel has the shape of a real one: few names that very many depend on, a long tail that few do; log-normally
many builds of a name; compiled packages once for each Python; bounds that follow what was current at the time. Each
record belongs to a *generation* of its name and works with those around the same generation of others, so that the
newest of everything fits together, as a channel does after its migrations, and older ones fit less and less.
Same arguments, same channel.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import zstandard

from tests.kit.shared import has_shared, shared_data

SPECS = ("python", "numpy", "pandas", "scipy", "matplotlib")
"""What the benchmark asks for; made channels have these names too."""
_CORE = ("libgcc", "libstdcxx", "libzlib", "openssl", "ca-certificates", "bzip2", "libffi", "ncurses", "readline",
         "libsqlite", "tk", "tzdata", "xz", "libexpat", "python")  # fmt: skip
_PYTHONS = ("3.10", "3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Shape:
    """How large a channel is."""

    names: int
    records: int
    seed: int = 1


WIDE = Shape(names=30_000, records=800_000)
"""conda-forge's width: linux-64 and noarch."""
DEEP = Shape(names=2_500, records=560_000)
"""Fewer names, so that those which a request reaches have some 100 000 records."""


@dataclass
class _Name:
    """One package name and how it lives."""

    name: str
    generations: int
    per_generation: int
    pure: bool
    pythonic: bool
    depends: list[int] = field(default_factory=list)


def make_channel(path: Path, shape: Shape) -> int:
    """Write ``{linux-64,noarch}/repodata.json`` and ``.json.zst`` below ``path``; the number of records."""
    chance = random.Random(shape.seed)
    names = _names(shape, chance)
    total = 0
    for subdir in ("linux-64", "noarch"):
        folder = path / subdir
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "repodata.json").open("wb") as plain:
            total += _write(plain, subdir, names, chance)
        _compress(folder / "repodata.json")
    return total


def wide_channel(folder: Path) -> tuple[Path, str]:
    """A channel as large as conda-forge below ``folder``, and how it was made."""
    if not has_shared():
        return _made(folder / "wide", WIDE)
    out = folder / "wide-real"
    if not (out / "channel-scaled" / "noarch" / "repodata.json.zst").exists():
        for subdir in ("linux-64", "noarch"):
            source = shared_data("repodata", subdir, "repodata.json.zst").read_bytes()
            target = out / "channel-real" / subdir / "repodata.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(zstandard.ZstdDecompressor().stream_reader(source).read())
        (out / "solves.jsonl").write_text("")
        tool = shared_data().parent / "tools" / "scale_channel.py"
        command = [sys.executable, str(tool), "--data", str(out), "--out", "channel-scaled", "--solves", "0"]
        subprocess.run(command, check=True, cwd=out, stdout=subprocess.DEVNULL)
    return out / "channel-scaled", "real records, grown in width by scale_channel.py"


def deep_channel(folder: Path) -> tuple[Path, str]:
    """A channel in which the names that a request reaches have some 100 000 records, and how it was made."""
    if not has_shared():
        return _made(folder / "deep", DEEP)
    out = folder / "deep-real"
    if not (out / "noarch" / "repodata.json.zst").exists():
        tool = shared_data().parent / "tools" / "deepen_channel.py"
        command = [sys.executable, str(tool), str(shared_data("repodata")), str(out), "--factor", "16"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return out, "real records, grown in depth by deepen_channel.py, factor 16"


def _made(path: Path, shape: Shape) -> tuple[Path, str]:
    if not (path / "noarch" / "repodata.json.zst").exists():
        make_channel(path, shape)
    return path, f"made: {shape.names:,} names, {shape.records:,} records wanted, seed {shape.seed}"


def _names(shape: Shape, chance: random.Random) -> list[_Name]:
    """All names, each after those it depends on; early ones are depended on most."""
    fixed = (*_CORE, *SPECS[1:])
    weights = [chance.lognormvariate(0, 1.1) for _ in range(shape.names)]
    weights[: len(fixed)] = [4.0] * len(fixed)
    scale = shape.records / sum(weights)
    found: list[_Name] = []
    for number in range(shape.names):
        name = fixed[number] if number < len(fixed) else f"{_word(number)}-{number % 97}"
        pythonic = number >= len(_CORE) and chance.random() < 0.75
        pure = pythonic and number >= len(fixed) and chance.random() < 0.5
        variants = len(_PYTHONS) if pythonic and not pure else 1
        count = max(1, round(weights[number] * scale / variants))
        generations = min(60, max(1, round(count**0.6)))
        made = _Name(name, generations, max(1, round(count / generations)), pure, pythonic)
        made.depends = sorted(_targets(number, pythonic, chance))
        found.append(made)
    return found


def _targets(number: int, pythonic: bool, chance: random.Random) -> set[int]:
    """The numbers of what a name depends on: mostly of the early ones, which are everybody's."""
    core, asked = len(_CORE), len(_CORE) + len(SPECS) - 1
    if number < core:
        return set(range(number)) if number == core - 1 else set(chance.sample(range(number), min(number, 2)))
    found = {core - 1} if pythonic else set()
    found |= set(chance.sample(range(core - 1), 2))
    wanted = 24 if number < asked else 1 + min(9, int(chance.expovariate(0.35)))
    top = number if number >= asked else core
    for _ in range(wanted):
        found.add(int(top * chance.random() ** 3))
    if number < asked:  # what is asked for stands on a few hundred names that come after it by number
        found |= {core} if number > core else set()  # numpy
        found |= {asked + int(chance.random() ** 2 * 300) for _ in range(24)}
    return found - {number}


def _word(number: int) -> str:
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    letters = []
    value = number * 7919 + 13
    for _ in range(3):
        value, at = divmod(value, len(consonants))
        letters.append(consonants[at])
        value, at = divmod(value, len(vowels))
        letters.append(vowels[at])
    return "".join(letters)


def _write(file: IO[bytes], subdir: str, names: Sequence[_Name], chance: random.Random) -> int:
    file.write(f'{{"info":{{"subdir":"{subdir}"}},"packages":{{}},"packages.conda":{{'.encode())
    count = 0
    for made in sorted(names, key=lambda made: made.name):
        if made.pure != (subdir == "noarch"):
            continue
        for fn, record in _records(made, names, subdir, chance):
            text = json.dumps(record, separators=(",", ":"))
            file.write(f'{"," if count else ""}"{fn}":{text}'.encode())
            count += 1
    file.write(b'},"repodata_version":1}')
    return count


def _records(
    made: _Name, names: Sequence[_Name], subdir: str, chance: random.Random
) -> Iterator[tuple[str, dict[str, Any]]]:
    for generation in range(made.generations):
        for minor in range(made.per_generation):
            version = _version(made, generation, minor)
            depends = [_bound(names[number], generation / made.generations, chance) for number in made.depends]
            for python in _PYTHONS if made.pythonic and not made.pure else ("",):
                yield _record(made, version, python, depends, subdir, generation, chance)


def _version(made: _Name, generation: int, minor: int) -> str:
    if made.name == "python":
        return f"{_PYTHONS[min(3, generation * 4 // made.generations)]}.{generation}.{minor}"
    return f"{generation // 4 + 1}.{generation % 4}.{minor}"


def _bound(target: _Name, age: float, chance: random.Random) -> str:
    """What a record of this age (0: the oldest, 1: the newest) wants of a target: not too old, maybe not too new."""
    if target.name == "python":
        return "python"
    generation = int(age * target.generations)
    low = max(0, generation - 3)
    text = f"{target.name} >={low // 4 + 1}.{low % 4}"
    if chance.random() < 0.4:
        text += f",<{generation // 4 + 2}.0a0"
    return text


def _record(
    made: _Name, version: str, python: str, depends: list[str], subdir: str, generation: int, chance: random.Random
) -> tuple[str, dict[str, Any]]:
    digest = f"{chance.getrandbits(256):064x}"
    build = f"{'py' + python.replace('.', '') if python else ''}h{digest[:7]}_0"
    if python:
        major, minor = python.split(".")
        bound = f"python >={python},<{major}.{int(minor) + 1}.0a0"
        depends = [bound if text == "python" else text for text in depends]
    elif made.pure:
        build = "pyhd8ed1ab_0"
        depends = ["python >=3.10" if text == "python" else text for text in depends]
    record: dict[str, Any] = {
        "build": build,
        "build_number": 0,
        "depends": depends,
        "license": "BSD-3-Clause",
        "md5": digest[:32],
        "name": made.name,
        "sha256": digest,
        "size": 1000 + int(digest[:5], 16),
        "subdir": subdir,
        "timestamp": 1_500_000_000_000 + generation * 5_000_000_000 + int(digest[:4], 16),
        "version": version,
    }
    if made.pure:
        record["noarch"] = "python"
    return f"{made.name}-{version}-{build}.conda", record


def _compress(path: Path) -> None:
    packer = zstandard.ZstdCompressor(level=6, threads=-1)
    with path.open("rb") as source, path.with_suffix(".json.zst").open("wb") as target:
        packer.copy_stream(source, target)
