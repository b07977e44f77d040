from __future__ import annotations

import pytest

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive.paths import check_softlinks, safe_path


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("a/b", "a/b"),
        ("./a//b/./c/", "a/b/c"),
        ("./", ""),
        (".hidden/..x", ".hidden/..x"),
        ("a\\b", "a\\b"),
        ("é", "é"),
    ],
)
def test_plain_form(path: str, plain: str) -> None:
    assert safe_path(path, windows=False) == plain


@pytest.mark.parametrize("path", ["/a", "//a", "..", "a/../b", "a/..", "a\0b", "conda-meta", "./Conda-Meta/history",
                                  "info/repodata_record.json", "INFO//repodata_record.json"])  # fmt: skip
def test_unsafe_everywhere(path: str) -> None:
    with pytest.raises(UnsafeArchive):
        safe_path(path, windows=False)


@pytest.mark.parametrize("path", ["a\\..\\b", "C:/x", "file:stream", "\\\\host\\share", "dot.", "space /x", "a\nb"])
def test_unsafe_on_windows(path: str) -> None:
    assert safe_path(path, windows=False)
    with pytest.raises(UnsafeArchive):
        safe_path(path, windows=True)


@pytest.mark.parametrize("path", ["a/" * 300 + "b", "x" * 5000])
def test_endless_paths(path: str) -> None:
    with pytest.raises(ArchiveError):
        safe_path(path, windows=False)


@pytest.mark.parametrize(
    "links",
    [
        {"lib/a.so": "a.so.1"},
        {"lib/a.so": "../share/nowhere"},
        {"a": "b", "b": "a"},
        {"x/y": "../z", "z": "x"},
        {"dir": "deep/er", "up": "dir/.."},
    ],
)
def test_links_that_stay(links: dict[str, str]) -> None:
    check_softlinks(links)


@pytest.mark.parametrize(
    "links",
    [
        {"a": "/etc/passwd"},
        {"a": ".."},
        {"lib/a": "../../x"},
        {"one": "share", "one/two": "../.."},
        {"a/b/c": "../../x", "x": "up", "up": "../y"},
        {"d": "x", "e": "d/../../y"},
        {"a/deep": "../top", "b": "a/deep/../../x", "top": "."},
    ],
)
def test_links_that_leave(links: dict[str, str]) -> None:
    with pytest.raises(UnsafeArchive, match="leads out"):
        check_softlinks(links)


def test_windows_separators_in_links() -> None:
    check_softlinks({"a": "..\\x"})
    for target in ("..\\x", "C:\\x", "C:x"):
        with pytest.raises(UnsafeArchive):
            check_softlinks({"a": target}, windows=True)
