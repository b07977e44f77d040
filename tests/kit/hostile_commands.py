"""Command lines against channels as nobody should write them, and what every one of them owes: an answer or one clear
error, in bounded time, the same from shards as from whole indexes.

    with ChannelServer(folder) as server:
        sound = write_channel(chance, folder)
        for words in command_lines(chance, server.url, root):
            check(run, words, sound)
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from engine.errors import ExitCode
from tests.kit.hostile import NAMES, SPECS, hostile_index
from tests.kit.shards import shard_channel

SECONDS: Final = 10.0
"""Of processor time, for one command."""
MOST_OUTPUT: Final = 300_000
_CONDITIONS: Final = (
    "a[when='b']", "a >=1[when='c <3']", "b[when='a and c']", "c[when='d or not a']", "d[extras=[x]]",
    "a[extras=[x,y]]",
    "b[flags=[cuda]]", "b[flags=['gpu*']]", "a[when='__unix']", "a[when='__win']", "a[version='>=1',when='b >2']",
)  # fmt: skip
_QUESTIONS: Final = (
    *NAMES, "a*", "*", "a >1", "a=1", "a==2", "*[build=h_1]", "a[license=MIT]", "*[md5=0]", "**", "^a.*$", "^(a+)+$",
)  # fmt: skip
_PLATFORMS: Final = (
    "linux-64", "osx-arm64", "win-64", "linux-aarch64", "linux-ppc64le", "noarch", "emscripten-wasm32", "zos-z",
    "freebsd-64", "win-arm64", "linux-riscv64", "linux-32", "linux-s390x", "", "xx", "../x", "linux-64/",
    "LINUX-64", "é",
)  # fmt: skip
_LIMITS: Final = (
    "2020-01-01", "2024-01-01T00:00:00Z", "1d", "3w", "P3D", "0", "-1", "1e999", "99999999999", "x", "", "2024-13-45",
    "a=2024-01-01", "9" * 400, "2024-01-01T00:00:00+99:00", "0001-01-01", "9999-12-31", "10000-01-01",
)  # fmt: skip
_RELATIONS: Final[tuple[Any, ...]] = (
    {"base": ".."},
    {"base": "file:///etc"},
    {"overrides": ["x"]},
    {"base": 1},
    [],
    "",
)
_VARYING: Final = frozenset({"timings", "fetch", "log_history", "query", "warnings"})
"""What answers say of themselves, not of what was asked."""


class Done(Protocol):
    """What a command answered."""

    @property
    def code(self) -> int: ...
    @property
    def out(self) -> str: ...
    @property
    def err(self) -> str: ...


Run = Callable[..., Done]


def write_channel(chance: random.Random, folder: Path) -> bool:
    """Write a channel in the place of what is there; whether it is sound, and in shards too."""
    shutil.rmtree(folder, ignore_errors=True)
    sound = chance.random() < 0.5
    for subdir in ("linux-64", "noarch"):
        (folder / subdir).mkdir(parents=True)
        text = json.dumps(_index(chance, subdir)).encode() if sound else hostile_index(chance)
        (folder / subdir / "repodata.json").write_bytes(text)
    if chance.random() < 0.3:
        return False
    try:
        shard_channel(folder)
    except Exception:  # nobody can make shards of that
        return False
    if not sound and chance.random() < 0.5:
        _damage(chance, [path for path in sorted(folder.rglob("*.msgpack.zst")) if path.stat().st_size])
    return sound


def _damage(chance: random.Random, paths: Sequence[Path]) -> None:
    """Turn over one bit of one file."""
    for path in chance.sample(paths, min(1, len(paths))):
        data = bytearray(path.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)


def _index(chance: random.Random, subdir: str) -> dict[str, Any]:
    """Some records in all forms that there are, none of them wrong; only what the channel says of others may be."""
    tables: dict[str, dict[str, Any]] = {"packages": {}, "packages.conda": {}, "conda": {}, "tar.bz2": {}}
    for _ in range(chance.randint(3, 30)):
        record = _record(chance, subdir)
        stem = f"{record['name']}-{record['version']}-{record['build']}"
        table = chance.choice(["packages", "packages.conda", "packages.conda", "packages.conda", "conda", "tar.bz2"])
        ending = {"packages": ".tar.bz2", "packages.conda": ".conda"}.get(table, "")
        tables[table][stem + ending] = record
        if chance.random() < 0.1:
            tables["packages"][f"{stem}.tar.bz2"] = record
    info: dict[str, Any] = {"subdir": subdir}
    if chance.random() < 0.1:
        info["channel_relations"] = chance.choice(_RELATIONS)
    newest = {name: tables[name] for name in ("conda", "tar.bz2") if tables[name]}
    found = {"info": info, "packages": tables["packages"], "packages.conda": tables["packages.conda"]}
    if newest:
        found["v3"] = newest
    if tables["packages.conda"] and chance.random() < 0.2:
        found["removed"] = [chance.choice(list(tables["packages.conda"]))]
    return found


def _record(chance: random.Random, subdir: str) -> dict[str, Any]:
    number = chance.randint(0, 2)
    record: dict[str, Any] = {
        "name": chance.choice("abcd"),
        "version": str(chance.randint(1, 4)),
        "build": f"h_{number}",
        "build_number": number,
        "subdir": subdir,
        "depends": [_dependency(chance) for _ in range(chance.choice([0, 1, 1, 2]))],
        "timestamp": chance.choice([1500000000000, 1600000000000, 1700000000000, 1700000000]),
    }
    maybe: dict[str, Any] = {
        "noarch": "generic",
        "indexed_timestamp": chance.choice([1500000000000, 1750000000000]),
        "constrains": [f"{chance.choice('abcd')} <{chance.randint(2, 5)}"],
        "extra_depends": {"x": [chance.choice("abcd")], "y": ["missing"]},
        "flags": chance.choice([["cuda"], ["gpu:a", "cpu"], "cuda"]),
        "track_features": "x",
    }
    return record | {key: value for key, value in maybe.items() if chance.random() < 0.15}


def _dependency(chance: random.Random) -> str:
    name, number = chance.choice("abcd"), chance.randint(1, 4)
    forms = (name, f"{name} >={number}", f"{name} <{number + 1}", f"{name} {number}.*", chance.choice(_CONDITIONS))
    return chance.choice((*forms, "missing >1", "__glibc >=2.17", "__cuda >=99"))


def command_lines(chance: random.Random, url: str, root: Path) -> Iterator[list[str]]:
    """What somebody may ask of a channel."""
    for _ in range(3):
        kind = chance.choice(["search", "depends", "whoneeds", "create", "create", "create"])
        place = ["--override-channels", "-c", url, "-r", str(root)]
        if kind == "create":
            specs = [_asked(chance) for _ in range(chance.randint(1, 3))]
            words = ["create", "--dry-run", "--yes", "-n", "x", *place, *specs]
            maybe = [
                ["--channel-priority", "flexible"],
                ["--no-deps"],
                ["--only-deps"],
                [_limit(chance)],
                [_limit(chance)],
            ]
        else:
            words = [*(["search"] if kind == "search" else ["repoquery", kind]), *place, "--remote", _asked(chance)]
            maybe = [["--tree"], ["--recursive"], ["--pretty"]]
        maybe += [[f"--platform={chance.choice(_PLATFORMS)}"], ["--offline"], ["--json"], ["--json"], ["--json"]]
        yield [*words, *(word for option in maybe if chance.random() < 0.3 for word in option)]


def _asked(chance: random.Random) -> str:
    return chance.choice((*SPECS, *_CONDITIONS) if chance.random() < 0.4 else _QUESTIONS)


def _limit(chance: random.Random) -> str:
    return f"--exclude-newer={chance.choice(_LIMITS)}"


def check(run: Run, words: Sequence[str], sound: bool, whole: Sequence[str] = ()) -> int:
    """Run a command line; its exit code. Raises `AssertionError` for what no command may do.

    ``sound``: the channel is there in two forms, which must give the same answer; ``whole`` are the options by which
    whole indexes are read.
    """
    started = time.process_time()
    done = run(*words)
    took = time.process_time() - started
    assert done.code in (ExitCode.OK, ExitCode.FAILURE, ExitCode.USAGE), done
    assert "Traceback" not in done.out + done.err, done
    assert took < SECONDS, f"{took:.1f} s"
    assert len(done.out) + len(done.err) < MOST_OUTPUT, len(done.out) + len(done.err)
    if "--json" in words and done.code != ExitCode.USAGE:
        answer = json.loads(done.out)
        if sound and whole and "--offline" not in words:
            other = run(*words, *whole)
            assert (done.code, _plain(answer)) == (other.code, _plain(json.loads(other.out)))
    return int(done.code)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in _VARYING}
    return [_plain(one) for one in value] if isinstance(value, list) else value
