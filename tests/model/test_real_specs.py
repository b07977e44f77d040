"""Every version and dependency of the saved channels: all are read, and py-rattler, another implementation, agrees.

rattler knows no globs or regular expressions within a version; no saved dependency has one.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from functools import cache
from itertools import pairwise

import pytest
import zstandard

from engine.model.match_spec import MatchSpec
from engine.model.version import Version
from tests.kit.shared import needs_shared, shared_data

pytestmark = [needs_shared, pytest.mark.shared]


@cache
def real_texts() -> tuple[dict[str, list[str]], list[str]]:
    """Versions by package name, and all dependencies and constraints."""
    versions: defaultdict[str, set[str]] = defaultdict(set)
    specs: set[str] = set()
    for path in sorted(shared_data("repodata").glob("*/repodata.json.zst")):
        document = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()))
        for table in ("packages", "packages.conda"):
            for record in document.get(table, {}).values():
                versions[record["name"]].add(record["version"])
                specs.update(record["depends"], record.get("constrains", ()))
    return {name: sorted(found) for name, found in sorted(versions.items())}, sorted(specs)


def test_every_text_is_read_and_reads_back() -> None:
    versions, specs = real_texts()
    for found in versions.values():
        assert [str(Version.parse(text)) for text in found] == found
    for text in specs:
        spec = MatchSpec.parse(text)
        assert MatchSpec.parse(str(spec)) == spec, text
        assert MatchSpec.parse(spec.to_conda_build_form()) == spec, text


def test_the_order_is_rattlers() -> None:
    rattler = pytest.importorskip("rattler")
    texts = sorted({text for found in real_texts()[0].values() for text in found})
    ours = sorted(map(Version.parse, texts))
    theirs = [rattler.Version(version.text) for version in ours]
    assert all(a <= b for a, b in pairwise(theirs))
    shuffled = random.Random(33)
    for _ in range(5_000):
        a, b = shuffled.choice(texts), shuffled.choice(texts)
        assert (Version.parse(a) < Version.parse(b)) == (rattler.Version(a) < rattler.Version(b)), (a, b)
        assert (Version.parse(a) == Version.parse(b)) == (rattler.Version(a) == rattler.Version(b)), (a, b)


def test_constraints_match_what_they_match_for_rattler() -> None:
    rattler = pytest.importorskip("rattler")
    versions, specs = real_texts()
    chosen = random.Random(29)
    compared = 0
    for text in chosen.sample(specs, 4000):
        spec = MatchSpec.parse(text)
        if spec.version is None or spec.name is None:
            continue
        theirs = rattler.VersionSpec(str(spec.version))
        family = versions.get(spec.name, ["1.0", "2.0.1"])
        for version in chosen.sample(family, min(20, len(family))):
            assert spec.version.matches(Version.parse(version)) == theirs.matches(rattler.Version(version)), (
                text,
                version,
            )
            compared += 1
    assert compared > 10_000
