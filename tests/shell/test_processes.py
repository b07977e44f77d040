"""The records of what `run` started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.shell import processes
from engine.shell.processes import RunningProcess, forget, note, records_dir, running


@pytest.mark.parametrize(
    ("environ", "expected"), [({}, "/home/me/.cache/mamba/proc"), ({"XDG_CACHE_HOME": "/c"}, "/c/mamba/proc")]
)
def test_where_micromamba_looks(environ: dict[str, str], expected: str) -> None:
    assert records_dir(environ, "/home/me") == expected


def test_a_record_is_there_until_it_is_taken_back(tmp_path: Path) -> None:
    directory = str(tmp_path / "proc")
    note(directory, name="server", command=["python", "-m", "http.server", "\udcff"], prefix="/envs/a")
    [found] = running(directory)
    assert found == RunningProcess(os.getpid(), "server", ("python", "-m", "http.server", "\ufffd"), "/envs/a")
    path = tmp_path / "proc" / f"{os.getpid()}.json"
    assert path.stat().st_mode & 0o077 == 0, "arguments may be secrets"
    assert {"name", "command", "prefix"} <= json.loads(path.read_text()).keys(), "what micromamba reads"
    forget(directory)
    assert running(directory) == [] and os.listdir(directory) == []


def test_without_a_label_the_program_gives_the_name(tmp_path: Path) -> None:
    note(str(tmp_path), name=None, command=["/opt/bin/tool"], prefix="/p")
    assert running(str(tmp_path))[0].name == f"tool-{os.getpid()}"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux says when a process began")
def test_the_dead_and_those_who_have_their_number_are_forgotten(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    record = {"name": "a", "command": ["a"], "prefix": "/p"}
    (tmp_path / f"{dead.pid}.json").write_text(json.dumps(record))
    (tmp_path / f"{os.getppid()}.json").write_text(json.dumps({**record, "started": "1"}))
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / f"{os.getpid()}.json").write_text('{"half": ')
    assert running(str(tmp_path)) == []
    left = {"notes.json", f"{os.getpid()}.json"}
    assert set(os.listdir(tmp_path)) == left


def test_micromambas_records_are_read(tmp_path: Path) -> None:
    (tmp_path / f"{os.getpid()}.json").write_text('{"name":"proud_ls","command":["exec","ls"],"prefix":"/p"}')
    assert [process.name for process in running(str(tmp_path))] == ["proud_ls"]


def test_many_records_of_the_dead_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_MANY", 3)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for number in range(5):
        (tmp_path / f"{dead.pid}{'0' * (number + 3)}.json").write_text('{"name":"a","command":["a"],"prefix":"/p"}')
    note(str(tmp_path), name="me", command=["a"], prefix="/p")
    assert os.listdir(tmp_path) == [f"{os.getpid()}.json"]


def test_what_can_not_be_recorded_runs_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    note(str(tmp_path / "file" / "proc"), name="a", command=["a"], prefix="/p")
    assert running(str(tmp_path / "file" / "proc")) == []
