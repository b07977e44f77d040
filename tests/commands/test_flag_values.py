"""Flags with a value: micromamba's parser takes ``--yes=true``, and scripts are written with it."""

from __future__ import annotations

import pytest

from engine.commands.flag_values import plain_flags
from tests.commands.conftest import RunCommand


@pytest.mark.parametrize(
    ("words", "code", "made"),
    [
        (["--dry-run=true"], 0, False),
        (["--dry-run=FALSE"], 0, True),
        (["--dry-run", "--dry-run=off"], 0, True),
        (["--no-pyc=1", "--pyc=0"], 0, True),
        (["--dry-run=perhaps"], 2, False),
    ],
)
def test_values_of_flags(words: list[str], code: int, made: bool, create: RunCommand, run_command: RunCommand) -> None:
    assert create("-n", "one", "base-lib", *words).code == code
    assert (run_command("list", "-n", "one").code == 0) is made


def test_only_flags_of_the_parser_count() -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser()
    parser.add_argument("--no-pin", dest="no_pin", action="store_const", const=True)
    parser.add_argument("--pin", dest="no_pin", action="store_const", const=False)
    parser.add_argument("--name")
    words = ["--pin=yes", "--name=yes", "x=1", "--", "--pin=no"]
    assert plain_flags(parser, words) == (["--name=yes", "x=1", "--", "--pin=no"], {"no_pin": False})
    assert plain_flags(parser, ["--no-pin=off"]) == ([], {"no_pin": False})
