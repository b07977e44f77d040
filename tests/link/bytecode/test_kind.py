from __future__ import annotations

import sys

import pytest

from engine.link.bytecode.kind import own_kind, presumed_kind
from engine.model.records import RepoDataRecord

pytestmark = pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="names the platforms of two systems")


@pytest.mark.parametrize(
    ("version", "build", "platform", "ours"),
    [
        ("%d.%d.99", "h1_0_cpython", "", True),
        ("%d.%d.99", "h1_73_pypy", "", False),
        ("%d.%d.0rc1", "h1_0_cpython", "", False),
        ("2.7.18", "h1_0_cpython", "", False),
        ("%d.%d.99", "h1_0_cpython", "win-64", False),
    ],
)
def test_whose_kind_is_ours(version: str, build: str, platform: str, ours: bool) -> None:
    text = version % sys.version_info[:2] if "%" in version else version
    record = RepoDataRecord(name="python", version=text, build=build)
    native = {"linux": "linux-64", "darwin": "osx-64"}[sys.platform]
    assert presumed_kind(record, platform or native) == (own_kind() if ours else None)
