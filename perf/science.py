"""The channel of real packages: this machine's CPython, and popular projects from the Python index with all they need.

    python -m perf.science        makes it, and says where it is

Made once and kept in ``.cache/perf`` of the checkout: pip downloads the wheels, `perf.wheels` repacks them. Two
channels share the archives: ``mixed`` has a third of them in the older format, as conda-forge's past has; ``conda`` has
none. The package ``science`` needs all of it; its version 2 needs later builds of every fifth package than version 1.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf.wheels import Wheel, package_of
from tests.kit.channel import ChannelBuilder
from tests.kit.interpreter import Facts, interpreter_package, native_subdir
from tests.kit.package import BuiltPackage, make_package
from tests.kit.wheel import pip_package

PROJECTS = (
    "aiohttp", "black", "bokeh", "boto3", "cryptography", "dask", "distributed", "django", "fastapi", "flask", "h5py",
    "httpx", "ipywidgets", "jupyterlab", "lxml", "matplotlib", "networkx", "nltk", "notebook", "numpy",
    "pandas", "pillow", "plotly", "pyarrow", "pydantic", "pytest", "requests", "rich",
    "scikit-learn", "scipy", "seaborn", "sphinx", "sqlalchemy", "sympy", "tornado", "uvicorn", "xarray",
    "zarr",
)  # fmt: skip
SPECS = ("python", "science")
"""What the benchmarks ask for: all of it."""
CHECK = "import numpy, scipy.linalg, pandas, matplotlib, sklearn.cluster, pyarrow, jupyterlab, lxml.etree"
"""Must work in every environment that was made."""
_HOME = Path(__file__).resolve().parents[1] / ".cache" / "perf"
_LAYOUT = "2"
"""Raise it when the packages are made in another way, so that kept channels are made anew."""


@dataclass(frozen=True)
class Channels:
    """Where the kept channels are."""

    home: Path

    @property
    def mixed(self) -> Path:
        return self.home / "mixed"

    @property
    def conda(self) -> Path:
        return self.home / "conda"


def science_channels(python: str = sys.executable, home: Path = _HOME) -> Channels:
    """The channels, made now if they are not there. The first time takes minutes, and some 300 MB of downloads."""
    facts = Facts.of(python)
    place = home / f"science-{facts.version}-{_key()}"
    if not (place / "complete").exists():
        work = place.with_name(f"{place.name}.part")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _build(work, facts, _download(home / "wheels", facts))
        (work / "complete").touch()
        shutil.rmtree(place, ignore_errors=True)
        work.rename(place)
    return Channels(place)


def _key() -> str:
    return hashlib.sha256(" ".join((_LAYOUT, *PROJECTS)).encode()).hexdigest()[:8]


def _download(folder: Path, facts: Facts) -> list[Path]:
    """The wheels of all projects and their requirements, as pip chooses them."""
    words = ["download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    place = folder / f"{facts.short}-{_key()}"
    if not (place / "complete").exists():
        print(f"Download {len(PROJECTS)} projects and what they need", flush=True)
        subprocess.run([facts.executable, "-m", "pip", *words, "--dest", str(place), *PROJECTS], check=True)
        (place / "complete").touch()
    return sorted(place.glob("*.whl"))


def _build(place: Path, facts: Facts, wheels: Sequence[Path]) -> None:
    print(f"Repack {len(wheels)} wheels", flush=True)
    read = [Wheel.read(path) for path in wheels]
    known = {wheel.name for wheel in read}
    channels = {name: ChannelBuilder(place / name, subdirs=(native_subdir(),)) for name in ("mixed", "conda")}
    for package in (interpreter_package(facts.executable), pip_package(facts)):
        for channel in channels.values():
            _put(channel, package)
    for wheel in read:
        for number in (0, 1) if _is_updated(wheel.name) else (0,):
            package = package_of(wheel, facts, known, build_number=number)
            _put(channels["conda"], package)
            old = (
                package_of(wheel, facts, known, build_number=number, format=".tar.bz2") if _is_old(wheel.name) else None
            )
            _put(channels["mixed"], old or package)
        print(".", end="", flush=True)
    print(flush=True)
    for channel in channels.values():
        for version in ("1.0", "2.0"):
            _put(channel, make_package("science", version, noarch="generic", depends=[*_needs(read, version), "pip"]))
        channel.write()
    _share(place)


def _needs(wheels: Sequence[Wheel], version: str) -> Iterator[str]:
    number = 1 if version == "2.0" else 0
    for wheel in wheels:
        build = f" *_{number}" if _is_updated(wheel.name) else ""
        yield f"{wheel.name} {wheel.version}{build}"


def _put(channel: ChannelBuilder, package: BuiltPackage) -> None:
    """Write the archive at once, so that a gigabyte of them need not be in memory."""
    path = package.write(channel.path / package.subdir)
    channel.add_record(path.name, package.record)


def _chance(name: str, salt: str) -> int:
    return hashlib.sha256(f"{salt} {name}".encode()).digest()[0]


def _is_old(name: str) -> bool:
    """A third is in the older format."""
    return _chance(name, "format") < 256 // 3


def _is_updated(name: str) -> bool:
    """A fifth has a later build."""
    return _chance(name, "update") < 256 // 5


def _share(place: Path) -> None:
    """Archives that are in both channels are kept once."""
    for path in (place / "conda").glob("*/*.conda"):
        twin = place / "mixed" / path.parent.name / path.name
        if twin.exists():
            twin.unlink()
            os.link(path, twin)


if __name__ == "__main__":
    print(science_channels().home)
