"""Files relative to a directory, with handles of directories and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.fetch.archive import handles
from tests.fetch.archive import test_extract


@pytest.fixture(params=["handles", "paths"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "paths":
        monkeypatch.setattr(handles, "HAS_HANDLES", False)
    elif not handles.HAS_HANDLES:
        pytest.skip("this system has no handles of directories")
    return str(request.param)


def test_all_that_is_done_below_a_directory(way: str, tmp_path: Path) -> None:
    root = handles.open_directory(str(tmp_path))
    handles.make_directory(root, "inner")
    inner = handles.open_directory("inner", parent=root)
    file = handles.open_file(inner, "a", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(file, b"one\ntwo")
    handles.finish(file, inner, "a", 1_000_000_000)
    assert (tmp_path / "inner/a").read_bytes() == b"one\ntwo"
    assert (tmp_path / "inner/a").stat().st_mtime == 1_000_000_000
    handles.hard_link(inner, "a", root, "b")
    handles.soft_link("inner/a", root, "c")
    handles.set_link_time(root, "c", 1_000_000_000)
    assert handles.look(root, "c").st_mtime == 1_000_000_000
    assert handles.look(root, "inner/a").st_nlink == 2
    with open(handles.open_file(root, "b"), "rb") as stream:
        assert stream.read() == b"one\ntwo"
    handles.remove(root, "b")
    assert sorted(os.listdir(tmp_path)) == ["c", "inner"]
    handles.close(inner)
    handles.close(root)


def test_a_link_in_the_place_of_a_directory_is_refused(way: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    root = handles.open_directory(str(tmp_path / "link" / ".."))
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        handles.open_directory("link", parent=root)
    handles.close(root)
    handles.close(handles.open_directory(str(tmp_path / "link")))


def test_archives_are_unpacked_alike_without_handles() -> None:
    """The extractor's own tests, once more by paths. (Where there are no handles there is no umask.)"""
    code = "import pytest, sys\nfrom engine.fetch.archive import handles\nhandles.HAS_HANDLES = False\n"
    words = ["-q", "-k", "not real and not umask", "-p", "no:cacheprovider", test_extract.__file__]
    code += f"sys.exit(pytest.main({words!r}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
