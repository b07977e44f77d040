"""The SAT solver's library, seen from outside."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from engine.solve.domains import Domains
from engine.solve.sat import Formula

_LIBRARY = """
import warnings
text = "The global interpreter lock (GIL) has been enabled to load module 'pycosat', which has not declared that"
warnings.warn(text, RuntimeWarning)
def solve(clauses):
    return "UNSAT"
"""


def test_nobody_is_warned_that_the_interpreter_lock_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pycosat.py").write_text(_LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pycosat", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not Formula(Domains()).satisfiable([])
    assert sys.modules.pop("pycosat").__file__ == str(tmp_path / "pycosat.py")
