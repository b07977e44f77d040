"""The solver against trying everything, on small worlds made at random."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import SolveError
from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.solve import search
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.kit.checker import check
from tests.kit.universe import Universe, universe, virtual
from tests.solve.brute import Case, best_answer
from tests.solve.kit import installed
from tests.solve.worlds import NAMES, Maker

_heads = st.tuples(st.sampled_from(NAMES), st.sampled_from("123"), st.sampled_from(["0", "x0", "x1"])).map(" ".join)
_ranges = st.sampled_from(
    ["", " 1", " 2", " 3", " >=2", " <2", " <3", " !=2", " 1|3", " * 0", " * x*", " >=2 0", " >3"]
)
_dependency = st.tuples(st.sampled_from(NAMES), _ranges).map("".join)

_atoms = st.tuples(st.sampled_from([*NAMES, "__cuda"]), st.sampled_from(["", ">=2", "<2", "!=2", "==3"])).map("".join)
_conditions = st.one_of(
    _atoms,
    st.tuples(_atoms, st.sampled_from([" and ", " or "]), _atoms).map("".join),
    st.tuples(_atoms, _atoms, _atoms).map(lambda atoms: "({} or {}) and {}".format(*atoms)),
)
_versions = st.sampled_from(["", "version='>=2'", "version='<3'", "version='!=2'", "build='x*'"])
_extras = st.sampled_from(["", "", "extras=g", "extras=[g,h]"])
_flags = st.sampled_from(["", "", "", "flags=f", "flags=[f,g]"])


@st.composite
def _form(draw: st.DrawFn, conditional: bool = True, places: tuple[str, ...] = ()) -> str:
    """A specification of the newest kind."""
    when = f'when="{draw(_conditions)}"' if conditional and draw(st.integers(0, 2)) == 0 else ""
    channel = f"channel={draw(st.sampled_from(places))}" if places and draw(st.integers(0, 3)) == 0 else ""
    pairs = [pair for pair in (draw(_versions), draw(_extras), draw(_flags), when, channel) if pair]
    name = draw(st.sampled_from(NAMES))
    return f"{name}[{','.join(pairs)}]" if pairs else name


@st.composite
def _line(draw: st.DrawFn, forms: bool = False) -> str:
    dependency = st.one_of(_dependency, _form(), st.sampled_from(["__cuda", "__cuda >=12"])) if forms else _dependency
    keys = [f"build_number={draw(st.integers(0, 1))}", f"timestamp={draw(st.integers(0, 2))}"]
    if draw(st.integers(0, 3)) == 0:
        keys.append(f"track_features={draw(st.sampled_from(['f', 'f g']))}")
    if forms:
        keys.append(f"flags={draw(st.sampled_from(['f', 'g', 'f+g']))}")
    depends = draw(st.lists(dependency, max_size=3))
    constrains = draw(st.lists(_dependency if not forms else st.one_of(_dependency, st.just("__cuda <13")), max_size=1))
    line = f"{draw(_heads)} [{', '.join(keys)}]"
    line += " -> " + "; ".join(depends) if depends else ""
    if forms and draw(st.booleans()):
        line += f" + g: {draw(dependency)}; {draw(dependency)} + h: {draw(dependency)}"
    return line + (" ! " + "; ".join(constrains) if constrains else "")


def _lines(forms: bool, size: int) -> st.SearchStrategy[list[str]]:
    return st.lists(_line(forms), min_size=3, max_size=size, unique_by=lambda line: line.split("[")[0])


_SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _rows(world: Universe) -> list[RepoDataRecord]:
    return [row for name in world.names() for row in world.records(name)]


def _compare(worlds: list[Universe], case: Case, **options: Any) -> None:
    """The solver's answer is the best one, or there is none."""
    best = best_answer(case)
    for field in ("virtual", "installed"):
        options[field] = tuple(getattr(case, field))
    for field in ("pinned", "remove"):
        options[field] = tuple(map(MatchSpec.parse, getattr(case, field)))
    for field in ("update", "prune", "keep", "allow_uninstall", "allow_downgrade"):
        options[field] = getattr(case, field)
    task = SolveTask(
        specs=tuple(case.parsed), repodata=worlds, channel_priority=case.priority,  # type: ignore[arg-type]
        add_pip=False, pin_python=False, **options,
    )  # fmt: skip
    try:
        found = solve(task)
    except SolveError:
        assert best is None
        return
    assert best is not None
    assert {(r.dist, r.channel) for r in found.records} == {(r.dist, getattr(r, "channel", "")) for r in best.values()}


@_SETTINGS
@given(_lines(False, 13), st.lists(_dependency, min_size=1, max_size=3))
def test_the_answer_is_the_best_there_is(lines: list[str], specs: list[str]) -> None:
    world = universe(*lines)
    case = Case([_rows(world)], specs)
    _compare([world], case)
    if best_answer(case) is not None:
        task = SolveTask(specs=tuple(case.parsed), repodata=[world], add_pip=False)
        assert not check(solve(task).records, specs)


@_SETTINGS
@given(
    _lines(True, 10),
    st.lists(_form(), min_size=1, max_size=3),
    st.lists(_dependency, max_size=1),
    st.sampled_from([(), ("__cuda 11",), ("__cuda 12",)]),
)
def test_conditions_groups_flags_pins_and_virtual_packages(
    lines: list[str], specs: list[str], pinned: list[str], facts: tuple[str, ...]
) -> None:
    world = universe(*lines)
    case = Case([_rows(world)], specs, virtual(*facts), pinned)
    _compare([world], case)
    best = best_answer(case)
    assert best is None or not [
        wrong
        for wrong in check(list(best.values()), specs, virtual=case.virtual, pinned=pinned)
        if "linked after" not in wrong and "is asked for" not in wrong
    ]


@_SETTINGS
@given(_lines(True, 10), st.lists(_form(), min_size=1, max_size=3))
def test_asking_after_each_conflict_whether_there_is_any_answer_changes_nothing(
    lines: list[str], specs: list[str]
) -> None:
    world = universe(*lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "PROBE", 1)
        _compare([world], Case([_rows(world)], specs, virtual("__cuda 12")))


@_SETTINGS
@given(
    _lines(False, 7),
    _lines(False, 7),
    st.lists(_form(conditional=False, places=("high", "low")), min_size=1, max_size=3),
    st.sampled_from(["strict", "flexible", "disabled"]),
)
def test_channels(high: list[str], low: list[str], specs: list[str], priority: str) -> None:
    worlds = [universe(*high, channel="high"), universe(*low, channel="low")]
    _compare(worlds, Case([_rows(world) for world in worlds], specs, priority=priority))


@_SETTINGS
@given(
    _lines(True, 9),
    st.lists(st.integers(0, 8), min_size=1, max_size=3),
    st.lists(_form(), max_size=2),
    st.sampled_from(["prefer", "prefer", "freeze", "ignore"]),
    st.sets(st.sampled_from(NAMES), max_size=2),
    st.lists(st.sampled_from(NAMES), max_size=1),
    st.tuples(*[st.booleans()] * 3),
)
def test_what_is_installed(
    lines: list[str],
    there: list[int],
    specs: list[str],
    keep: str,
    update: set[str],
    remove: list[str],
    flags: tuple[bool, bool, bool],
) -> None:
    world = universe(*lines)
    present = {line.split()[0]: line for line in (lines[place % len(lines)] for place in there)}
    records = tuple(
        installed(line, asked=number % 2 == 0, spec=f"{name}[extras=g]" if number % 4 == 0 else "")
        for number, (name, line) in enumerate(present.items())
    )
    uninstall, downgrade, prune = flags
    case = Case(
        [_rows(world)], specs, virtual("__cuda 12"), installed=records, keep=keep, update=frozenset(update),
        remove=remove, prune=prune, allow_uninstall=uninstall, allow_downgrade=downgrade,
    )  # fmt: skip
    _compare([world], case)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_records_does_not_count(seed: int) -> None:
    lines = ["a 1 -> b", "a 2 -> b <3", "b 2 x", "b 2 y", "b 3", "b 1 [track_features=f]"]
    turned = lines[seed:] + lines[:seed][::-1]
    case = Case([_rows(universe(*turned))], ["a"])
    assert {r.dist for r in (best_answer(case) or {}).values()} == {"a-2-0", "b-2-x"}
    _compare([universe(*turned)], case)


@pytest.mark.parametrize("block", range(8))
def test_rich_worlds(block: int) -> None:
    answers = 0
    for seed in range(block * 40, block * 40 + 40):
        maker = Maker(seed)
        draw = maker.draw
        worlds = [universe(*maker.lines(NAMES), channel="high"), universe(*maker.lines(NAMES[:3])[:4], channel="low")]
        there = maker.present(maker.lines(NAMES)) if seed % 2 else ()
        case = Case(
            [_rows(world) for world in worlds],
            [maker.form() for _ in range(draw.randint(1, 3))],
            virtual(*draw.choice([(), ("__cuda 11",), ("__cuda 12",)])),
            [f"{draw.choice(NAMES)} <3"] if draw.random() < 0.2 else [],
            there,
            keep=draw.choice(["prefer", "prefer", "freeze", "ignore"]),
            priority=draw.choice(["strict", "flexible", "disabled"]),
            update=frozenset(draw.sample(NAMES, draw.choice([0, 0, 1, 2]))),
            remove=[draw.choice(NAMES)] if there and draw.random() < 0.2 else [],
            prune=draw.random() < 0.3,
            allow_uninstall=draw.random() < 0.8,
            allow_downgrade=draw.random() < 0.7,
        )
        _compare(worlds, case)
        answers += bool(best_answer(case))
    assert answers > 10, "worlds where nothing can be had test little"
