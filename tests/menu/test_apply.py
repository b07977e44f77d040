"""Menu entries made and removed with the packages that bring them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.link.prefix.records import read_records
from engine.link.request import LinkOptions, LinkRequest
from engine.link.transaction.remove import remove_prefix
from engine.menu.apply import menu_files
from tests.kit.package import BuiltPackage, make_package
from tests.link.support import NOW, Recorder, cached, change, create
from tests.menu.places import document, item

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="the entries of Linux")]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture
def options(tmp_path: Path, home: Path) -> dict[str, Any]:
    """Menu entries for this user alone."""
    root = tmp_path / "root"
    root.mkdir()
    (root / ".nonadmin").touch()
    return {"shortcuts": True, "root_prefix": str(root), "program": "/opt/whipsnake", "environ": dict(os.environ)}


def tool(version: str = "1.0", *items: dict[str, Any]) -> BuiltPackage:
    files = {"Menu/tool.json": json.dumps(document(*(items or (item(),)))), "Menu/tool.png": "icon"}
    return make_package("tool", version, files=files)


def entries(home: Path) -> list[str]:
    return sorted(
        str(path.relative_to(home)) for path in home.rglob("*") if path.is_file() and "mimeinfo" not in path.name
    )


def desktop_files(home: Path) -> list[str]:
    return [path for path in entries(home) if path.endswith(".desktop")]


async def without_tool(prefix: Path, options: dict[str, Any]) -> None:
    await change(prefix, remove=[record for record in read_records(str(prefix)) if record.name == "tool"], **options)


async def test_they_come_change_and_go(tmp_path: Path, home: Path, options: dict[str, Any]) -> None:
    prefix, cache = tmp_path / "root/envs/a", tmp_path / "pkgs"
    await create(prefix, [cached(tool(), cache)], **options)
    assert desktop_files(home) == [".local/share/applications/tools-of-a_a-tool.desktop"]
    assert str(prefix) in (home / desktop_files(home)[0]).read_text()
    await change(prefix, [cached(tool("2.0", item(name="New"), item(name="Newer")), cache)], **options)
    assert [os.path.basename(path) for path in desktop_files(home)] == [
        "tools-of-a_new.desktop",
        "tools-of-a_newer.desktop",
    ]
    await without_tool(prefix, options)
    assert entries(home) == []


async def test_they_go_with_the_environment(tmp_path: Path, home: Path, options: dict[str, Any]) -> None:
    prefix = tmp_path / "root/envs/a"
    await create(prefix, [cached(tool(), tmp_path / "pkgs")], **options)
    request = LinkRequest(prefix=str(prefix), platform="linux-64", now=NOW, options=LinkOptions(**options))
    await remove_prefix(request, Recorder())
    assert entries(home) == [] and not prefix.exists()


async def test_an_entry_of_another_environment_is_left_alone(
    tmp_path: Path, home: Path, options: dict[str, Any]
) -> None:
    cache, package = tmp_path / "pkgs", tool("1.0", item(name="Same"))
    files = {"Menu/tool.json": json.dumps(document(item(name="Same"), menu_name="Shared"))}
    package = make_package("tool", files=files)
    await create(tmp_path / "root/envs/a", [cached(package, cache)], **options)
    await create(tmp_path / "root/envs/b", [cached(package, cache)], **options)
    await without_tool(tmp_path / "root/envs/a", options)
    assert desktop_files(home) == [".local/share/applications/shared_same.desktop"]
    assert len(entries(home)) == 3, "the files of the menu are each environment's own"
    await without_tool(tmp_path / "root/envs/b", options)
    assert entries(home) == []


@pytest.mark.parametrize(
    "options_change", [{"shortcuts": False}, {"platform": "win-64"}, {"baked_prefix": "/elsewhere"}]
)
async def test_where_there_are_none(
    tmp_path: Path, home: Path, options: dict[str, Any], options_change: dict[str, Any]
) -> None:
    recorder = Recorder()
    await create(
        tmp_path / "env", [cached(tool(), tmp_path / "pkgs")], report=recorder, **{**options, **options_change}
    )
    assert entries(home) == [] and recorder.notices() == []


async def test_what_goes_wrong_is_a_warning(tmp_path: Path, home: Path, options: dict[str, Any]) -> None:
    recorder, cache = Recorder(), tmp_path / "pkgs"
    (home / ".local").write_text("in the way")
    broken = make_package("broken", files={"Menu/broken.json": '{"$id": 1}'})
    failing = make_package("failing", files={"Menu/failing.json": json.dumps(document(item(precreate="exit 3")))})
    packages = [cached(package, cache) for package in (tool(), broken, failing)]
    await create(tmp_path / "env", packages, report=recorder, **options)
    said = recorder.notices()
    assert len(said) == 3 and all(any(name in text for text in said) for name in ("broken", "failing", "tool"))
    assert (tmp_path / "env/conda-meta/history").exists()


async def test_code_of_packages_runs_only_where_link_scripts_do(
    tmp_path: Path, home: Path, options: dict[str, Any]
) -> None:
    package = cached(tool("1.0", item(precreate='touch "$HOME/ran"')), tmp_path / "pkgs")
    await create(tmp_path / "a", [package], run_link_scripts=False, **options)
    assert not (home / "ran").exists()
    await create(tmp_path / "b", [package], **options)
    assert (home / "ran").exists()


def test_which_files_ask_for_entries() -> None:
    files = ["Menu/a.json", "Menu/a.png", "menu/B.JSON", "share/Menu/a.json", "Menu/x/a.json"]
    assert menu_files(files) == ["Menu/a.json", "menu/B.JSON"]
