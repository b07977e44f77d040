"""The packed interpreter starts from another place, with everything it came with; so does the compiled package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.compiled import whereami_package
from tests.kit.interpreter import Facts, interpreter_package
from tests.kit.package import PLACEHOLDER
from tests.kit.reference import install, paths_of
from tests.kit.relocate import NoCompiler, compiler
from tests.kit.shared import info_file
from tests.kit.tree import holds
from tests.kit.wheel import pip_package

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="packs POSIX interpreters only")

_REPORT = """
import importlib, json, pathlib, sys, sysconfig
folder = next(path for path in map(pathlib.Path, sys.path) if path.name == "lib-dynload")
names = sorted({path.name.partition(".")[0] for path in folder.glob("*.so")})
modules = {name: importlib.import_module(name).__file__ for name in names if name != "_tkinter"}
print(json.dumps({
    "prefix": sys.prefix, "base": sys.base_prefix, "modules": modules, "os": importlib.import_module("os").__file__,
    "include": sysconfig.get_path("include"), "version": sys.version.split()[0].rstrip("+"),
}))
"""


def _run(*command: str | Path) -> str:
    env = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix with the packed interpreter and pip."""
    base = tmp_path_factory.mktemp("interpreter")
    install(interpreter_package(), base / "env", base / "cache")
    install(pip_package(Facts.of(sys.executable)), base / "env", base / "cache")
    return base / "env"


def test_starts_and_imports_all_its_compiled_modules(prefix: Path) -> None:
    report = json.loads(_run(prefix / "bin/python", "-I", "-c", _REPORT))
    facts = Facts.of(sys.executable)
    assert (report["prefix"], report["base"], report["version"]) == (str(prefix), str(prefix), facts.version)
    assert report["os"].startswith(f"{prefix}/lib")
    assert len(report["modules"]) > 5
    assert all(file is None or file.startswith(str(prefix)) for file in report["modules"].values())
    if facts.prefix != "/usr":
        assert report["include"].startswith(str(prefix))


def test_scripts_find_it_by_its_minor_version(prefix: Path) -> None:
    """Those of entry points do, of a free-threaded build as well."""
    assert _run(prefix / f"bin/python{Facts.of(sys.executable).short}", "-c", "print(1)") == "1\n"


def test_no_placeholder_is_left_by_a_sound_installer(prefix: Path) -> None:
    assert holds(prefix, PLACEHOLDER.encode()) == []


def test_the_placeholder_is_in_text_and_in_the_executable_of_a_shared_build() -> None:
    entries = {e["_path"]: e["file_mode"] for e in interpreter_package().paths if "prefix_placeholder" in e}
    assert "text" in entries.values()
    facts = Facts.of(sys.executable)
    if sys.platform == "linux" and facts.shared and facts.prefix != "/usr" and _has_compiler():
        assert entries[f"bin/python{facts.short}{facts.abi}"] == "binary"


def test_no_baggage() -> None:
    paths = [entry["_path"] for entry in interpreter_package().paths]
    assert [path for path in paths if "__pycache__" in path or "/site-packages/" in path or "/test/" in path] == []
    assert paths == sorted(paths) or {"bin/python", "bin/python3"} < set(paths)
    assert paths_of(interpreter_package().data) == interpreter_package().paths


def test_pip_is_the_real_one(prefix: Path) -> None:
    facts = Facts.of(sys.executable)
    package = pip_package(facts)
    assert any(line.startswith("pip = ") for line in json.loads(_link_json(package.data))["noarch"]["entry_points"])
    if facts.site_packages.endswith("site-packages"):
        assert _run(prefix / "bin/python", "-m", "pip", "--version").startswith(f"pip {package.index['version']} ")


def test_the_compiled_program_knows_its_prefix(tmp_path: Path) -> None:
    if not _has_compiler():
        pytest.skip("no C compiler")
    package = whereami_package()
    modes = {entry["_path"]: entry.get("file_mode") for entry in package.paths}
    assert modes["bin/whereami"] == "binary"
    assert modes["lib/pkgconfig/whereami.pc"] == "text"
    install(package, tmp_path / "env", tmp_path / "cache")
    env = tmp_path / "env"
    assert _run(env / "bin/whereami").splitlines() == [str(env), f"{env}/etc/whereami.conf", f"{env}/lib:{env}/share"]
    assert package.data == whereami_package().data


def _has_compiler() -> bool:
    try:
        return bool(compiler())
    except NoCompiler:
        return False


def _link_json(data: bytes) -> bytes:
    return info_file(data, "info/link.json")
