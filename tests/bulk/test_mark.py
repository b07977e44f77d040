"""The mark in conda-meta: what it takes for an environment to count as untouched."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bulk.mark import NAME, finish, first_mark, standing
from engine.model.records import RepoDataRecord

RECORDS = (RepoDataRecord(name="a", version="1", build="0", fn="a-1-0.conda"),)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    (meta / "a-1-0.json").write_text("{}")
    (meta / "history").write_text("==> 2026-01-01 00:00:00 <==\n# cmd: x\n+a\n")
    return tmp_path


def test_done_and_untouched(prefix: Path) -> None:
    finish(str(prefix), "request")
    assert standing(str(prefix), "request") == "as asked"
    assert standing(str(prefix), "another") == "other"


@pytest.mark.parametrize("change", ["add", "remove", "history", "journal"])
def test_done_and_changed_by_others(prefix: Path, change: str) -> None:
    finish(str(prefix), "request")
    meta = prefix / "conda-meta"
    match change:
        case "add":
            (meta / "b-1-0.json").write_text("{}")
        case "remove":
            (meta / "a-1-0.json").unlink()
        case "history":
            (meta / "history").write_text((meta / "history").read_text() + "==> 2026-01-02 00:00:00 <==\n")
        case "journal":
            (meta / ".whipsnake-journal.json").write_text("{}")
    assert standing(str(prefix), "request") == "other"


def test_linked_but_not_finished(prefix: Path) -> None:
    (prefix / NAME).write_bytes(first_mark("request", RECORDS))
    assert standing(str(prefix), "request") == "unfinished"
    with open(prefix / "conda-meta/history", "a") as file:
        file.write("==> 2026-01-02 00:00:00 <==\n+b\n")
    assert standing(str(prefix), "request") == "other"


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"request":"request","stage":"done","state":"","version":2}'])
def test_what_is_no_mark(prefix: Path, data: bytes) -> None:
    (prefix / NAME).write_bytes(data)
    assert standing(str(prefix), "request") == "other"


def test_nothing_there(tmp_path: Path) -> None:
    assert standing(str(tmp_path / "none"), "request") == "other"
