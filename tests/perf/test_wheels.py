"""Wheels become packages that a conda tool installs as pip would install the wheel."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("packaging", reason="the benchmarks' requirements are not installed")

from perf.wheels import Wheel, package_of
from tests.kit.interpreter import Facts, native_subdir
from tests.kit.package import PLACEHOLDER

_METADATA = (
    "Name: Some.Thing\nVersion: 1.2\nRequires-Dist: numpy>=1.0,<3\nRequires-Dist: other; extra == 'x'\n"
    "Requires-Dist: unknown\n"
)


def _wheel(folder: Path, *, pure: bool) -> Wheel:
    path = folder / f"some_thing-1.2-{'py3-none-any' if pure else 'cp311-cp311-linux_x86_64'}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {
            "some_thing/__init__.py": "x = 1\n",
            "some_thing/broken.py": "x = (\n",
            "some_thing-1.2.data/scripts/tool": "#!python\nprint(1)\n",
            "some_thing-1.2.data/data/share/thing.txt": "data",
            "some_thing-1.2.dist-info/METADATA": _METADATA,
            "some_thing-1.2.dist-info/WHEEL": f"Root-Is-Purelib: {str(pure).lower()}\n",
            "some_thing-1.2.dist-info/RECORD": "",
            "some_thing-1.2.dist-info/entry_points.txt": "[console_scripts]\nthing = some_thing:main\n",
        }.items():
            archive.writestr(name, text)
    return Wheel.read(path)


def _paths(wheel: Wheel) -> tuple[dict[str, dict[str, object]], dict[str, object]]:
    package = package_of(wheel, Facts.of(sys.executable), {"numpy", "other"})
    return {entry["_path"]: entry for entry in package.paths}, package.index


def test_a_pure_wheel_becomes_a_noarch_package(tmp_path: Path) -> None:
    paths, index = _paths(_wheel(tmp_path, pure=True))
    assert index["name"] == "some-thing" and index["noarch"] == "python"
    assert index["depends"] == ["python >=3.8", "numpy <3,>=1.0"]
    assert {"site-packages/some_thing/__init__.py", "python-scripts/tool", "share/thing.txt"} <= set(paths)
    assert paths["python-scripts/tool"]["prefix_placeholder"] == PLACEHOLDER
    assert not [path for path in paths if path.endswith((".pyc", "/RECORD"))]


def test_any_other_wheel_becomes_a_compiled_package(tmp_path: Path) -> None:
    facts = Facts.of(sys.executable)
    paths, index = _paths(_wheel(tmp_path, pure=False))
    assert index["subdir"] == native_subdir() and "noarch" not in index
    assert f"python {facts.short}.*" in index["depends"]  # type: ignore[operator]
    tag = sys.implementation.cache_tag
    assert f"{facts.site_packages}/some_thing/__pycache__/__init__.{tag}.pyc" in paths
    assert f"{facts.site_packages}/some_thing/__pycache__/broken.{tag}.pyc" not in paths
    assert paths["bin/thing"]["file_mode"] == "text" and {"bin/tool", "share/thing.txt"} <= set(paths)
