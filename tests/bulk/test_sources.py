"""Words of the command line → entries."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from engine.bulk.manifest import Entry
from engine.bulk.sources import SourceContext, read_entries
from engine.errors import InvalidManifest, UsageError


def read(tmp_path: Path, *words: str, stdin: bytes = b"") -> list[Entry]:
    return read_entries(words, SourceContext("linux-64", str(tmp_path), "/home/me"), stdin=io.BytesIO(stdin))


def write(tmp_path: Path, **files: str) -> None:
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text)


def names(entries: list[Entry]) -> list[str]:
    return [Path(entry.files[0]).name for entry in entries]


def test_a_folder_is_its_environment_files_by_name(tmp_path: Path) -> None:
    write(tmp_path, b__yml="dependencies: []", a__yaml="dependencies: []", c__txt="x", d__md="no", __hidden__yml="no")
    (tmp_path / "below").mkdir()
    assert names(read(tmp_path, ".")) == ["a.yaml", "b.yml", "c.txt"]


def test_a_broken_file_of_a_folder_is_no_error_here(tmp_path: Path) -> None:
    write(tmp_path, a__yml="- what: [is", b__yml="dependencies: []")
    assert names(read(tmp_path, str(tmp_path))) == ["a.yml", "b.yml"]


def test_a_file_is_an_environment_or_a_manifest(tmp_path: Path) -> None:
    write(tmp_path, env__yml="dependencies: [a]", all__yaml="- env.yml\n- other.txt\n", list__txt="- no yaml")
    assert names(read(tmp_path, "env.yml", "all.yaml", "list.txt")) == ["env.yml", "env.yml", "other.txt", "list.txt"]


def test_snakemakes_pin_files_stand_in_on_their_platform(tmp_path: Path) -> None:
    for name in ("qc.yaml", "qc.linux-64.pin.txt", "qc.osx-64.pin.txt", "map.yaml", "map.osx-64.pin.txt"):
        (tmp_path / name).write_text("")
    found = read(tmp_path, str(tmp_path))
    assert [(Path(entry.source).name, Path(entry.files[0]).name) for entry in found] == [
        ("map.yaml", "map.yaml"),
        ("qc.yaml", "qc.linux-64.pin.txt"),
    ]
    assert found[1].name == "qc"


def test_standard_input_is_a_manifest(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, "-", stdin=b'{"web": {"specs": ["nginx"]}}')
    assert (entry.name, entry.specs, entry.source) == ("web", ("nginx",), "standard input, line 1")
    with pytest.raises(InvalidManifest, match="standard input"):
        read(tmp_path, "-", stdin=b"")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        read(tmp_path, "missing.yml")
    with pytest.raises(UsageError, match="no file in it that ends in"):
        read(tmp_path, str(tmp_path))
