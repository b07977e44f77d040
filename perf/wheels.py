"""A wheel of the real world becomes a conda package, laid out as conda-build lays such projects out.

A pure wheel becomes ``noarch: python``: files below ``site-packages/``, console scripts as entry points. Any other
becomes a package of this machine's platform for one Python: files at their final place, byte-compiled, with console
scripts that name the placeholder. The ``.data`` folders of a wheel (PEP 427) go where an installer would put them.
"""

from __future__ import annotations

import configparser
import importlib._bootstrap_external as pyc_format
import importlib.util
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.kit.archive import BUILT_AT
from tests.kit.interpreter import Facts, native_subdir
from tests.kit.package import PLACEHOLDER, BuiltPackage, Content, File, make_package

_SCRIPT = """#!{python}
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({call}())
"""
_DATA = re.compile(r"[^/]+\.data/(purelib|platlib|data|scripts|headers)/(.+)")


@dataclass(frozen=True)
class Wheel:
    """A wheel file, read."""

    name: str
    """Canonical (PEP 503), which is a conda name too."""
    version: str
    pure: bool
    files: dict[str, bytes]
    """By path in the archive."""
    requires: tuple[str, ...]
    scripts: dict[str, str]
    """Console scripts: command → ``module:function``."""

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """Read all of it."""
        with zipfile.ZipFile(path) as opened:
            files = {entry.filename: opened.read(entry) for entry in opened.infolist() if not entry.is_dir()}
        info = next(name for name in files if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)).rpartition("/")[0]
        facts = HeaderParser().parsestr(files[f"{info}/METADATA"].decode())
        pure = HeaderParser().parsestr(files[f"{info}/WHEEL"].decode())["Root-Is-Purelib"] == "true"
        return cls(
            canonicalize_name(facts["Name"]),
            facts["Version"],
            pure and path.name.endswith("-none-any.whl"),
            {name: data for name, data in files.items() if name != f"{info}/RECORD"},
            tuple(facts.get_all("Requires-Dist") or ()),
            _console_scripts(files.get(f"{info}/entry_points.txt", b"").decode()),
        )


def package_of(
    wheel: Wheel, facts: Facts, known: Collection[str], *, build_number: int = 0, format: str = ".conda"
) -> BuiltPackage:
    """The package; it depends on those of its requirements that are among ``known`` names."""
    short = facts.short.replace(".", "")
    python = "python >=3.8" if wheel.pure else f"python {facts.short}.*"
    return make_package(
        wheel.name,
        wheel.version,
        f"pyh_{build_number}" if wheel.pure else f"py{short}h_{build_number}",
        build_number=build_number,
        noarch="python" if wheel.pure else None,
        depends=[python, *_depends(wheel, facts, known)],
        entry_points=[f"{name} = {target}" for name, target in wheel.scripts.items()] if wheel.pure else (),
        files=dict(sorted(_pure(wheel) if wheel.pure else _compiled(wheel, facts))),
        subdir="noarch" if wheel.pure else native_subdir(),
        format=format,
    )


def _depends(wheel: Wheel, facts: Facts, known: Collection[str]) -> Iterator[str]:
    environment = {"extra": "", "python_version": facts.short, "python_full_version": facts.version}
    for text in wheel.requires:
        need = Requirement(text)
        name = canonicalize_name(need.name)
        if name in known and name != wheel.name and (need.marker is None or need.marker.evaluate(environment)):
            versions = ",".join(
                sorted(f"{spec.operator.replace('===', '==')}{spec.version}" for spec in need.specifier)
            )
            yield f"{name} {versions}".rstrip()


def _pure(wheel: Wheel) -> Iterator[tuple[str, Content]]:
    for path, data in wheel.files.items():
        place = _place(path, site="site-packages", scripts="python-scripts", include=f"include/{wheel.name}")
        yield place, _script(data, PLACEHOLDER) if place.startswith("python-scripts/") else File(data)


def _compiled(wheel: Wheel, facts: Facts) -> Iterator[tuple[str, Content]]:
    include = f"include/python{facts.short}{facts.abi}/{wheel.name}"
    for path, data in wheel.files.items():
        place = _place(path, site=facts.site_packages, scripts="bin", include=include)
        if place.startswith("bin/"):
            yield place, _script(data, PLACEHOLDER)
            continue
        yield place, File(data, mode=0o755 if data[:4] == b"\x7fELF" else 0o644)
        if place.endswith(".py") and (code := _byte_code(data, place)) is not None:
            yield importlib.util.cache_from_source(place), File(code)
    for name, target in wheel.scripts.items():
        module, _, function = target.partition(":")
        python = f"{PLACEHOLDER}/bin/python{facts.short}"
        text = _SCRIPT.format(python=python, module=module, name=function.partition(".")[0], call=function)
        yield f"bin/{name}", File(text, mode=0o755)


def _place(path: str, *, site: str, scripts: str, include: str) -> str:
    found = _DATA.fullmatch(path)
    if not found:
        return f"{site}/{path}"
    scheme, rest = found.groups()
    base = {"scripts": scripts, "headers": include, "data": ""}.get(scheme, site)
    return f"{base}/{rest}" if base else rest


def _script(data: bytes, prefix: str) -> File:
    """A script of a wheel: ``#!python`` stands for the environment's interpreter (PEP 427)."""
    return File(re.sub(rb"^#!pythonw?", f"#!{prefix}/bin/python".encode(), data, count=1), mode=0o755)


def _byte_code(source: bytes, path: str) -> bytes | None:
    """What conda-build ships beside a module; None for files that don't compile (templates, other Pythons)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    writer: Any = pyc_format
    return bytes(writer._code_to_timestamp_pyc(code, BUILT_AT, len(source)))


def _console_scripts(text: str) -> dict[str, str]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    found = dict(parser.items("console_scripts")) if parser.has_section("console_scripts") else {}
    return {name: target.partition("[")[0].strip() for name, target in found.items() if ":" in target}
