"""The solver against trying everything, on small worlds made at random."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import SolveError
from engine.model.match_spec import MatchSpec
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.kit.checker import check
from tests.kit.universe import universe
from tests.solve.brute import best_answer

NAMES = "abcde"
_heads = st.tuples(st.sampled_from(NAMES), st.sampled_from("123"), st.sampled_from(["0", "x0", "x1"])).map(" ".join)
_ranges = st.sampled_from(
    ["", " 1", " 2", " 3", " >=2", " <2", " <3", " !=2", " 1|3", " * 0", " * x*", " >=2 0", " >3"]
)
_dependency = st.tuples(st.sampled_from(NAMES), _ranges).map("".join)


@st.composite
def _line(draw: st.DrawFn) -> str:
    head = draw(_heads)
    keys = [f"build_number={draw(st.integers(0, 1))}", f"timestamp={draw(st.integers(0, 2))}"]
    features = draw(st.sampled_from(["", "", "", "", "f", "f g"]))
    if features:
        keys.append(f"track_features={features}")
    depends = draw(st.lists(_dependency, max_size=3))
    constrains = draw(st.lists(_dependency, max_size=1))
    line = f"{head} [{', '.join(keys)}]"
    if depends:
        line += " -> " + "; ".join(depends)
    return line + (" ! " + "; ".join(constrains) if constrains else "")


_worlds = st.lists(_line(), min_size=3, max_size=13, unique_by=lambda line: line.split("[")[0])
_requests = st.lists(_dependency, min_size=1, max_size=3)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_worlds, _requests)
def test_the_answer_is_the_best_there_is(lines: list[str], specs: list[str]) -> None:
    world = universe(*lines)
    records = [row for name in world.names() for row in world.records(name)]
    best = best_answer(records, specs)
    task = SolveTask(specs=tuple(map(MatchSpec.parse, specs)), repodata=[world], add_pip=False)
    try:
        answer = {record.name: record for record in solve(task).records}
    except SolveError:
        assert best is None
        return
    assert not check(solve(task).records, specs)
    assert best is not None
    assert {r.dist for r in answer.values()} == {r.dist for r in best.values()}
