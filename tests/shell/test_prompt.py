"""What a prompt says."""

from __future__ import annotations

import pytest

from engine.shell.prompt import default_env, modifier, prompt_stack

ROOT = "/opt/conda"


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        (ROOT, "base"),
        (f"{ROOT}/envs/a", "a"),
        ("/data/c", "/data/c"),
        ("C:\\conda\\envs\\x", "x"),
        ("/envs", "/envs"),
        ("/elsewhere/envs/x", "x"),
    ],
)
def test_default_env(prefix: str, name: str) -> None:
    assert default_env(prefix, ROOT) == name


@pytest.mark.parametrize(
    ("names", "stacked", "expected"),
    [
        ({}, [], []),
        ({1: "a"}, [], ["a"]),
        ({1: "a", 2: "b"}, [], ["b"]),
        ({1: "a", 2: "b"}, [2], ["a", "b"]),
        ({1: "a", 2: "b", 3: "c"}, [2], ["a", "c"]),
        ({1: "a", 2: "b", 3: "c"}, [3], ["b", "c"]),
    ],
)
def test_the_stack(names: dict[int, str], stacked: list[int], expected: list[str]) -> None:
    assert prompt_stack(names, frozenset(stacked)) == expected


def test_fields_are_made_harmless_and_the_format_is_not() -> None:
    shown = modifier("\\[{name}\\]$ {default_env}{unknown}", prefix="/x/$(id)", name="`id`\x1b", stack=[])
    assert shown == "\\[_(id)\\]$ _id__{unknown}"
