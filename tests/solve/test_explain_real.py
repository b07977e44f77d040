"""What people read when real requests have no answer: whole texts, and bounds on many."""

from __future__ import annotations

import random

import pytest

from engine.errors import PackagesNotFound, SolveError, Unsatisfiable
from engine.model.match_spec import MatchSpec
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.kit.shared import needs_shared
from tests.solve.kit import changed
from tests.solve.test_real import MACHINE, request, sample

pytestmark = [needs_shared, pytest.mark.shared]

NO_GPU = tuple(fact for fact in MACHINE if fact.name != "__cuda")


def told(*specs: str, **options: object) -> list[str]:
    """The lines that people see."""
    with pytest.raises(SolveError) as caught:
        solve(changed(request(*specs), **options))
    return [*str(caught.value).splitlines(), *(f"hint: {caught.value.hint}".splitlines())]


def test_an_old_numpy_for_a_new_python() -> None:
    assert told("python 3.13.*", "numpy 1.26.*", "scipy") == [
        "Could not solve for environment specs. The following packages are incompatible:",
        "  - python 3.13.* is asked for",
        "  - numpy 1.26.* is asked for",
        "      numpy 1.26.0–1.26.4 needs python 3.9.0–3.12.13",
        "hint: Each of these would work:",
        "    - ask for numpy instead of numpy 1.26.* (gives numpy 2.5.2)",
        "    - ask for python instead of python 3.13.* (gives python 3.12.13)",
    ]


def test_a_chain() -> None:
    assert told("libarrow 12.*", "pyarrow 20.*") == [
        "Could not solve for environment specs. The following packages are incompatible:",
        "  - libarrow 12.* is asked for",
        "  - pyarrow 20.* is asked for",
        "      pyarrow 20.0.0 needs libarrow-acero 20.0.0.*",
        "        libarrow-acero 20.0.0 needs libarrow 20.0.0",
        "hint: Each of these would work:",
        "    - ask for pyarrow instead of pyarrow 20.* (gives pyarrow 12.0.1)",
        "    - ask for libarrow instead of libarrow 12.* (gives libarrow 20.0.0)",
    ]


def test_a_compiler_that_is_too_new_for_the_gpu() -> None:
    specs = ("pyarrow>=20", "gcc>=15.2", "pytorch-gpu>=2.5", "python>=3.13")
    lines = told(*specs)
    assert len(lines) <= 25
    roots = [line for line in lines if line.startswith("  - ")]
    assert "  - gcc >=15.2 is asked for" in roots
    assert "  - pytorch-gpu >=2.5 is asked for" in roots
    assert lines[-1] == "hint: This would work: ask for gcc instead of gcc >=15.2 (gives gcc 14.4.0)."
    assert told(*specs, virtual=NO_GPU)[-1] == (
        "hint: This would work: for a machine that has it, set CONDA_OVERRIDE_CUDA=12, "
        "and ask for gcc instead of gcc >=15.2 (gives gcc 14.4.0)."
    )


def test_a_machine_without_a_gpu() -> None:
    assert told("pytorch 2.7.*=cuda*", "python", virtual=NO_GPU) == [
        "Could not solve for environment specs. The following package could not be installed:",
        "  - pytorch 2.7.* cuda* is asked for",
        "      pytorch 2.7.0–2.7.1 needs __cuda, but this machine has no __cuda",
        "hint: Each of these would work:",
        "    - for a machine that has it, set CONDA_OVERRIDE_CUDA=12 (gives pytorch 2.7.1)",
        "    - ask for pytorch instead of pytorch 2.7.* cuda* (gives pytorch 2.12.0)",
    ]


@pytest.mark.parametrize(
    ("spec", "line", "hint"),
    [
        (
            "numpy=1.20",
            "  - numpy 1.20.* does not exist: there is numpy 1.18.5–2.5.2 in conda-forge (linux-64, noarch)",
            "The nearest to numpy 1.20.* are 1.18.5 and 1.22.0.",
        ),
        (
            "torch",
            "  - torch does not exist in conda-forge (linux-64, noarch). Did you mean pytorch or libtorch?",
            "-c",
        ),
        (
            "scikit_learn",
            "  - scikit_learn does not exist in conda-forge (linux-64, noarch). Did you mean scikit-learn?",
            "-c",
        ),
        ("pywin32", "  - pywin32 does not exist in conda-forge (linux-64, noarch)", "search pywin32 --platform"),
    ],
)
def test_what_is_not_there(spec: str, line: str, hint: str) -> None:
    found = told(spec, "python")
    assert found[1] == line
    assert hint in found[2]


def test_every_story_is_short_and_every_remedy_works() -> None:
    draw = random.Random(7)
    for instance in sample(3):
        extra = draw.choice(["python 3.8.*", "numpy <1.24", "openssl 1.1.1.*", "python 3.14.*", "pandas <2", "icu <70"])
        task = request(*instance["specs"], extra)
        try:
            solve(task)
        except PackagesNotFound:
            continue
        except Unsatisfiable as error:
            lines = [*str(error).splitlines(), *str(error.hint).splitlines()]
            assert len(lines) <= 25, instance["id"]
            assert max(map(len, lines)) <= 400, instance["id"]
            assert error.data["solver_problems"], instance["id"]
            _check_remedies(task, error)


def _check_remedies(task: SolveTask, error: Unsatisfiable) -> None:
    """ "ask for A instead of B" must have an answer, and give what it says."""
    remedies = error.data["remedies"]
    assert isinstance(remedies, list)
    for remedy in remedies:
        change = remedy["change"]
        if not change.startswith("ask for "):
            continue
        new, _, old = change.removeprefix("ask for ").partition(" instead of ")
        specs = tuple(MatchSpec.parse(new) if spec.to_conda_build_form() == old else spec for spec in task.specs)
        assert specs != task.specs
        there = {f"{record.name} {record.version}" for record in solve(changed(task, specs=specs)).records}
        assert there.issuperset(remedy["gives"])
