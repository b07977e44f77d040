"""What is asked for is what comes: each rule of the request and of the ranking in a small world."""

from __future__ import annotations

import pytest

from engine.errors import PackagesNotFound, SolveError, Unsatisfiable
from engine.model.match_spec import MatchSpec
from engine.solve.solver import solve
from tests.kit.universe import universe, virtual
from tests.solve.kit import answer, installed, task

# --- the ranking -------------------------------------------------------------------------------------------------


def test_the_newest_version_then_the_highest_build_number_then_the_newest_timestamp() -> None:
    world = universe("a 1 [build_number=9]", "a 2 x [build_number=1]", "a 2 y", "a 2 z [build_number=1, timestamp=5]")
    assert answer(world, "a") == ["a-2-z"]


def test_earlier_requests_matter_more() -> None:
    world = universe("a 1 -> b 2", "a 2 -> b 1", "b 1", "b 2")
    assert answer(world, "a", "b") == ["a-2-0", "b-1-0"]
    assert answer(world, "b", "a") == ["a-1-0", "b-2-0"]


def test_what_is_nearer_to_the_request_matters_more() -> None:
    world = universe("a 1 -> b; m", "m 1 -> c", "b 1 -> c 2", "b 2 -> c 1", "c 1", "c 2")
    assert answer(world, "a") == ["a-1-0", "b-2-0", "c-1-0", "m-1-0"]


def test_build_number_of_the_request_comes_before_versions_of_dependencies() -> None:
    world = universe("a 1 new [build_number=1] -> b 1", "a 1 old -> b 2", "b 1", "b 2")
    assert answer(world, "a") == ["a-1-new", "b-1-0"]


def test_among_equal_builds_the_versions_of_dependencies_decide() -> None:
    world = universe("a 1 p1 [timestamp=9] -> p 1", "a 1 p2 -> p 2", "p 1", "p 2")
    assert answer(world, "a") == ["a-1-p2", "p-2-0"]


def test_tracked_features_are_avoided() -> None:
    world = universe("a 1 -> b", "b 2 f [track_features=f]", "b 1")
    assert answer(world, "a") == ["a-1-0", "b-1-0"]
    assert answer(world, "a", "b") == ["a-1-0", "b-2-f"], "who is asked for: the version comes first"
    assert answer(universe("b 2 f [track_features=f, build_number=4]", "b 2 g"), "b") == ["b-2-g"]


def test_the_platforms_own_comes_before_noarch() -> None:
    worlds = [universe("a 1 pure [noarch=generic]", subdir="noarch"), universe("a 1 zz")]
    assert answer(worlds, "a") == ["a-1-zz"]
    assert answer(worlds[::-1], "a") == ["a-1-zz"]


def test_nothing_is_there_that_nothing_needs() -> None:
    world = universe("a 1 x -> b; c", "a 1 y [build_number=1] -> b", "b 1 ! c 5", "c 1")
    assert answer(world, "a") == ["a-1-y", "b-1-0"]


def test_the_number_of_track_features_counts_within_a_version_only() -> None:
    world = universe("a 1 -> b * x*", "b 2 x_2 [track_features=f g]", "b 1 x_1 [track_features=f]")
    assert answer(world, "a") == ["a-1-0", "b-2-x_2"]
    world = universe("a 1 -> b * x*", "b 2 x_2 [track_features=f g, build_number=9]", "b 2 x_1 [track_features=f]")
    assert answer(world, "a") == ["a-1-0", "b-2-x_1"]


def test_the_newest_python_counts_before_the_build_number_of_what_needs_it() -> None:
    lines = ["a 1 py313_1 [build_number=1] -> python 3.13.*", "a 1 py314_0 -> python 3.14.*"]
    world = universe(*lines, "python 3.13.2", "python 3.14.1", "b 1 -> a")
    assert answer(world, "a") == ["a-1-py314_0", "python-3.14.1-0"]
    assert answer(world, "b") == ["a-1-py314_0", "b-1-0", "python-3.14.1-0"]


# --- channels ----------------------------------------------------------------------------------------------------


def _two_channels() -> list[object]:
    return [universe("a 1", "b 1 -> a >=2", channel="high"), universe("a 2", "a 1", "c 1", channel="low")]


@pytest.mark.parametrize(("priority", "expected"), [("strict", "a-1-0"), ("flexible", "a-1-0"), ("disabled", "a-2-0")])
def test_channel_priority(priority: str, expected: str) -> None:
    assert answer(_two_channels(), "a", channel_priority=priority) == [expected]  # type: ignore[arg-type]


def test_only_strict_priority_leaves_lower_channels_out() -> None:
    worlds = _two_channels()
    assert answer(worlds, "b", channel_priority="flexible") == ["a-2-0", "b-1-0"]  # type: ignore[arg-type]
    with pytest.raises(Unsatisfiable):
        answer(worlds, "b", channel_priority="strict")  # type: ignore[arg-type]
    with pytest.raises(PackagesNotFound, match=r"there is a 1 \(and more in low, not looked at"):
        answer(worlds, "a >=2", channel_priority="strict")  # type: ignore[arg-type]


def test_a_spec_that_names_a_channel_outweighs_strict_priority() -> None:
    found = solve(task(_two_channels(), "low::a")).records  # type: ignore[arg-type]
    assert [(record.version, record.channel.rpartition("/")[2]) for record in found] == [("2", "low")]


# --- virtual packages, constraints, pins ---------------------------------------------------------------------------


def test_virtual_packages_are_facts() -> None:
    world = universe("a 2 -> __glibc >=2.28", "a 1 -> __glibc >=2.17", "b 1 ! __glibc >=2.34", "c 1 -> __cuda")
    assert answer(world, "a", virtual=virtual("__glibc 2.31")) == ["a-2-0"]
    assert answer(world, "a", virtual=virtual("__glibc 2.17")) == ["a-1-0"]
    assert answer(world, "b") == ["b-1-0"]
    for specs, facts in ((("a",), ()), (("b",), ("__glibc 2.31",)), (("c",), ())):
        with pytest.raises(Unsatisfiable, match="this machine has"):
            answer(world, *specs, virtual=virtual(*facts))


def test_constrains_counts_only_if_the_package_is_there() -> None:
    world = universe("a 1 ! b <2", "b 1", "b 2", "c 1 -> b")
    assert answer(world, "a") == ["a-1-0"]
    assert answer(world, "a", "c") == ["a-1-0", "b-1-0", "c-1-0"]


def test_a_pin_holds_what_is_there_and_brings_nothing() -> None:
    world = universe("a 1 -> b", "b 1", "b 2", "c 1")
    assert answer(world, "a", pinned=["b 1", "c 1"]) == ["a-1-0", "b-1-0"]
    with pytest.raises(Unsatisfiable, match="b 1 is pinned"):
        answer(world, "b >=2", pinned=["b 1"])


def test_a_record_that_needs_another_version_of_itself_cannot_be_used() -> None:
    assert answer(universe("a 1", "a 2 -> a <2", "a 3 ! a 4"), "a") == ["a-1-0"]
    assert answer(universe("a 1 -> a >=1"), "a") == ["a-1-0"]


def test_a_record_that_cannot_be_read_is_passed_over() -> None:
    assert answer(universe("a 2 -> b >>1", "a 1"), "a") == ["a-1-0"]
    with pytest.raises(Unsatisfiable, match="no specification"):
        answer(universe("a 2 -> b >>1"), "a")


def test_cycles_are_no_problem() -> None:
    world = universe("a 1 -> b", "b 1 -> c", "c 1 -> a", "a 2 -> b 2")
    assert [record.name for record in solve(task(world, "a")).records] == ["c", "b", "a"]


def test_two_specs_of_one_name_must_both_hold() -> None:
    world = universe("a 1", "a 2", "a 3")
    assert answer(world, "a >1", "a <3") == ["a-2-0"]
    with pytest.raises(Unsatisfiable):
        answer(world, "a <2", "a >2")


def test_a_spec_without_a_plain_name_is_met_by_one_package() -> None:
    world = universe("foo-a 1 -> z", "foo-b 1", "bar 1")
    assert answer(world, "foo-*", "bar") == ["bar-1-0", "foo-b-1-0"]
    with pytest.raises(PackagesNotFound):
        answer(world, "baz-*")


def test_specs_pinned_by_hash_build_or_address() -> None:
    world = universe("a 1", "a 2 x", "a 2 y [build_number=5]", "b 1 -> a[build_number=0]")
    old = world.one("a-1")
    assert answer(world, f"a[sha256={old.sha256}]") == ["a-1-0"]
    assert answer(world, "a * x*") == ["a-2-x"]
    assert answer(world, "a=2=x") == ["a-2-x"]
    assert answer(world, "b") == ["a-2-x", "b-1-0"]
    assert answer(world, f"a[url={old.url!r}]") == ["a-1-0"]


# --- pip ---------------------------------------------------------------------------------------------------------


def test_python_brings_pip() -> None:
    world = universe("python 3", "pip 1 -> python", "app 1 -> python", "python 1.5")
    assert answer(world, "app", add_pip=True) == ["app-1-0", "pip-1-0", "python-3-0"]
    assert answer(world, "python", add_pip=True) == ["pip-1-0", "python-3-0"]
    assert answer(world, "app") == ["app-1-0", "python-3-0"]
    assert answer(universe("python 3"), "python", add_pip=True) == ["python-3-0"], "where there is no pip"
    there = (installed("python 3", asked=True),)
    assert answer(world, "app", add_pip=True, installed=there) == ["app-1-0", "python-3-0"], "it was taken away"


# --- what is installed -------------------------------------------------------------------------------------------

WORLD = universe(
    "python 3.11.1",
    "python 3.12.1",
    "python 3.12.2",
    "lib 1",
    "lib 2",
    "app 1 -> lib",
    "app 2 -> lib >=2",
    "new 1 -> lib",
)


def test_installed_packages_stay() -> None:
    there = (installed("lib 1"), installed("app 1 -> lib", asked=True))
    assert answer(WORLD, "new", installed=there) == ["app-1-0", "lib-1-0", "new-1-0"]
    assert answer(WORLD, "new", installed=there, keep="ignore") == ["lib-2-0", "new-1-0"]
    assert answer(WORLD, "app", installed=there) == ["app-1-0", "lib-1-0"], "it is there already"


def test_installed_packages_change_only_if_they_must() -> None:
    there = (installed("lib 1"), installed("app 1 -> lib", asked=True))
    assert answer(WORLD, "app >=2", installed=there) == ["app-2-0", "lib-2-0"]
    with pytest.raises(Unsatisfiable, match="lib-1-0 is installed and must stay"):
        answer(WORLD, "app >=2", installed=there, keep="freeze")


def test_update_brings_the_named_packages_to_the_newest() -> None:
    there = (installed("lib 1"), installed("app 1 -> lib", asked=True))
    assert answer(WORLD, installed=there, update=frozenset(["lib"])) == ["app-1-0", "lib-2-0"]
    assert answer(WORLD, installed=there, update=frozenset(["app"])) == ["app-2-0", "lib-2-0"]
    assert answer(WORLD, installed=there, update_all=True) == ["app-2-0", "lib-2-0"]


def test_pruning_takes_away_what_nobody_asked_for_or_needs() -> None:
    there = (installed("lib 1"), installed("python 3.11.1"), installed("app 1 -> lib", asked=True))
    assert answer(WORLD, installed=there, prune=True) == ["app-1-0", "lib-1-0"]
    assert answer(WORLD, installed=there) == ["app-1-0", "lib-1-0", "python-3.11.1-0"]


def test_remove_takes_dependents_along_and_changes_nothing_else() -> None:
    there = (installed("lib 1"), installed("app 1 -> lib", asked=True), installed("python 3.11.1", asked=True))
    assert answer(WORLD, installed=there, remove=["lib"]) == ["python-3.11.1-0"]
    assert answer(WORLD, installed=there, remove=["app"]) == ["lib-1-0", "python-3.11.1-0"]
    assert answer(WORLD, installed=there, remove=["app"], prune=True) == ["python-3.11.1-0"]
    assert answer(universe(), installed=there, remove=["app"]) == ["lib-1-0", "python-3.11.1-0"], "no channel needed"


def test_the_minor_version_of_python_stays_unless_python_is_asked_for() -> None:
    world = universe("python 3.11.1", "python 3.11.2", "python 3.12.1", "app 1 -> python >=3.12", "app 0 -> python")
    there = (installed("python 3.11.1", asked=True),)
    assert answer(world, "app", installed=there) == ["app-0-0", "python-3.11.1-0"]
    assert answer(world, installed=there, update_all=True) == ["python-3.11.2-0"]
    assert answer(world, installed=there, update=frozenset(["python"])) == ["python-3.12.1-0"]
    assert answer(world, "python >=3.12", installed=there) == ["python-3.12.1-0"]
    with pytest.raises(Unsatisfiable, match=r"python 3.11.\* is pinned, as it is installed"):
        answer(world, "app >=1", installed=there)
    assert answer(world, "app >=1", installed=there, pin_python=False) == ["app-1-0", "python-3.12.1-0"]


def test_a_python_without_global_lock_stays_one_unless_its_abi_is_asked_for() -> None:
    world = universe(
        "python_abi 3.14 8_cp314", "python_abi 3.14 8_cp314t", "python 3.14.7 0_cp314 -> python_abi 3.14 *_cp314",
        "python 3.14.6 0_cp314t -> python_abi 3.14 *_cp314t", "plot 1 -> python_abi 3.14 *_cp314",
        "python-gil 3 -> plot",
    )  # fmt: skip
    python = (installed("python 3.14.6 0_cp314t -> python_abi 3.14 *_cp314t"), installed("python_abi 3.14 8_cp314t"))
    there = (installed("python-freethreading 3.14 -> python_abi * *_cp314t", asked=True), *python)
    with pytest.raises(Unsatisfiable, match=r"python_abi \* \*_cp314t is pinned, as it is installed"):
        answer(world, "plot", installed=there)
    changed = ["plot-1-0", "python-3.14.7-0_cp314", "python_abi-3.14-8_cp314"]
    assert answer(world, "plot", installed=there, pin_python=False) == changed
    assert answer(world, "plot", "python", installed=there) == changed
    assert answer(world, "python-gil", installed=there) == sorted([*changed, "python-gil-3-0"])
    assert answer(world, "plot", installed=python) == changed, "nobody asked for it"


def test_without_dependencies_and_only_dependencies() -> None:
    assert answer(WORLD, "app", no_deps=True) == ["app-2-0"]
    assert answer(WORLD, "app", only_deps=True) == ["lib-2-0"]
    there = (installed("lib 1"),)
    assert answer(WORLD, "app >=2", no_deps=True, installed=there) == ["app-2-0", "lib-1-0"]


# --- bounds ------------------------------------------------------------------------------------------------------


def test_the_search_stops_when_told_to() -> None:
    lines = [f"a {i} -> b {i}; c {i % 7}" for i in range(1, 30)] + [f"b {i} -> c {(i + 1) % 7}" for i in range(1, 30)]
    world = universe(*lines, *(f"c {i}" for i in range(7)))
    with pytest.raises(SolveError, match="stopped"):
        solve(task(world, "a", stop=lambda: True))


def test_a_solution_knows_what_was_asked_for() -> None:
    assert solve(task(WORLD, "app", "python")).requested == ("app", "python")
    assert MatchSpec.parse("app").matches(solve(task(WORLD, "app")).records[-1])


def test_pruning_leaves_pip_to_the_python_that_stays() -> None:
    """pip came with python and nobody asked for it; it goes only with python."""
    there = (installed("python 3", asked=True), installed("pip 1 -> python"), installed("app 1 -> python", asked=True))
    options = {"installed": there, "prune": True, "add_pip": True}
    assert answer(universe(), remove=["app"], **options) == ["pip-1-0", "python-3-0"]
    assert answer(universe(), remove=["pip"], **options) == ["app-1-0", "python-3-0"]
    assert answer(universe(), remove=["python"], **options) == []


def test_needs_can_be_ignored() -> None:
    world = universe("app 2 -> lib >=9 ! other", "app 1 -> lib", "lib 1", "other 1")
    with pytest.raises(Unsatisfiable):
        answer(world, "app =2", "other")
    assert answer(world, "app =2", "other", ignore_needs=True) == ["app-2-0", "other-1-0"]
    assert answer(world, "app", no_deps=True) == ["app-1-0"], "needs count where they can be met"
