"""`engine.environment.pypi`: what pip installed, apart from what conda packages brought."""

from __future__ import annotations

from pathlib import Path

from engine.environment.pypi import PypiRecord, read_pypi_records

SITE = "lib/python3.12/site-packages"


def distribution(prefix: Path, name: str, text: str | None, file: str = "METADATA") -> None:
    directory = prefix / SITE / name
    directory.mkdir(parents=True)
    if text is not None:
        (directory / file).write_text(text)


def test_only_what_no_package_owns(tmp_path: Path) -> None:
    distribution(
        tmp_path, "Wheel_One-1.0.dist-info", "Metadata-Version: 2.1\nName: Wheel.One\nVersion: 1.0\n\nName: x\n"
    )
    distribution(tmp_path, "egg-2.0.egg-info", "Name: egg\r\nVersion: 2.0\r\n", "PKG-INFO")
    distribution(tmp_path, "owned-3.0.dist-info", "Name: owned\nVersion: 3.0\n")
    found = read_pypi_records(str(tmp_path), SITE, [f"{SITE}/owned-3.0.dist-info/METADATA", "bin/x"])
    assert found == [PypiRecord("egg", "2.0"), PypiRecord("Wheel.One", "1.0")]


def test_broken_distributions_are_passed_over(tmp_path: Path) -> None:
    distribution(tmp_path, "empty-1.dist-info", None)
    distribution(tmp_path, "odd-1.dist-info", "Name: odd\n")
    assert read_pypi_records(str(tmp_path), SITE, []) == []


def test_no_site_packages(tmp_path: Path) -> None:
    assert read_pypi_records(str(tmp_path), SITE, []) == []
