"""``package`` and ``constructor`` as whole commands."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import pytest

from engine.errors import ExitCode
from tests.commands.conftest import RunCommand
from tests.kit.archive import Member, tar_bz2
from tests.kit.package import BuiltPackage, make_package
from tests.kit.tree import tree


@pytest.fixture
def package(tmp_path: Path) -> Path:
    made = make_package("demo", "1.0", files={"share/x": "x" * 1000}, format=".tar.bz2")
    path = tmp_path / made.fn
    path.write_bytes(made.data)
    return path


def test_extract_compress_transmute(run_command: RunCommand, package: Path, tmp_path: Path) -> None:
    done = run_command("package", "extract", package, tmp_path / "one")
    assert (done.code, done.out) == (0, f"Extracting {package} to {tmp_path / 'one'}\n")
    assert run_command("package", "extract", package).code == 0
    assert tree(tmp_path / "demo-1.0-h_0") == tree(tmp_path / "one")
    words = ("-c", "22", "--compression-threads", "2")
    assert run_command("package", "compress", tmp_path / "one", tmp_path / "demo.conda", *words).code == 0
    answer = run_command("package", "transmute", package, "--json").json
    assert (answer["path"], answer["success"]) == (str(tmp_path / "demo-1.0-h_0.conda"), True)
    assert run_command("package", "extract", answer["path"], tmp_path / "two", "-q").out == ""
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compress", ".", "x.zip"], "is no package"),
        (["compress", ".", "x.conda", "-c", "23"], "expected 1 to 22 for .conda"),
        (["compress", ".", "x.tar.bz2", "-c", "10"], "expected 1 to 9 for .tar.bz2"),
        (["compress", ".", "x.conda", "--compression-threads", "-1"], "expected at least 0"),
    ],
)
def test_mistakes(run_command: RunCommand, words: list[str], message: str) -> None:
    done = run_command("package", *words)
    assert (done.code, message in done.err) == (ExitCode.USAGE, True)


def _installer(root: Path, made: BuiltPackage, digest: str) -> None:
    (root / "pkgs/cache").mkdir(parents=True)
    (root / "pkgs" / made.fn).write_bytes(made.data)
    (root / "pkgs/urls").write_text(f"https://host/channel/linux-64/{made.fn}#{digest}\n")


def test_an_installer_s_packages(run_command: RunCommand, tmp_path: Path) -> None:
    made = make_package("demo", "1.0", depends=("base",), files={"share/x": "x"})
    root = tmp_path / "new"
    _installer(root, made, hashlib.md5(made.data).hexdigest())
    done = run_command("constructor", "--prefix", root, "--extract-conda-pkgs")
    assert (done.code, done.out) == (0, f"Extracting {made.fn}\n")
    record = json.loads((root / "pkgs/demo-1.0-h_0/info/repodata_record.json").read_text())
    assert {key: record[key] for key in ("fn", "url", "channel", "depends", "size")} == {
        "fn": made.fn,
        "url": f"https://host/channel/linux-64/{made.fn}",
        "channel": "https://host/channel",
        "depends": ["base"],
        "size": len(made.data),
    }


def test_the_channel_s_words_are_kept(run_command: RunCommand, tmp_path: Path) -> None:
    made = make_package("demo", "1.0", depends=("base",), files={"share/x": "x"})
    root = tmp_path / "new"
    _installer(root, made, hashlib.sha256(made.data).hexdigest())
    index = {"packages": {}, "packages.conda": {made.fn: {**made.index, "depends": ["base <2"], "license": "patched"}}}
    name = hashlib.md5(b"https://host/channel/linux-64/").hexdigest()[:8]
    (root / f"pkgs/cache/{name}.json").write_text(json.dumps(index))
    assert run_command("constructor", "--prefix", root, "--extract-conda-pkgs").code == 0
    record = json.loads((root / "pkgs/demo-1.0-h_0/info/repodata_record.json").read_text())
    assert (record["depends"], record["license"], record["constrains"]) == (["base <2"], "patched", [])


def test_a_damaged_package_stops_the_installer(run_command: RunCommand, tmp_path: Path) -> None:
    made = make_package("demo", "1.0", files={"share/x": "x"})
    _installer(tmp_path / "new", made, "0" * 32)
    assert run_command("constructor", "--prefix", tmp_path / "new", "--extract-conda-pkgs").code == 1
    assert not (tmp_path / "new/pkgs/demo-1.0-h_0").exists()


def test_an_installer_s_tarball(run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(tar_bz2([Member("conda-meta/history", b"h")])))
    monkeypatch.setattr(sys, "stdin", stream)
    assert run_command("constructor", "--prefix", tmp_path / "new", "--extract-tarball").code == 0
    assert (tmp_path / "new/conda-meta/history").read_bytes() == b"h"
    assert run_command("constructor", "--extract-tarball").code == ExitCode.USAGE
