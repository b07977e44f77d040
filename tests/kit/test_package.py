"""Packages are what CEP 34 and CEP 35 say, and the same each time."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.kit.archive import FORMATS
from tests.kit.package import LEGACY_PLACEHOLDER, PLACEHOLDER, Content, Directory, File, Symlink, make_package
from tests.kit.reference import install, paths_of, replaced, unpack
from tests.kit.shared import info_file
from tests.kit.tree import Entry, describe, holds, tree

_FILES: dict[str, Content] = {
    "bin/tool": File("#!/bin/sh\n", mode=0o755),
    "etc/tool.conf": f"home={PLACEHOLDER}\n",
    "lib/tool.so": b"\x7fELF\0" + PLACEHOLDER.encode() + b"/lib\0rest",
    "lib/tool.so.1": Symlink("tool.so"),
    "lib/dangling": Symlink("nowhere"),
    "var/empty": Directory(),
    "share/copied": File("text", no_link=True),
}


@pytest.mark.parametrize("format", FORMATS)
def test_files_and_info_say_the_same(tmp_path: Path, format: str) -> None:
    package = make_package("tool", "1.2", "h_3", build_number=3, depends=["x >=1"], files=_FILES, format=format)
    assert package.fn == f"tool-1.2-h_3{format}"
    unpack(package.data, tmp_path)
    entries = {entry["_path"]: entry for entry in json.loads((tmp_path / "info/paths.json").read_text())["paths"]}
    assert entries.keys() == _FILES.keys()
    for path, entry in entries.items():
        found = describe(tmp_path / path)
        kind = {"hardlink": "file", "softlink": "link", "directory": "dir"}[entry["path_type"]]
        assert found.kind == kind
        if kind == "file":
            assert found.content == entry["sha256"]
    assert describe(tmp_path / "bin/tool").mode == 0o755
    assert (tmp_path / "info/files").read_text().splitlines() == [p for p in _FILES if p != "var/empty"]
    assert (tmp_path / "info/no_link").read_text() == "share/copied\n"


def test_placeholders_are_found_out() -> None:
    paths = {entry["_path"]: entry for entry in make_package("tool", files=_FILES).paths}
    assert len(PLACEHOLDER) == 255
    assert (paths["etc/tool.conf"]["file_mode"], paths["lib/tool.so"]["file_mode"]) == ("text", "binary")
    assert "file_mode" not in paths["bin/tool"]
    legacy = make_package("old", files={"a": LEGACY_PLACEHOLDER}, placeholder=LEGACY_PLACEHOLDER)
    assert legacy.paths[0]["prefix_placeholder"] == LEGACY_PLACEHOLDER


def test_a_symlink_has_the_digest_of_what_it_leads_to() -> None:
    paths = {entry["_path"]: entry for entry in make_package("tool", files=_FILES).paths}
    assert paths["lib/tool.so.1"]["sha256"] == paths["lib/tool.so"]["sha256"]
    assert paths["lib/dangling"]["sha256"] == hashlib.sha256(b"").hexdigest()


def test_noarch_python_has_entry_points() -> None:
    package = make_package("t", noarch="python", entry_points=["t = t:main"], files={"site-packages/t.py": ""})
    link = json.loads(info_file(package.data, "info/link.json"))
    assert link == {"noarch": {"type": "python", "entry_points": ["t = t:main"]}, "package_metadata_version": 1}
    assert (package.subdir, package.index["noarch"], "arch" in package.index) == ("noarch", "python", False)


def test_conda_members_are_stored_in_order() -> None:
    package = make_package("tool", files=_FILES)
    with zipfile.ZipFile(io.BytesIO(package.data)) as opened:
        assert opened.namelist() == ["metadata.json", "pkg-tool-1.0-h_0.tar.zst", "info-tool-1.0-h_0.tar.zst"]
        assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}


def test_link_scripts_and_left_out_files() -> None:
    scripts = {"post-link": "echo"}
    package = make_package("t", link_scripts=scripts, info={"paths.json": None, "extra": b"x"}, format=".tar.bz2")
    with tarfile.open(fileobj=io.BytesIO(package.data)) as opened:
        names = opened.getnames()
    assert "bin/.t-post-link.sh" in names
    assert ("info/paths.json" in names, "info/extra" in names) == (False, True)
    assert make_package("t", link_scripts=scripts, subdir="win-64").paths[0]["_path"] == "Scripts/.t-post-link.bat"


@pytest.mark.parametrize("format", FORMATS)
def test_is_the_same_each_time(format: str) -> None:
    one, other = (make_package("tool", files=_FILES, format=format) for _ in range(2))
    assert one.data == other.data
    assert one.record["sha256"] == hashlib.sha256(one.data).hexdigest()
    assert paths_of(one.data) == one.paths


def test_the_reference_installer_replaces(tmp_path: Path) -> None:
    install(make_package("tool", files=_FILES), tmp_path / "env", tmp_path / "cache")
    assert holds(tmp_path, PLACEHOLDER.encode()) == [
        "cache/tool-1.0-h_0/etc/tool.conf",
        "cache/tool-1.0-h_0/info/has_prefix",
        "cache/tool-1.0-h_0/info/paths.json",
        "cache/tool-1.0-h_0/lib/tool.so",
    ]
    assert (tmp_path / "env/etc/tool.conf").read_text() == f"home={tmp_path}/env\n"
    assert len((tmp_path / "env/lib/tool.so").read_bytes()) == len(_FILES["lib/tool.so"])  # type: ignore[arg-type]
    assert tree(tmp_path / "env")["lib/dangling"] == Entry("link", 0, "nowhere")


def test_binary_replacement_pads_each_string() -> None:
    data = b"a\0/old/x:/old/y\0b"
    assert replaced(data, "/old", "/n", "binary") == b"a\0/n/x:/n/y\0\0\0\0\0b"
    assert replaced(data, "/old", "/longer", "text") == b"a\0/longer/x:/longer/y\0b"
