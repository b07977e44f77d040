"""Reading a package's own lists, sound, old, broken and hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import LinkError
from engine.link.plan.paths_json import DEFAULT_PLACEHOLDER, check_paths, read_entry_points, read_paths
from engine.model.records import PathEntry


def package(tmp_path: Path, **infos: str) -> str:
    (tmp_path / "info").mkdir()
    for name, text in infos.items():
        (tmp_path / "info" / name.replace("_json", ".json")).write_text(text)
    return str(tmp_path)


def paths(*entries: dict[str, object]) -> str:
    return json.dumps({"paths": entries, "paths_version": 1})


def test_paths_json(tmp_path: Path) -> None:
    entry = {"_path": "bin/x", "path_type": "hardlink", "sha256": "a" * 64, "size_in_bytes": 3, "unknown": [1]}
    linked = {"_path": "bin/y", "path_type": "softlink", "file_mode": "binary", "prefix_placeholder": "/p"}
    found = read_paths(package(tmp_path, paths_json=paths(entry, linked)), "p-1-0")
    assert [path.path for path in found] == ["bin/x", "bin/y"]
    assert (found[0].size_in_bytes, found[1].file_mode) == (3, "binary")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "",
        "a/",
        "./a",
        "conda-meta/x.json",
        "CONDA-META/history",
        "a/..",
        "x\0",
    ],
)
def test_unsafe_paths_are_refused_by_name(tmp_path: Path, path: str) -> None:
    with pytest.raises(LinkError, match="p-1-0"):
        read_paths(package(tmp_path, paths_json=paths({"_path": path})), "p-1-0")


@pytest.mark.parametrize("path", ["a..b", "..a/b", "a/...", "systemd\\x2d.slice", "conda-metal/x", "a b/ü"])
def test_odd_paths_are_fine(tmp_path: Path, path: str) -> None:
    found = read_paths(package(tmp_path, paths_json=paths({"_path": path})), "p-1-0")
    assert found[0].path == path


@pytest.mark.parametrize("text", ["", "[]", "{", '{"paths": [{}]}', '{"paths": [{"_path": 1}]}', "[" * 100_000])
def test_broken_lists(tmp_path: Path, text: str) -> None:
    with pytest.raises(LinkError, match=r"paths\.json"):
        read_paths(package(tmp_path, paths_json=text), "p-1-0")


def test_no_list_at_all(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="neither"):
        read_paths(package(tmp_path), "p-1-0")


def test_legacy_lists(tmp_path: Path) -> None:
    directory = package(
        tmp_path,
        files="a\nb c\nd\nlink\nq\n\n",
        has_prefix=f'a\n/build/dir binary d\n"/build d" \'text\' "b c"\n{DEFAULT_PLACEHOLDER} text q\n',
        no_link="a\n",
    )
    for name in ("a", "b c", "d", "q"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("a")
    found = {path.path: path for path in read_paths(directory, "p-1-0")}
    assert (found["a"].prefix_placeholder, found["a"].file_mode, found["a"].no_link) == (
        DEFAULT_PLACEHOLDER,
        "text",
        True,
    )
    assert (found["b c"].prefix_placeholder, found["b c"].file_mode) == ("/build d", "text")
    assert (found["d"].prefix_placeholder, found["d"].file_mode) == ("/build/dir", "binary")
    assert found["q"].prefix_placeholder == DEFAULT_PLACEHOLDER
    assert found["link"].path_type == "softlink"


def test_entry_points(tmp_path: Path) -> None:
    text = json.dumps({"noarch": {"type": "python", "entry_points": ["a = b:c"]}, "package_metadata_version": 1})
    directory = package(tmp_path, link_json=text)
    assert read_entry_points(directory, "p-1-0") == ("a = b:c",)


@pytest.mark.parametrize(
    "text", ["{}", '{"noarch": null}', '{"noarch": {"type": "generic"}}', '{"noarch": {"entry_points": null}}']
)
def test_no_entry_points(tmp_path: Path, text: str) -> None:
    assert read_entry_points(package(tmp_path, link_json=text), "p-1-0") == ()


def test_entry_points_without_file_or_sense(tmp_path: Path) -> None:
    directory = package(tmp_path)
    assert read_entry_points(directory, "p-1-0") == ()
    (tmp_path / "info" / "link.json").write_text('{"noarch": 3}')
    with pytest.raises(LinkError, match=r"link\.json"):
        read_entry_points(directory, "p-1-0")


_PARTS = st.sampled_from(
    ["a", "b.py", ".", "..", "...", ".hidden", "", "conda-meta", "Conda-Meta", "conda-meta2", "n\n", "\0"]
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(_PARTS, min_size=1, max_size=3).map("/".join), max_size=4))
def test_many_paths_are_judged_as_each_alone(found: list[str]) -> None:
    """The one look at all of them misses nothing and refuses nothing more."""

    def is_refused(*paths: str) -> bool:
        try:
            check_paths(tuple(PathEntry(path=path) for path in paths), "p-1-0")
        except LinkError:
            return True
        return False

    def is_bad(path: str) -> bool:
        parts = path.removesuffix("\n").split("/")
        return "\0" in path or any(part in ("", ".", "..") for part in parts) or parts[0].lower() == "conda-meta"

    assert is_refused(*found) == any(map(is_bad, found))
