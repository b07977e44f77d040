"""`engine.environment.state`: the variables of an environment."""

from __future__ import annotations

import json
from pathlib import Path

from engine.environment.state import read_state, state_file


def test_variables_join_those_that_are_there() -> None:
    before = {"env_vars": {"A": "1", "B": "2"}, "version": 1, "other": [1]}
    found = json.loads(state_file(before, {"B": "3", "C": 'it\'s "so"'}))
    assert found == {"env_vars": {"A": "1", "B": "3", "C": 'it\'s "so"'}, "version": 1, "other": [1]}


def test_reserved_variables_are_left_out() -> None:
    assert json.loads(state_file({}, {"PATH": "/evil", "Path": "x", "A": "1"}))["env_vars"] == {"A": "1"}


def test_reading_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    assert read_state(str(tmp_path)) == {}
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/state").write_text("{broken")
    assert read_state(str(tmp_path)) == {}
    (tmp_path / "conda-meta/state").write_bytes(state_file({}, {"A": "1"}))
    assert read_state(str(tmp_path))["env_vars"] == {"A": "1"}
