"""Where files of Python packages go (CEP 17, CEP 20)."""

from __future__ import annotations

import pytest

from engine.errors import LinkError
from engine.link.plan.noarch import noarch_target, python_info
from engine.model.records import PackageRecord


def python(version: str = "3.12.1", **fields: str) -> PackageRecord:
    return PackageRecord(name="python", version=version, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "site", "executable", "scripts"),
    [
        ("linux-64", "lib/python3.12/site-packages", "bin/python3.12", "bin"),
        ("osx-arm64", "lib/python3.12/site-packages", "bin/python3.12", "bin"),
        ("win-64", "Lib/site-packages", "python.exe", "Scripts"),
    ],
)
def test_defaults(platform: str, site: str, executable: str, scripts: str) -> None:
    info = python_info(python(), platform)
    assert (info.version, info.site_packages, info.executable, info.scripts) == ("3.12", site, executable, scripts)


def test_the_record_says_otherwise() -> None:
    info = python_info(python("3.13.0", python_site_packages_path="lib/python3.13t/site-packages/"), "linux-64")
    assert info.site_packages == "lib/python3.13t/site-packages"
    assert noarch_target("site-packages/a/b.py", info) == "lib/python3.13t/site-packages/a/b.py"


@pytest.mark.parametrize(
    "path", ["/etc", "..", "lib/../../etc", ".", "a//b", "C:/x", "a\\b", "./x", "conda-meta/x", "/", "a\0b"]
)
def test_paths_out_of_the_prefix_are_refused(path: str) -> None:
    with pytest.raises(LinkError, match="python_site_packages_path"):
        python_info(python(python_site_packages_path=path), "linux-64")


def test_a_version_without_minor_is_refused() -> None:
    with pytest.raises(LinkError):
        python_info(python("3"), "linux-64")


def test_targets() -> None:
    info = python_info(python(), "linux-64")
    assert noarch_target("python-scripts/tool", info) == "bin/tool"
    assert noarch_target("site-packagesx/tool", info) == "site-packagesx/tool"
    assert noarch_target("share/x", info) == "share/x"
    assert (info.major, info.minor) == (3, 12)
