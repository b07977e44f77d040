"""What changes between a prefix and an answer."""

from __future__ import annotations

import pytest

from engine.solve.transaction import Transaction
from tests.kit.universe import record
from tests.solve.kit import changed, installed


def test_each_kind_of_change() -> None:
    before = [installed(line) for line in ("same 1", "up 1", "down 2", "build 1 x", "gone 1", "old 1 -> gone")]
    after = [record(line) for line in ("same 1", "up 2", "down 1", "build 1 y", "new 1", "old 2")]
    found = Transaction.between(before, after)
    assert [(change.name, change.kind) for change in found.changes] == [
        ("up", "upgrade"),
        ("down", "downgrade"),
        ("build", "change"),
        ("new", "install"),
        ("old", "upgrade"),
        ("gone", "remove"),
    ]
    assert [old.name for old in found.unchanged] == ["same"]
    assert [new.dist for new in found.link] == ["up-2-0", "down-1-0", "build-1-y", "new-1-0", "old-2-0"]
    removed = [old.name for old in found.remove]
    assert sorted(removed) == ["build", "down", "gone", "old", "up"]
    assert removed.index("old") < removed.index("gone"), "dependents go first"


def test_nothing_to_do() -> None:
    assert Transaction.between([installed("a 1")], [record("a 1")]).is_empty
    assert Transaction.between([], []).is_empty


def test_the_same_build_of_another_channel_or_archive_is_a_change() -> None:
    before = [installed("a 1", channel="other")]
    (change,) = Transaction.between(before, [record("a 1")]).changes
    assert change.kind == "change"
    bare = changed(before[0], sha256=None, md5=None, channel="")
    assert Transaction.between([bare], [record("a 1")]).is_empty, "an old record that does not tell is believed"


def test_a_package_can_be_put_in_again() -> None:
    found = Transaction.between([installed("a 1"), installed("b 1")], [record("a 1"), record("b 1")], reinstall=["a"])
    assert [(change.name, change.kind) for change in found.changes] == [("a", "reinstall")]
    assert [old.name for old in found.remove] == ["a"]


@pytest.mark.parametrize(
    ("python", "moved"),
    [("python 3.12.2", False), ("python 3.13.0", True), ("python 3.12.1 t [python_site_packages_path=l/x]", True)],
)
def test_pure_python_packages_move_with_python(python: str, moved: bool) -> None:
    before = [installed("python 3.12.1"), installed("pure 1 [noarch=python]"), installed("other 1 [noarch=generic]")]
    after = [record(python), record("pure 1 [noarch=python]"), record("other 1 [noarch=generic]")]
    found = Transaction.between(before, after)
    assert ("pure" in [change.name for change in found.changes]) is moved
    assert "other" not in [change.name for change in found.changes]
