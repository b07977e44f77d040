"""Console scripts: those for Windows, and who may write them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from engine.errors import LinkError
from engine.link.files import launcher
from engine.link.files.launcher import windows_launcher
from tests.kit.package import make_package
from tests.link.support import cached, create


@pytest.mark.anyio
async def test_a_script_and_its_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cli.exe").write_bytes(b"MZ launcher")
    monkeypatch.setattr(launcher, "_launcher_path", lambda platform: str(tmp_path / "cli.exe"))
    python = make_package("python", "3.12.1", subdir="win-64")
    tool = make_package("tool", noarch="python", entry_points=["tool = tool:main"], files={"site-packages/tool.py": ""})
    packages = [cached(package, tmp_path / "pkgs") for package in (python, tool)]
    await create(tmp_path / "env", packages, platform="win-64", compile_pyc=False)
    assert (tmp_path / "env/Scripts/tool.exe").read_bytes() == b"MZ launcher"
    lines = (tmp_path / "env/Scripts/tool-script.py").read_text().splitlines()
    assert lines[0] == "#!python.exe" and "from tool import main" in lines
    assert (tmp_path / "env/Lib/site-packages/tool.py").exists()
    record = next((tmp_path / "env/conda-meta").glob("tool-*.json")).read_text()
    assert "windows_python_entry_point_script" in record and "windows_python_entry_point_exe" in record


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform == "win32", reason="no permissions there")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o755), (0o002, 0o775), (0o077, 0o755)])
async def test_others_may_write_a_script_only_if_the_umask_says_so(umask: int, mode: int, tmp_path: Path) -> None:
    tool = make_package("tool", noarch="python", entry_points=["tool = tool:main"], files={"site-packages/tool.py": ""})
    packages = [cached(package, tmp_path / "pkgs") for package in (make_package("python", "3.12.1"), tool)]
    before = os.umask(umask)
    try:
        await create(tmp_path / "env", packages, compile_pyc=False)
    finally:
        os.umask(before)
    assert (tmp_path / "env/bin/tool").stat().st_mode & 0o777 == mode


def test_no_launcher_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "find_spec", lambda name: None)
    with pytest.raises(LinkError, match="setuptools") as caught:
        windows_launcher("win-64", "tool-1.0-0")
    assert caught.value.hint


def test_that_of_setuptools_is_found() -> None:
    pytest.importorskip("setuptools")
    assert windows_launcher("win-64", "tool-1.0-0").startswith(b"MZ")
    with pytest.raises(LinkError):
        windows_launcher("linux-64", "tool-1.0-0")
