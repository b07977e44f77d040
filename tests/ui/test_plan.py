"""`engine.ui.plan`: the table that people read before they say yes."""

from __future__ import annotations

from engine.ui.plan import PlanRow, PlanSection, PlanView, plan_lines

INSTALL = PlanSection("Install", (PlanRow("+", "python", "3.12.1", "h_0", "conda-forge", "31 MB"),), 1)
UPGRADE = PlanSection(
    "Upgrade",
    (PlanRow("-", "zlib", "1.2", "0", "conda-forge", ""), PlanRow("+", "zlib", "1.3", "0", "conda-forge", "Cached")),
    1,
)


def test_a_table_with_two_sections() -> None:
    view = PlanView("/envs/x", ("python 3.12*",), (), (INSTALL, UPGRADE), 31_000_000)
    assert plan_lines(view) == [
        "Transaction",
        "",
        "  Prefix: /envs/x",
        "",
        "  Updating specs:",
        "",
        "   - python 3.12*",
        "",
        "  Package   Version  Build  Channel        Size",
        "─" * 49,
        "  Install:",
        "─" * 49,
        "",
        "  + python   3.12.1  h_0    conda-forge   31 MB",
        "",
        "  Upgrade:",
        "─" * 49,
        "",
        "  - zlib        1.2  0      conda-forge",
        "  + zlib        1.3  0      conda-forge  Cached",
        "",
        "  Summary:",
        "",
        "  Install: 1 package",
        "  Upgrade: 1 package",
        "",
        "  Total download: 31 MB",
        "",
    ]


def test_nothing_to_do() -> None:
    assert "  All requested packages already installed" in plan_lines(PlanView("/x", ("a",), (), (), 0))
    assert "  Nothing to do" in plan_lines(PlanView("/x", (), (), (), 0))


def test_colours_only_where_asked_for() -> None:
    view = PlanView("/x", (), (), (UPGRADE,), 0)
    assert not any("\x1b" in line for line in plan_lines(view))
    assert sum("\x1b[" in line for line in plan_lines(view, colours=True)) == 2
