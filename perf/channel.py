"""The channel that benchmarks install from: a real CPython and pip, a compiled package, and hundreds of made ones.

The made packages have the shape of real ones (file counts and sizes are spread log-normally, a third is in the older
format, two fifths are ``noarch: python``, some files hold placeholders, some are soft links) and their bytes: every
file is a stretch of this machine's own Python sources or compiled modules, so that they compress as such things do.
Same Python, same arguments: same channel.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.kit.channel import ChannelBuilder
from tests.kit.compiled import whereami_package
from tests.kit.interpreter import Facts, interpreter_package, native_subdir
from tests.kit.package import PLACEHOLDER, BuiltPackage, Content, File, Symlink, make_package
from tests.kit.wheel import pip_package

SPECS = ("python", "bench-all")
"""What the benchmark asks for."""
_OLD_VERSIONS = 12
_TEXT_LIMIT, _BINARY_LIMIT = 120_000, 1_500_000


def build_channel(path: Path, *, packages: int = 300, python: str = sys.executable) -> ChannelBuilder:
    """Write the channel to ``path``. Takes some ten seconds."""
    channel = ChannelBuilder(path, subdirs=(native_subdir(),))
    facts = Facts.of(python)
    for package in (interpreter_package(python), pip_package(facts), whereami_package()):
        channel.add(package)
    names = [f"bench-{number:03}" for number in range(packages)]
    makers = _Maker(Path(facts.stdlib))
    for number, name in enumerate(names):
        package = makers.package(name, names[:number])
        channel.add(package)
        for fn, record in _older(package):
            channel.add_record(fn, record)
    channel.add(make_package("bench-all", "1.0", noarch="generic", depends=[*names, "whereami"]))
    channel.write()
    return channel


class _Maker:
    """Makes packages out of two pools of real bytes."""

    def __init__(self, stdlib: Path) -> None:
        sources = sorted(stdlib.glob("*.py")) + sorted(stdlib.glob("*/*.py"))
        modules = sorted(stdlib.glob("lib-dynload/*.so"))
        self._text = b"".join(path.read_bytes() for path in sources)
        self._binary = b"".join(path.read_bytes() for path in modules)

    def package(self, name: str, before: list[str]) -> BuiltPackage:
        """A package that depends on up to three of those before it."""
        chance = random.Random(name)
        pure = chance.random() < 0.4
        depends = sorted(chance.sample(before, min(len(before), chance.randint(0, 3))))
        return make_package(
            name,
            f"{_OLD_VERSIONS}.0",
            noarch="python" if pure else None,
            depends=[*(f"{other} >=3" for other in depends), *(["python >=3.8"] if pure else [])],
            entry_points=[f"{name} = {_module(name)}.m0:main"] if pure and chance.random() < 0.3 else (),
            files=dict(self._pure(name, chance) if pure else self._compiled(name, chance)),
            subdir="noarch" if pure else native_subdir(),
            format=".tar.bz2" if chance.random() < 1 / 3 else ".conda",
        )

    def _pure(self, name: str, chance: random.Random) -> Iterator[tuple[str, Content]]:
        module = f"site-packages/{_module(name)}"
        yield f"{module}/m0.py", b"def main():\n    print(__name__)\n"
        for number in range(1, _count(chance)):
            folder = f"/part{number % 4}" if number > 8 else ""
            yield f"{module}{folder}/m{number}.py", self._source(chance)
        yield f"site-packages/{_module(name)}-1.dist-info/METADATA", f"Name: {name}\nVersion: 1\n"

    def _compiled(self, name: str, chance: random.Random) -> Iterator[tuple[str, Content]]:
        for number in range(_count(chance)):
            kind = chance.random()
            if kind < 0.12:
                data = self._cut(self._binary, chance, 40_000, _BINARY_LIMIT)
                baked = PLACEHOLDER.encode() + b"/share\0" if chance.random() < 0.4 else b""
                yield f"lib/{name}/lib{number}.so", File(data + b"\0" + baked, mode=0o755)
                yield f"lib/{name}/lib{number}.so.1", Symlink(f"lib{number}.so")
            elif kind < 0.2:
                script = f"#!{PLACEHOLDER}/bin/python\n".encode() + self._cut(self._text, chance, 800, 4_000)
                yield f"bin/{name}-{number}", File(script, mode=0o755)
            else:
                folder = ("include", "share", "share/doc", "etc")[number % 4]
                yield f"{folder}/{name}/f{number}.txt", self._cut(self._text, chance, 3_000, _TEXT_LIMIT)

    def _source(self, chance: random.Random) -> bytes:
        """Python that compiles: whole lines of real source, as a comment block after real statements."""
        lines = self._cut(self._text, chance, 4_000, _TEXT_LIMIT).split(b"\n")[1:-1]
        body = b"\n".join(b"# " + line.replace(b"\0", b"") for line in lines)
        names = b"\n".join(b"value_%d = (%d, %r)" % (n, n, str(n)) for n in range(max(1, len(lines) // 4)))
        return names + b"\n" + body + b"\n"

    def _cut(self, pool: bytes, chance: random.Random, median: int, limit: int) -> bytes:
        size = min(limit, max(40, int(median * chance.lognormvariate(0, 1.2))))
        start = chance.randrange(max(1, len(pool) - size))
        return pool[start : start + size]


def _count(chance: random.Random) -> int:
    """How many files a package has."""
    return min(600, max(2, int(22 * chance.lognormvariate(0, 1.0))))


def _module(name: str) -> str:
    return name.replace("-", "_")


def _older(package: BuiltPackage) -> Iterator[tuple[str, dict[str, object]]]:
    """Records of older versions, which nobody fetches but every solver must consider."""
    for version in range(1, _OLD_VERSIONS):
        fn = package.fn.replace(f"-{_OLD_VERSIONS}.0-", f"-{version}.0-")
        yield fn, {**package.record, "version": f"{version}.0", "timestamp": package.record["timestamp"] - version}
