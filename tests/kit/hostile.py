"""Indexes as nobody should write them: broken bytes, wrong types, numbers without end, regexes that run for ever.

    for seed in range(100):
        outcome(hostile_index(random.Random(seed)), ("a", "b"), seconds=5)

Whatever comes in, the reader and the solver owe an answer or one `WhipsnakeError`, in bounded time; everything else
passes through `outcome` as the fault that it is.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from engine.errors import WhipsnakeError
from engine.model.channel import Channel
from engine.model.match_spec import MatchSpec
from engine.model.repodata import RepoDataSplitter
from engine.solve.solver import solve
from engine.solve.task import Solution, SolveTask

CHANNEL: Final = Channel(name="evil", base_url="https://conda.anaconda.org/evil")
NAMES: Final = ("a", "b", "c", "d", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")
_DEEP: Final = "[" * 3000 + "]" * 3000
_VERSIONS: Final = ("1", "2", "1.0", "1.0a1", "2!1", "1." * 3000 + "1", "1" * 5000, "", " ", "1..2", "1_2-3", "é", "*",
                    "1!2!3", "9" * 400 + "." + "0" * 400, "\x00", "1.0+", ">1", "^1$", "-1", "1e999", "\ud800".encode(
                        "utf-8", "surrogatepass").decode("utf-8", "replace"))  # fmt: skip
SPECS: Final = (
    "a", "b", "c >=1", "d <2", "b 1|2", "c !=1", "a *", "a >=1,<2", "missing", "a ==1 x", "b * *x", "c[version='>=1']",
    "^(a+)+$", "^(a|aa)+b$", "a ^(1+)+$", "b[build='^(x*)*y$']", "*", "a*b*", "(((", "a >=", "a[", "a[version=", "",
    "a >=" + "1." * 2000 + "1", "a " + "|".join(str(n) for n in range(2000)), "a " + "(" * 500 + ">1" + ")" * 500,
    "a[when='b']", "a[when='(" + "b and (" * 200 + "c" + ")" * 200 + ")']", "a[extras=[x,y]]", "b[when='a >=1 or c']",
    "__glibc >=2", "__nothing", "python", "a::b::c", "../../x", "a\x00b", "https://x/y.conda", "a;b", "a # b", "é >=1",
)  # fmt: skip
_WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    10**400,
    1.5,
    -0.0,
    "",
    "x",
    [],
    [[]],
    {},
    {"a": 1},
    [None],
    [1, "a"],
)
_FIELDS: Final = (
    "name", "version", "build", "build_number", "depends", "constrains", "subdir", "md5", "sha256", "size", "timestamp",
    "noarch", "track_features", "extra_depends", "flags", "indexed_timestamp",
)  # fmt: skip


def outcome(document: bytes, specs: Sequence[str], *, seconds: float) -> Solution | WhipsnakeError:
    """What comes of an index and a request. Raises `TimeoutError` if it takes longer, and whatever is our fault."""
    started = time.process_time()
    deadline = started + seconds
    try:
        splitter = RepoDataSplitter(CHANNEL, "linux-64")
        for start in range(0, len(document), 1 << 20):
            splitter.feed(document[start : start + (1 << 20)])
        rows = splitter.finish()
        parsed = tuple(map(MatchSpec.parse, specs))
        found: Solution | WhipsnakeError = solve(
            SolveTask(specs=parsed, repodata=[rows], stop=lambda: time.process_time() > deadline)
        )
    except WhipsnakeError as error:
        str(error)
        found = error
    if time.process_time() > deadline:
        raise TimeoutError(f"{time.process_time() - started:.1f} s of processor time, {seconds} s were allowed")
    return found


def hostile_index(chance: random.Random) -> bytes:
    """A document with some sense and some malice; often no JSON at all."""
    records = {}
    for number in range(chance.randint(1, 25)):
        record = _record(chance, number)
        ending = chance.choice([".conda", ".conda", ".tar.bz2", "", "/../x.conda", "\n.conda"])
        records[f"{record['name']}-{record['version'][:40]}-{record['build']}{ending}"] = record
        _spoil(chance, record)
    document: dict[str, Any] = {"info": {"subdir": "linux-64"}, "packages": {}, "packages.conda": records}
    if chance.random() < 0.2:
        document[chance.choice(["info", "packages", "repodata_version", "removed", "v3", "x"])] = chance.choice(_WRONG)
    text = json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")
    if chance.random() < 0.05:
        text = text.replace(b'"depends": []', b'"depends": ' + _DEEP.encode(), 1)
    return _damaged(chance, text) if chance.random() < 0.4 else text


def hostile_request(chance: random.Random) -> tuple[str, ...]:
    """What somebody may ask of such an index."""
    return tuple(chance.choice(SPECS if chance.random() < 0.3 else NAMES) for _ in range(chance.randint(1, 3)))


def index_of(records: Iterable[Mapping[str, Any]]) -> bytes:
    """A sound document of records, of which name and version are enough."""
    rows = {}
    for number, fields in enumerate(records):
        record = {"build": f"h_{number}", "build_number": 0, "depends": [], **fields}
        rows[f"{record['name']}-{record['version']}-{record['build']}.conda"] = record
    return json.dumps({"packages": {}, "packages.conda": rows}).encode()


def _record(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "name": chance.choice(NAMES),
        "version": chance.choice(_VERSIONS) if chance.random() < 0.3 else str(chance.randint(1, 4)),
        "build": f"{chance.choice(['x', 'y', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'])}_{number}",
        "build_number": chance.randint(0, 2),
        "depends": [chance.choice(SPECS) for _ in range(chance.choice([0, 0, 1, 2]))],
        "constrains": [chance.choice(SPECS)] if chance.random() < 0.2 else [],
    }


def _spoil(chance: random.Random, record: dict[str, Any]) -> None:
    """Wrong types, missing fields, fields of ours."""
    if chance.random() < 0.25:
        record[chance.choice(_FIELDS)] = chance.choice(_WRONG)
    if chance.random() < 0.05:
        record.pop(chance.choice(list(record)))
    if chance.random() < 0.05:
        record[chance.choice(["fn", "url", "channel", "raw"])] = "http://elsewhere/x"


def _damaged(chance: random.Random, text: bytes) -> bytes:
    """Cut, doubled, or with bytes changed."""
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: text[: chance.randrange(len(text))],
        lambda: text + text,
        lambda: text[: (at := chance.randrange(len(text)))] + bytes([chance.randrange(256)]) + text[at + 1 :],
        lambda: text[: (at := chance.randrange(len(text)))] + text[at + chance.randint(1, 9) :],
        lambda: bytes(chance.randrange(256) for _ in range(200)),
        lambda: b"[" * 100_000,
        lambda: text.replace(b'"a"', b'"\\ud800"', 1),
    )
    return chance.choice(ways)()
