"""Paths of Windows in shells that come from Unix."""

from __future__ import annotations

import pytest

from engine.shell.msys import for_msys, posix_path, posix_path_list
from engine.shell.operations import Export, Source, Unset


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\Users\\it's me\\envs", "/c/Users/it's me/envs"),
        ("d:/tools", "/d/tools"),
        ("E:", "/e"),
        ("\\\\server\\share\\x", "//server/share/x"),
        ("/usr/bin", "/usr/bin"),
        ("relative\\x", "relative/x"),
        ("a:b", "a:b"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert posix_path(path) == expected


def test_only_path_and_scripts_are_converted() -> None:
    before = [Export("PATH", "C:\\a;;D:\\b c"), Export("OWN", "C:\\a;D:\\b"), Source("C:\\a\\x.sh"), Unset("PATH_X")]
    after = [Export("PATH", "/c/a:/d/b c"), Export("OWN", "C:\\a;D:\\b"), Source("/c/a/x.sh"), Unset("PATH_X")]
    assert for_msys(before) == after
    assert posix_path_list("") == ""
