"""Repacks a wheel as a ``noarch: python`` package: what conda-build makes of a pure Python project."""

from __future__ import annotations

import configparser
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.kit.interpreter import Facts
from tests.kit.package import BuiltPackage, Content, File, make_package


def wheel_package(wheel: Path, *, depends: Sequence[str] = ("python",), format: str = ".conda") -> BuiltPackage:
    """The package made of a pure wheel; its console scripts become entry points of info/link.json."""
    name, version = wheel.name.split("-")[:2]
    files: dict[str, Content] = {}
    with zipfile.ZipFile(wheel) as opened:
        for entry in opened.infolist():
            if not entry.is_dir() and not entry.filename.endswith("/RECORD"):
                files[f"site-packages/{entry.filename}"] = File(opened.read(entry))
    info = f"site-packages/{name}-{version}.dist-info"
    files[f"{info}/INSTALLER"] = File("conda\n")
    listed = [path.removeprefix("site-packages/") for path in (*sorted(files), f"{info}/RECORD")]
    files[f"{info}/RECORD"] = File("".join(f"{path},,\n" for path in listed))
    return make_package(
        name.lower().replace("_", "-"),
        version,
        "pyh_0",
        noarch="python",
        depends=depends,
        entry_points=_console_scripts(files.get(f"{info}/entry_points.txt")),
        files=dict(sorted(files.items())),
        format=format,
    )


def pip_package(facts: Facts, *, format: str = ".conda") -> BuiltPackage:
    """The package ``pip``, made of the wheel that ensurepip of this interpreter holds. Raises FileNotFoundError."""
    for folder in filter(None, facts.wheels):
        for wheel in sorted(Path(folder).glob("pip-*.whl"), reverse=True):
            return wheel_package(wheel, depends=("python >=3.8",), format=format)
    raise FileNotFoundError(f"this Python has no pip wheel for ensurepip in any of {', '.join(facts.wheels)}")


def _console_scripts(content: Content | None) -> list[str]:
    if not isinstance(content, File):
        return []
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(content.content.decode())
    if not parser.has_section("console_scripts"):
        return []
    return [f"{name} = {target}" for name, target in parser.items("console_scripts")]
