"""What a record of an index says, in the old forms and in those of CEP 44, 45 and 47."""

from __future__ import annotations

import msgspec
import pytest

from engine.model.records import InstalledPath, PackageRecord, PathEntry, RepoDataRecord

_decode = msgspec.json.Decoder(RepoDataRecord).decode
TOO_MUCH = 1 << 64
"""More than a message between processes can hold."""


def record(**fields: object) -> RepoDataRecord:
    return _decode(msgspec.json.encode({"name": "a", "version": "1", **fields}))


def test_fields_of_the_newest_forms() -> None:
    found = record(
        extra_depends={"test": ["pytest >=8", "attrs"], "doc": []},
        flags=["cuda", "blas:mkl"],
        indexed_timestamp=1_773_851_561_010,
        schema_version=3,
    )
    assert found.extra_depends == {"test": ("pytest >=8", "attrs"), "doc": ()}
    assert found.flag_names == ("cuda", "blas:mkl")
    assert (found.indexed_timestamp, found.schema_version) == (1_773_851_561_010, 3)


def test_old_records_have_none_of_them() -> None:
    found = record()
    assert (dict(found.extra_depends), found.flag_names) == ({}, ())
    assert (found.indexed_timestamp, found.schema_version) == (None, None)
    assert found == record(extra_depends={}, flags=[])


def test_flags_written_as_one_text() -> None:
    assert record(flags="cuda").flag_names == ("cuda",)


@pytest.mark.parametrize(
    "fields",
    [
        {"extra_depends": ["x"]},
        {"extra_depends": {"g": "x"}},
        {"flags": [1]},
        {"indexed_timestamp": "soon"},
        *[{name: number} for name in ("size", "build_number", "timestamp") for number in (TOO_MUCH, -TOO_MUCH)],
    ],
)
def test_wrong_types_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        record(**fields)


def test_sizes_of_files_that_no_message_can_hold_are_refused() -> None:
    for kind in (PathEntry, InstalledPath):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(f'{{"_path": "a", "size_in_bytes": {TOO_MUCH}}}', type=kind)


@pytest.mark.parametrize("stamp", [float("inf"), float("-inf"), float("nan"), -1e308])
def test_times_that_are_none_are_unknown(stamp: float) -> None:
    assert RepoDataRecord(name="a", version="1", timestamp=stamp).timestamp_ms == 0


def test_equal_records_are_one_in_a_set() -> None:
    groups = {"extra_depends": {"g": ["b"]}}
    assert len({record(**groups), record(**groups), record(), record()}) == 2
    assert hash(PackageRecord(name="a", version="1")) == hash(PackageRecord(name="a", version="1"))
