"""Every case can be built, says the same thing each time, and has the fault its name promises."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from tests.kit.evil import AMBIGUOUS, BROKEN, ODD, UNSAFE, Case, bomb, each, flipped, truncated
from tests.kit.package import make_package
from tests.kit.shared import info_file


@pytest.mark.parametrize(("case", "format"), [*each(UNSAFE), *each(BROKEN), *each(ODD), *each(AMBIGUOUS)], ids=str)
def test_is_the_same_each_time(case: Case, format: str) -> None:
    built = case.build(format)
    assert built.data == case.build(format).data
    assert built.fn.endswith(format)
    assert built.record["size"] == len(built.data)


@pytest.mark.parametrize(("case", "format"), [*each(UNSAFE), *each(ODD)], ids=str)
def test_the_index_can_be_read(case: Case, format: str) -> None:
    assert b'"evil"' in info_file(case.build(format).data, _index_name(case))


def _index_name(case: Case) -> str:
    return "./info/index.json" if case.name == "leading ./" else "info/index.json"


def test_data_descriptors_and_zip64_are_there() -> None:
    cases = {case.name: case.build(".conda").data for case in ODD if ".conda" in case.formats}
    with zipfile.ZipFile(io.BytesIO(cases["data descriptors"])) as opened:
        assert all(entry.flag_bits & 8 for entry in opened.infolist())
    assert cases["zip64"][18:26] == b"\xff" * 8
    with zipfile.ZipFile(io.BytesIO(cases["zip64"])) as opened:
        assert opened.testzip() is None
        assert len(opened.namelist()) == 3


def test_a_bomb_is_small() -> None:
    data = bomb(16)(".tar.bz2")
    assert len(data) < 20_000
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        assert opened.getmember("lib/zeros").size == 16 << 20


def test_damage_keeps_the_rest() -> None:
    whole = make_package("a")
    assert whole.data.startswith(truncated(whole).data)
    assert sum(a != b for a, b in zip(whole.data, flipped(whole).data, strict=True)) == 1
