"""What is read of a prefix, and what is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.shell.environment import PrefixFacts
from engine.shell.facts import path_dirs, read_facts, read_variables


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_scripts_of_the_shell_in_their_order(tmp_path: Path) -> None:
    for kind in ("activate.d", "deactivate.d"):
        for name in ("b.sh", "a.sh", "a.fish", "README"):
            write(tmp_path / "etc" / "conda" / kind / name, "")
    facts = read_facts(str(tmp_path), ".sh", pytest.fail)
    assert [Path(path).name for path in facts.activate_scripts] == ["a.sh", "b.sh"]
    assert [Path(path).name for path in facts.deactivate_scripts] == ["b.sh", "a.sh"]


def test_a_prefix_that_is_gone(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert read_facts(gone, ".sh", pytest.fail) == PrefixFacts((f"{gone}/bin",))


def test_state_wins_over_packages_and_later_packages_over_earlier(tmp_path: Path) -> None:
    packages = tmp_path / "etc" / "conda" / "env_vars.d"
    write(packages / "2.json", {"overlap": "2", "number": 3, "HIDDEN": "x"})
    write(packages / "1.json", {"OVERLAP": "1", "STATE": "package"})
    write(tmp_path / "conda-meta" / "state", {"env_vars": {"state": "state", "hidden": "***unset***"}, "other": 1})
    found = read_variables(str(tmp_path), pytest.fail)
    assert found == {"OVERLAP": "2", "STATE": "state", "NUMBER": "3", "HIDDEN": None}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"A;id": "1"}, "no name"),
        ({"$(id)": "1"}, "no name"),
        ({"A\nB": "1"}, "no name"),
        ({"": "1"}, "no name"),
        ({"path": "/evil"}, "reserved"),
        ({"CONDA_SHLVL": "7"}, "reserved"),
        ({"A": None}, "must be a text"),
        ({"A": ["1"]}, "must be a text"),
        ({"A": "nul\0"}, "NUL"),
        ('{"A": "\\ud800"}', "left out"),
        ("{broken", "left out"),
        ("[]", "expected a JSON object"),
    ],
)
def test_what_is_unusable_is_left_out_with_a_notice(tmp_path: Path, content: object, words: str) -> None:
    write(tmp_path / "etc" / "conda" / "env_vars.d" / "p.json", content)
    notices: list[str] = []
    assert read_variables(str(tmp_path), notices.append) == {}
    assert len(notices) == 1
    assert words in notices[0]
    assert "p.json" in notices[0]


def test_windows_path_in_the_order_of_cep_32(tmp_path: Path) -> None:
    def names() -> list[str]:
        return [Path(path).relative_to(tmp_path).as_posix() for path in path_dirs(str(tmp_path), windows=True)]

    usual = [".", "Library/mingw-w64/bin", "Library/usr/bin", "Library/bin", "Scripts", "bin"]
    assert names() == usual
    (tmp_path / "Library" / "clangarm64").mkdir(parents=True)
    (tmp_path / "Library" / "clang64").mkdir()
    assert names() == [".", "Library/clang64/bin", *usual[1:]]
