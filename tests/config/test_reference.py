"""docs/configuration.md, and that it tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

from engine.config.accepted import ACCEPTED
from engine.config.keys import BY_NAME, KEYS
from engine.config.reference import WITHOUT_EFFECT, configuration_page

ROOT = Path(__file__).parents[2]
_TABLES = {"keys.py", "schema.py", "accepted.py", "reference.py"}


def test_the_page_is_current() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert page == configuration_page(), "run: python -m engine.config.reference > docs/configuration.md"


def test_no_key_is_both_known_and_without_effect() -> None:
    names = {name for key in KEYS for name in (key.name, *key.aliases)}
    assert not names & ACCEPTED.keys()
    assert len(BY_NAME) == len(KEYS)


def _used() -> set[str]:
    """Every word in the engine, outside of the tables of keys and of options."""
    files = [path for path in (ROOT / "engine").rglob("*.py") if path.name not in _TABLES | {"options.py"}]
    return {word for path in files for word in re.findall(r"\w+", path.read_text())}


def test_a_key_that_nothing_asks_says_that_it_has_no_effect() -> None:
    used = _used() | {"mirrored_channels", "shell_completion"}  # parts to come
    idle = {key.name for key in KEYS if key.name not in used}
    assert idle == {key.name for key in KEYS if key.doc.startswith(WITHOUT_EFFECT)} & idle
