"""Queries on real repodata: everything locked is explained by true chains; dependents are what decoding all finds."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

import pytest

from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord
from engine.query.catalog import FEW, Catalog
from engine.query.chains import standing
from engine.query.needs import Dependents, read_spec
from tests.kit.shared import needs_shared
from tests.solve.test_real import PLATFORM, repodata, sample

pytestmark = [needs_shared, pytest.mark.shared]


def locked_records(paths: list[str]) -> list[PackageRecord]:
    names = {path.split("/")[1]: path.split("/")[0] for path in paths}
    found: list[PackageRecord] = []
    for fn, subdir in names.items():
        stem = fn.removesuffix(".conda").removesuffix(".tar.bz2")
        name = stem.rsplit("-", 2)[0]
        found += [record for record in repodata(subdir).records(name) if record.dist == stem][:1]
    return found


def within_reach(records: list[PackageRecord], roots: Collection[str]) -> set[str]:
    """Everything that the roots need, found the plain way."""
    needs = {record.name: {re.split(r"[ =<>!~\[]", text)[0] for text in record.depends} for record in records}
    found = {root for root in roots if root in needs}
    while more := {name for known in found for name in needs[known] if name in needs} - found:
        found |= more
    return found


def test_every_locked_package_is_explained_by_true_chains() -> None:
    for instance in sample(3):
        records = locked_records(instance["locked"])
        by_name = {record.name: record for record in records}
        asked = {spec.exact_name: (str(spec),) for spec in map(MatchSpec.parse, instance["specs"]) if spec.exact_name}
        standings = {name: standing(records, asked, name) for name in by_name}
        reached = {name for name, found in standings.items() if not found.is_orphan}
        assert reached == within_reach(records, asked), instance["id"]
        for chain in (chain for found in standings.values() for chain in found.chains):
            assert chain[0].name in asked
            for step, below in pairwise(chain):
                texts = by_name[step.name].depends
                assert any(text.startswith(below.name) and step.needs.startswith(text) for text in texts)


@pytest.mark.parametrize("name", ["xtl", "zlib", "libblas"])
def test_dependents_found_in_the_bytes_are_those_found_by_decoding(name: str) -> None:
    rows = [repodata(PLATFORM), repodata("noarch")]
    expected = {
        (record.url, record.name)
        for one in rows
        for other in one.names()
        for record in one.records(other)
        if any((spec := read_spec(text)) is not None and spec.exact_name == name for text in record.depends)
    }
    by_bytes = Catalog(rows)
    by_words = Catalog(rows)
    for _ in range(FEW):
        by_words.mentioning(name)
    for catalog in (by_bytes, by_words):
        found = Dependents(catalog).of_name(name)
        assert {(need.record.url, need.record.name) for need in found} == expected
