"""The messages, word for word, and their bounds."""

from __future__ import annotations

import json

import pytest

from engine.errors import PackagesNotFound, SolveError, Unsatisfiable
from engine.solve.missing import did_you_mean, distance
from engine.solve.solver import solve
from tests.kit.universe import Universe, universe, virtual
from tests.solve.kit import installed, task


def failure(world: Universe | list[Universe], *specs: str, **options: object) -> SolveError:
    with pytest.raises(SolveError) as caught:
        solve(task(world, *specs, **options))  # type: ignore[arg-type]
    return caught.value


def test_two_requests_that_clash() -> None:
    world = universe(
        *(f"numpy {v} -> python >=3.9" for v in ("2.0", "2.1", "2.3")),
        "numpy 1.0 -> python",
        "python 3.8",
        "python 3.9",
        "python 3.12",
    )
    error = failure(world, "numpy >=2", "python 3.8.*")
    assert isinstance(error, Unsatisfiable)
    assert str(error).splitlines() == [
        "Could not solve for environment specs. The following packages are incompatible:",
        "  - numpy >=2 is asked for",
        "      numpy 2.0–2.3 needs python >=3.9",
        "  - python 3.8.* is asked for",
    ]
    assert str(error.hint).splitlines() == [
        "Each of these would work:",
        "    - ask for python instead of python 3.8.* (gives python 3.12)",
        "    - ask for numpy instead of numpy >=2 (gives numpy 1.0)",
    ]


def test_two_wishes_for_one_package_get_the_conclusion_too() -> None:
    """Nothing below them says why they clash."""
    error = failure(universe("a 1", "a 2"), "a 1.*", "a >=2")
    lines = ["a 1.* is asked for", "a >=2 is asked for", "cannot install both: an environment has one a"]
    assert str(error).splitlines()[1:] == [f"  - {lines[0]}", f"  - {lines[1]}", f"      {lines[2]}"]
    assert error.data["solver_problems"] == lines


def test_a_chain_is_told_from_the_request_downwards() -> None:
    world = universe("a 1 -> b", "b 1 -> c <2", "b 2 -> c <2", "c 1", "c 2", "d 1 -> c >=2", "noise 1 -> c")
    assert str(failure(world, "noise", "a", "d")).splitlines() == [
        "Could not solve for environment specs. The following packages are incompatible:",
        "  - a is asked for",
        "      a 1 needs b",
        "        b 1–2 needs c <2",
        "  - d is asked for",
        "      d 1 needs c >=2",
    ]


def test_what_nobody_has_is_named_with_the_channels() -> None:
    worlds = [universe("a 1 -> ghost >=1; real >=9", "real 1", "real 2"), universe(subdir="noarch")]
    assert str(failure(worlds, "a")).splitlines() == [
        "Could not solve for environment specs. The following package could not be installed:",
        "  - a is asked for",
        "      a 1 needs ghost >=1, which is not in kit (linux-64, noarch)",
    ]
    world = universe("a 1 -> real >=9", "real 1", "real 2")
    assert "a 1 needs real >=9, but there is only real 1–2" in str(failure(world, "a"))


def test_the_machine_is_named_where_it_is_the_reason() -> None:
    error = failure(universe("a 1 -> __glibc >=2.34"), "a", virtual=virtual("__glibc 2.17"))
    assert "a 1 needs __glibc >=2.34, but this machine has __glibc 2.17" in str(error)
    assert "CONDA_OVERRIDE_GLIBC" in str(error.hint)
    assert "this machine has no __cuda" in str(failure(universe("a 1 -> __cuda"), "a"))


def test_a_constraint_is_told_as_such() -> None:
    world = universe("a 1 ! b <2", "b 2", "b 3")
    assert "a 1 works only with b <2" in str(failure(world, "a", "b"))


def test_a_frozen_package_is_named() -> None:
    error = failure(universe("a 1 -> b >=2", "b 2"), "a", installed=(installed("b 1"),), keep="freeze")
    assert "b-1-0 is installed and must stay as it is" in str(error)
    assert error.hint == "This would work: leave --freeze-installed away (gives a 1 and b 2)."


def test_the_same_is_told_as_data() -> None:
    error = failure(universe("a 1 -> c <2", "b 1 -> c >=2", "c 1", "c 2"), "a", "b")
    told = json.loads(json.dumps(error.data))
    assert [rule["spec"] for rule in told["rules"]] == ["a", "b"]
    assert told["relations"][0] == {
        "kind": "depends",
        "package": "a",
        "versions": "1",
        "target": "c",
        "specs": ["c <2"],
    }


def test_long_stories_are_cut() -> None:
    lines = [f"p{i} 1 -> p{i + 1}" for i in range(60)] + ["p60 1 -> q 1", "q 2"]
    text = str(failure(universe(*lines), "p0"))
    assert len(text.splitlines()) <= 25
    assert "more such lines" in text


def test_many_specs_and_versions_are_shortened() -> None:
    world = universe(*(f"a {i} -> b {i}" for i in range(1, 40)), *(f"b {i + 100}" for i in range(40)))
    text = str(failure(world, "a"))
    assert "a 1–39 needs b" in text
    assert "a 1–39 needs b 1 | 2 | 3 | … (36 more), but there is only b 100–139" in text


def test_a_name_that_nobody_has() -> None:
    worlds = [universe("numpy 1", "scipy 1"), universe("pandas 1", subdir="noarch")]
    error = failure(worlds, "nunpy >=1", "numpy")
    assert isinstance(error, PackagesNotFound)
    assert str(error).splitlines() == [
        "Could not solve for environment specs. The following package could not be installed:",
        "  - nunpy >=1 does not exist in kit (linux-64, noarch). Did you mean numpy?",
    ]
    assert error.data["packages"] == [
        {"spec": "nunpy >=1", "name": "nunpy", "exists": False, "did_you_mean": ["numpy"]}
    ]
    assert error.data["channels"] == [{"channel": "kit", "subdirs": ["linux-64", "noarch"]}]


def test_several_names_that_nobody_has() -> None:
    lines = str(failure(universe("numpy 1"), "xyz", "numpy >=2", "__cuda")).splitlines()
    assert lines == [
        "Could not solve for environment specs. The following packages could not be installed:",
        "  - xyz does not exist in kit (linux-64)",
        "  - numpy >=2 does not exist: there is numpy 1 in kit (linux-64)",
        "  - __cuda: this machine has no __cuda",
    ]


def test_without_a_channel_a_channel_is_what_is_missing() -> None:
    error = failure([], "numpy")
    assert str(error).splitlines()[1:] == ["  - numpy does not exist in any channel: none is given"]
    assert "-c conda-forge" in str(error.hint)


def test_secrets_are_not_told() -> None:
    error = failure(universe("a 1"), "https://u:secret@h.org/t/token/ch::a")
    assert "secret" not in f"{error}{error.data}"
    assert "token" not in f"{error}{error.data}"
    world = universe("a-x 1 -> b 1", "b 1", "b 2", channel="ch")
    error = failure(world, "https://u:secret@conda.anaconda.org/t/token/ch::a-*", "b 2")
    assert isinstance(error, Unsatisfiable)
    assert "secret" not in f"{error}{error.hint}{error.data}"
    assert "/token" not in f"{error}{error.hint}{error.data}"


def test_did_you_mean_the_nearest_first() -> None:
    known = ["numpy", "nump", "scipy", "pandas", "numpydoc", "x"]
    assert did_you_mean("nuumpy", known) == ["numpy", "nump"]
    assert did_you_mean("numpy", ["numpy"]) == [], "itself is no suggestion"
    assert did_you_mean("qqqqqq", known) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "abd", 1), ("abc", "a", 2), ("abcdef", "xyz", 3)],
)
def test_distance_is_bounded(one: str, other: str, expected: int) -> None:
    assert distance(one, other, 2) == min(expected, 3)
