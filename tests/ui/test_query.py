"""Tables, trees and pages, line for line."""

from __future__ import annotations

from typing import Any

from engine.ui import query
from engine.ui.query import PackageRow, Page, package_table, page_lines, tree_lines

FACTS: dict[str, Any] = {
    "name": "xtensor",
    "version": "0.24.5",
    "build": "hf52228f_0",
    "size": 212345,
    "license": "BSD-3-Clause",
    "subdir": "linux-64",
    "fn": "xtensor-0.24.5-hf52228f_0.conda",
    "url": "https://example.org/c/linux-64/xtensor-0.24.5-hf52228f_0.conda",
    "md5": "0" * 32,
    "depends": ["xtl >=0.7"],
    "constrains": [],
}


def test_a_table() -> None:
    rows = [
        PackageRow("xtensor", "0.24.5", "h_0", "conda-forge", "linux-64", builds=3),
        PackageRow("xtensor", "0.9", "h_10", "conda-forge", "linux-64"),
    ]
    assert package_table(rows) == [
        " Name    Version Build              Channel     Subdir",
        "─────────────────────────────────────────────────────────",
        " xtensor 0.24.5  h_0   (+ 2 builds) conda-forge linux-64",
        " xtensor 0.9     h_10               conda-forge linux-64",
    ]
    assert package_table([]) == []


def test_a_table_of_dependents() -> None:
    lines = package_table([PackageRow("a", "1", "0", "c", "noarch", depends="b >=1")])
    assert lines == [
        " Name Version Build   Depends Channel Subdir",
        "─────────────────────────────────────────────",
        " a    1       0       b >=1   c       noarch",
    ]


def test_a_tree() -> None:
    labels = ["a[1]", "b[1]", "d[1]", "c[2]"]
    assert list(tree_lines(labels, "abdc", [(1, 3), (2,), (), (2, 0)])) == [
        "a[1]",
        "  ├─ b[1]",
        "  │  └─ d[1]",
        "  └─ c[2]",
        "     ├─ d already visited",
        "     └─ a already visited",
    ]


def test_a_page() -> None:
    assert page_lines(Page(FACTS, 0, (("0.24.4", "h_1", 2),))) == [
        "       xtensor 0.24.5 hf52228f_0",
        "────────────────────────────────────────",
        "",
        " Name            xtensor",
        " Version         0.24.5",
        " Build           hf52228f_0",
        " Size            212 kB",
        " License         BSD-3-Clause",
        " Subdir          linux-64",
        " File Name       xtensor-0.24.5-hf52228f_0.conda",
        " URL             https://example.org/c/linux-64/xtensor-0.24.5-hf52228f_0.conda",
        " MD5             00000000000000000000000000000000",
        " SHA256          Not available",
        "",
        " Dependencies:",
        "  - xtl >=0.7",
        "",
        " Other Versions (1):",
        "",
        "  Version Build",
        " ────────────────────────────",
        "  0.24.4  h_1   (+ 1 builds)",
        "",
    ]


def test_many_versions_are_folded_but_builds_are_not() -> None:
    many = tuple((str(number), "h_0", 1) for number in range(9, 0, -1))
    folded = page_lines(Page(FACTS, 2, many))
    assert folded[0].endswith("(+ 2 builds)")
    assert [line.split()[0] for line in folded[-6:-1]] == ["9", "8", "...", "2", "1"]
    assert "(5 hidden versions)" in folded[-4]
    unfolded = page_lines(Page(FACTS, 0, many, by_build=True))
    assert " Other Builds (9):" in unfolded
    assert len(unfolded) == len(folded) + 4


def test_nothing_of_an_index_commands_the_terminal() -> None:
    evil = "a\x1b[2J\nb"
    shown = [
        *package_table([PackageRow(evil, evil, evil, evil, evil, depends=evil)]),
        *tree_lines([evil, evil], [evil, evil], [(1,), (0,)]),
        *page_lines(Page({**FACTS, "version": evil, "depends": [evil]}, 0, ((evil, evil, 1),))),
    ]
    assert all(line.isprintable() for line in shown)
    assert sum("a\\x1b[2J\\nb" in line for line in shown) >= 6


def test_wide_letters_keep_columns_straight() -> None:
    _, rule, *lines = package_table([PackageRow("漢字", "1"), PackageRow("a", "1")])
    assert lines[0].index("1") + 2 == lines[1].index("1")
    assert rule == "─" * (4 + 7 + 5 + 7 + 6 + 7 + 1)


def test_a_tree_without_end_grows_downwards_only() -> None:
    labels = [f"p{number}" for number in range(5000)]
    lines = list(tree_lines(labels, labels, [*((number + 1,) for number in range(4999)), ()]))
    assert len(lines) == 5000
    assert lines[query.DEEPEST - 1] == "  " + "   " * (query.DEEPEST - 2) + f"└─ p{query.DEEPEST - 1}"
    assert lines[query.DEEPEST].endswith(f"└─ p{query.DEEPEST} not indented further")
    assert lines[-1].endswith("└─ p4999")
    assert max(map(len, lines)) < 3 * query.DEEPEST + 50
