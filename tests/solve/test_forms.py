"""The newest record forms: conditions (CEP 43), groups of optional dependencies (CEP 44), flags (CEP 45)."""

from __future__ import annotations

import pytest

from engine.errors import PackagesNotFound, Unsatisfiable
from engine.solve.solver import solve
from tests.kit.universe import universe, virtual
from tests.solve.kit import answer, installed, task

# --- when --------------------------------------------------------------------------------------------------------

PYTHONS = ("python 3.8", "python 3.10", "python 3.12")


def test_a_conditional_dependency_counts_when_its_condition_holds() -> None:
    world = universe('a 1 -> python; typing[when="python<3.9"]', "typing 1", *PYTHONS)
    assert answer(world, "a") == ["a-1-0", "python-3.12-0"]
    assert answer(world, "a", "python 3.8") == ["a-1-0", "python-3.8-0", "typing-1-0"]


def test_a_condition_on_what_is_not_there_does_not_hold() -> None:
    world = universe('a 1 -> b[when="c>=1"]', "b 1", "c 1", "c 0")
    assert answer(world, "a") == ["a-1-0"]
    assert answer(world, "a", "c 0") == ["a-1-0", "c-0-0"]
    assert answer(world, "a", "c") == ["a-1-0", "b-1-0", "c-1-0"]


def test_conditions_on_the_machine() -> None:
    world = universe('a 1 -> posix[when=__unix]; pywin[when=__win]; new[when="__glibc>=2.28"]', "posix 1", "pywin 1")
    assert answer(world, "a", virtual=virtual("__unix")) == ["a-1-0", "posix-1-0"]
    assert answer(world, "a", virtual=virtual("__win")) == ["a-1-0", "pywin-1-0"]
    with pytest.raises(Unsatisfiable, match=r"a 1 needs new if __glibc >=2\.28, which is not in kit"):
        answer(world, "a", virtual=virtual("__unix", "__glibc 2.28"))


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("b>=2 and c>=2", True),
        ("b>=2 and c<2", False),
        ("b<2 or c>=2", True),
        ("b<2 or c<2", False),
        ("(b<2 or c>=2) and (b>=2 or __win)", True),
        ("b>=2 and (c<2 or __unix)", True),
        ("b>=2 and (c<2 or __win)", False),
        ("ghost or b", True),
        ("ghost and b", False),
        ("b!=1,!=3", True),
        ("b*[version='>=2']", True),
        ("b[build=x*]", False),
    ],
)
def test_logic(condition: str, holds: bool) -> None:
    condition = condition.replace("'", "\\'")
    world = universe(f"a 1 -> b 2; c 2; d[when='{condition}']", "b 1", "b 2", "b 3", "c 1", "c 2", "d 1")
    expected = ["a-1-0", "b-2-0", "c-2-0", *(["d-1-0"] if holds else [])]
    assert answer(world, "a", virtual=virtual("__unix")) == expected


def test_a_condition_can_be_made_false_where_what_it_needs_cannot_be_had() -> None:
    world = universe('a 1 -> b; ghost[when="b>=2"]', "b 1", "b 2")
    assert answer(world, "a") == ["a-1-0", "b-1-0"]
    with pytest.raises(Unsatisfiable, match="a 1 needs ghost if b >=2, which is not in kit"):
        answer(world, "a", "b 2")


def test_conditional_constraints() -> None:
    world = universe('a 1 ! b[version="<2",when="c>=2"]', "b 1", "b 2", "c 1", "c 2")
    assert answer(world, "a", "b", "c 1") == ["a-1-0", "b-2-0", "c-1-0"]
    assert answer(world, "a", "c", "b") == ["a-1-0", "b-1-0", "c-2-0"]


def test_conditional_requests() -> None:
    world = universe("numpy 1", "numpy 2", *PYTHONS)
    spec = 'numpy>=2[when="python>=3.10"]'
    assert answer(world, spec, "python") == ["numpy-2-0", "python-3.12-0"]
    assert answer(world, spec, "python 3.8") == ["python-3.8-0"]
    assert answer(world, spec) == []
    assert answer(world, 'ghost[when="python>=3.10"]', "python <3.12") == ["python-3.8-0"]


def test_a_relation_on_itself_under_a_condition() -> None:
    world = universe('a 2 -> a[version="<2",when=b]', "a 1", "b 1")
    assert answer(world, "a") == ["a-2-0"]
    assert answer(world, "a", "b") == ["a-1-0", "b-1-0"]


def test_what_is_needed_on_a_condition_is_linked_before() -> None:
    world = universe('a 1 -> z[when="python"]; python', "z 1", "python 3")
    assert [record.name for record in solve(task(world, "a")).records] == ["python", "z", "a"]


# --- extras ------------------------------------------------------------------------------------------------------


def test_groups_are_taken_along_when_asked_for() -> None:
    world = universe("a 1 -> b + test: c; d >=2 + doc: e", "b 1", "c 1", "d 1", "d 2", "e 1")
    assert answer(world, "a") == ["a-1-0", "b-1-0"]
    assert answer(world, "a[extras=test]") == ["a-1-0", "b-1-0", "c-1-0", "d-2-0"]
    assert answer(world, "a[extras=[test,doc]]") == ["a-1-0", "b-1-0", "c-1-0", "d-2-0", "e-1-0"]
    assert answer(world, "a[extras=ghost]") == ["a-1-0", "b-1-0"]


def test_dependencies_ask_for_groups() -> None:
    world = universe('top 1 -> a[version=">=1",extras=[x]]; m', "m 1 -> a", "a 1 + x: b", "a 2 + x: c", "b 1", "c 1")
    assert answer(world, "top") == ["a-2-0", "c-1-0", "m-1-0", "top-1-0"]
    assert answer(world, "top", "a 1") == ["a-1-0", "b-1-0", "m-1-0", "top-1-0"]
    assert answer(world, "m") == ["a-2-0", "m-1-0"]


def test_a_group_asked_for_far_below_counts_for_a_package_settled_before() -> None:
    world = universe("r 1 -> a; m", "m 1 -> n", "n 1 -> a[extras=x]", "a 2 + x: ghost", "a 1 + x: b", "b 1", "b 2")
    assert answer(world, "r") == ["a-1-0", "b-2-0", "m-1-0", "n-1-0", "r-1-0"]


def test_groups_of_groups_and_conditions_in_them() -> None:
    world = universe(
        "a 1 + x: a[extras=y]; b[extras=[z]]; c[when=python] + y: d", "b 1 + z: e", "c 1", "d 1", "e 1", "python 3"
    )
    assert answer(world, "a[extras=x]") == ["a-1-0", "b-1-0", "d-1-0", "e-1-0"]
    assert answer(world, "a[extras=x]", "python") == ["a-1-0", "b-1-0", "c-1-0", "d-1-0", "e-1-0", "python-3-0"]


def test_what_a_group_needs_is_told() -> None:
    with pytest.raises(Unsatisfiable, match=r"a 1 with \[test\] needs ghost, which is not in kit"):
        answer(universe("a 1 + test: ghost"), "a[extras=test]")


def test_whoever_passes_over_needs_passes_over_groups_too() -> None:
    world = universe("a 1 -> spirit + test: ghost")
    assert answer(world, "a[extras=test]", no_deps=True, ignore_needs=True) == ["a-1-0"]


def test_groups_asked_for_earlier_stay() -> None:
    world = universe("a 1 + x: b", "a 2 + x: c", "b 1", "c 1", "d 1")
    there = (installed("a 1 + x: b", asked=True, spec="a[extras=[x]]"), installed("b 1"))
    assert answer(world, "d", installed=there, prune=True) == ["a-1-0", "b-1-0", "d-1-0"]
    assert answer(world, installed=there, prune=True, update_all=True) == ["a-2-0", "c-1-0"]
    plain = (installed("a 1 + x: b", asked=True), installed("b 1"))
    assert answer(world, "d", installed=plain, prune=True) == ["a-1-0", "d-1-0"]


# --- flags -------------------------------------------------------------------------------------------------------


def test_flags_choose_a_variant() -> None:
    world = universe(
        "a 1 cpu [flags=cpu+blas:mkl, build_number=2]",
        "a 1 gpu [flags=cuda+blas:openblas]",
        "a 2",
        "b 1 -> a[flags=cuda]",
    )
    assert answer(world, "a") == ["a-2-0"]
    assert answer(world, "a[flags=cuda]") == ["a-1-gpu"]
    assert answer(world, "a[flags='blas:*']") == ["a-1-cpu"]
    assert answer(world, "a[flags=['cuda','blas:*']]") == ["a-1-gpu"]
    assert answer(world, "b") == ["a-1-gpu", "b-1-0"]
    with pytest.raises(PackagesNotFound):
        answer(world, "a[flags=[cuda,cpu]]")
