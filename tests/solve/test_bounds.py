"""How new packages may be, what may become of installed ones, and records that make no sense."""

from __future__ import annotations

import msgspec
import pytest

from engine.errors import PackagesNotFound, SolveError, Unsatisfiable
from engine.model.cutoff import Cutoffs
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.kit.universe import Universe, record, universe, virtual
from tests.solve.kit import answer, changed, installed, task

# --- exclude_newer (CEP 47) --------------------------------------------------------------------------------------

SECOND = 1_000
WORLD = universe(
    "a 1 [timestamp=1700000000000]",
    "a 2 [timestamp=1710000000000]",
    "a 3 [timestamp=1710000000000, indexed_timestamp=1720000000000]",
    "a 4 [timestamp=1730000000000, indexed_timestamp=1705000000000]",
    "old 1 [timestamp=1700000000]",
    "bare 1",
    "b 1 [timestamp=1700000000000] -> a >=3",
)


@pytest.mark.parametrize(
    ("limit", "version"), [(1_700_000_000_000, "1"), (1_705_000_000_000, "4"), (1_699_999_999_999, None)]
)
def test_what_came_later_is_passed_over(limit: int, version: str | None) -> None:
    limits = Cutoffs(everywhere=limit)
    if version is None:
        with pytest.raises(
            PackagesNotFound, match=r"a does not exist in kit \(linux-64\) \(and 4 too new for exclude_newer\)"
        ):
            answer(WORLD, "a", exclude_newer=limits)
    else:
        assert answer(WORLD, "a", exclude_newer=limits) == [f"a-{version}-0"]


def test_the_index_says_when_a_package_came_else_its_builder_else_nobody() -> None:
    assert answer(WORLD, "a <4", exclude_newer=Cutoffs(1_710_000_000_000)) == ["a-2-0"]
    assert answer(WORLD, "old", exclude_newer=Cutoffs(1_700_000_000_000)) == ["old-1-0"], "seconds"
    assert answer(WORLD, "bare", exclude_newer=Cutoffs(0)) == ["bare-1-0"], "kept, as conda does"


def test_limits_of_channels_and_packages() -> None:
    worlds = [WORLD, universe("a 9 [timestamp=1900000000000]", channel="low")]
    low = {"https://conda.anaconda.org/low": None}
    options = {"channel_priority": "disabled"}
    assert answer(worlds, "a", exclude_newer=Cutoffs(1_700_000_000_000), **options) == ["a-1-0"]
    assert answer(worlds, "a", exclude_newer=Cutoffs(1_700_000_000_000, low), **options) == ["a-9-0"]
    assert answer(worlds, "a", exclude_newer=Cutoffs(1_700_000_000_000, low, {"a": 1_710_000_000_000})) == ["a-4-0"]
    assert answer(worlds, "a", exclude_newer=Cutoffs(None, {}, {"a": 1_700_000_000_000})) == ["a-1-0"]


def test_a_channel_whose_candidates_are_all_too_new_has_none() -> None:
    worlds = [universe("a 9 [timestamp=1900000000000]", channel="high"), WORLD]
    assert answer(worlds, "a", exclude_newer=Cutoffs(1_700_000_000_000)) == ["a-1-0"]


def test_what_is_installed_stays_however_new() -> None:
    there = (installed("a 2 [timestamp=1710000000000]", asked=True),)
    assert answer(WORLD, "old", installed=there, exclude_newer=Cutoffs(1_700_000_000_000)) == ["a-2-0", "old-1-0"]


def test_it_is_named_where_it_is_in_the_way() -> None:
    with pytest.raises(Unsatisfiable, match=r"there is only a 1 \(and 3 too new for exclude_newer\)") as caught:
        answer(WORLD, "b", exclude_newer=Cutoffs(1_700_000_000_000))
    assert caught.value.hint == "This would work: leave exclude_newer away (gives b 1)."


# --- allow_uninstall, allow_downgrade ----------------------------------------------------------------------------

PAIR = universe("a 1", "a 2", "new 1 -> a <2", "other 1 ! a", "a 3")
THERE = (installed("a 2", asked=True),)


def test_packages_may_get_older_unless_that_is_forbidden() -> None:
    assert answer(PAIR, "new", installed=THERE) == ["a-1-0", "new-1-0"]
    with pytest.raises(Unsatisfiable, match="a-2-0 is installed and may not get older") as caught:
        answer(PAIR, "new", installed=THERE, allow_downgrade=False)
    assert "use --allow-downgrade (gives new 1 and a 1)" in str(caught.value.hint)
    assert answer(PAIR, "a 1", installed=THERE, allow_downgrade=False) == ["a-1-0"], "who asks for it allows it"
    assert answer(PAIR, "a >2", installed=THERE, allow_downgrade=False) == ["a-3-0"]


def test_packages_may_go_unless_that_is_forbidden() -> None:
    world = universe("a 2", "other 1 ! a >9")
    assert answer(world, "other", installed=THERE) == ["other-1-0"]
    with pytest.raises(Unsatisfiable, match="a-2-0 is installed and may not be removed") as caught:
        answer(world, "other", installed=THERE, allow_uninstall=False)
    assert "use --allow-uninstall" in str(caught.value.hint)
    assert answer(world, installed=THERE, remove=["a"], allow_uninstall=False) == []


# --- records and requests that make no sense ---------------------------------------------------------------------

ODD = ("1..2", "", "not a version", "1!2!3", "9" * 400, "1.0-", "*", "é")


@pytest.mark.parametrize("version", ODD)
def test_versions_that_are_none_are_passed_over(version: str) -> None:
    odd = changed(record("a 5 -> b"), version=version)
    world = Universe(WORLD.channel, "linux-64", [odd, record("a 1"), record("b 1 -> a >=1")])
    for spec in ("a", "a >=1", "a 1.*", "b", f"a[sha256={odd.sha256}]", "a[build_number='>=0']"):
        try:
            solve(task(world, spec))
        except SolveError:
            continue
    fields = {field: getattr(odd, field) for field in odd.__struct_fields__}
    there = (msgspec.convert({**fields, "requested_specs": ("a", "[[", "a >>1")}, type(installed("a 1"))),)
    for options in ({}, {"keep": "freeze"}, {"update_all": True}, {"remove": ["a >=1"]}, {"allow_downgrade": False}):
        try:
            solve(task(world, "b", "a >=1", installed=there, **options))
        except SolveError:
            continue


def test_an_installed_python_without_a_version_pins_nothing() -> None:
    there = (changed(installed("python 3.9", asked=True), version="3..9"),)
    world = universe("python 3.12", "app 1 -> python >=3.12")
    assert answer(world, "app", installed=there) == ["app-1-0", "python-3.12-0"]


@pytest.mark.parametrize(
    "text",
    [
        "b[extras=[UPPER]]",
        "b[when='c and']",
        "b[when='(((']",
        "b[flags='é']",
        "^(a+)+$",
        "b >=1[",
        "",
        'b[when="c[when=d]"]',
    ],
)
def test_relations_that_cannot_be_read_exclude_their_record_only(text: str) -> None:
    bad = changed(record("a 2"), depends=(text,), extra_depends={"g": (text,)}, constrains=(text,))
    world = Universe(WORLD.channel, "linux-64", [bad, record("a 1"), record("b 1")])
    found = solve(task(world, "a[extras=g]")).records
    assert [entry.version for entry in found if entry.name == "a"] in (["1"], ["2"])


def test_a_task_without_anything() -> None:
    assert solve(SolveTask()).records == ()
    assert solve(SolveTask(virtual=virtual("__unix"))).records == ()
