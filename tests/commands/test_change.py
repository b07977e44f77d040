"""`engine.commands.change`: how a change is shown."""

from __future__ import annotations

import pytest

from engine.commands.change import _wants_colours


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_can_be_refused(environ: dict[str, str], wanted: bool) -> None:
    assert _wants_colours(environ) is wanted
