"""Commands as people type them."""

from __future__ import annotations

import os

import pytest

from engine.ui.typed import typed


def test_quotes_are_those_of_the_systems_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["run", "-p", "C:\\my env"]
    assert typed(words) == "run -p 'C:\\my env'"
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        assert typed(words) == 'run -p "C:\\my env"'
