"""Operations in their order, and what they make of variables."""

from __future__ import annotations

from engine.shell.operations import Assign, Change, Export, Operation, Source, Unset, applied


def test_the_order() -> None:
    change = Change()
    change.set_all({"NEW": "1", "OLD": None})
    change.set_all({"NEW": "2"})
    change.path_first, change.prompt = "/bin", Assign("PS1", "> ")
    change.deactivate_scripts, change.activate_scripts = ("off",), ("on1", "on2")
    assert change.operations() == [
        Export("PATH", "/bin"),
        Source("off"),
        Unset("OLD"),
        Assign("PS1", "> "),
        Export("NEW", "2"),
        Source("on1"),
        Source("on2"),
    ]


def test_applied_to_variables() -> None:
    operations: list[Operation] = [Unset("A"), Unset("GONE"), Assign("PS1", "x"), Export("B", "2"), Source("/s")]
    assert applied(operations, {"A": "1", "B": "1", "C": "1"}) == {"B": "2", "C": "1"}
