"""Code for each shell: the same as the golden files, and no value is ever taken for code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.shell.cmd import assignment
from engine.shell.dialect import SHELLS, Program, dialect_of
from engine.shell.operations import Assign, Export, Operation, Source, Unset
from tests.shell.sessions import COMMANDS, run_script

GOLDEN = Path(__file__).parent / "golden"
NASTY = 'it\'s "q" $(touch x) `touch x` \\ ! % ^ & ; | ‘curly’ é 😀'
OPERATIONS: list[Operation] = [
    Export("PATH", "/opt/my envs/a/bin:/usr/bin"),
    Source("/opt/old's/etc/conda/deactivate.d/1.sh"),
    Unset("OLD"),
    Assign("PS1", "(a) $ "),
    Export("CONDA_PREFIX", "/opt/my envs/a"),
    Export("NASTY", NASTY),
    Export("EMPTY", ""),
    Source("/opt/my envs/a/etc/conda/activate.d/1.sh"),
]
FAMILIES = ("posix", "fish", "csh", "xonsh", "nu", "powershell", "cmd.exe", "json")


def matches_golden(name: str, text: str) -> bool:
    """Whether ``text`` is what the golden file says; UPDATE_GOLDEN in the environment renews the files."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("shell", FAMILIES)
def test_activation_code(shell: str) -> None:
    assert matches_golden(f"activate.{shell}", dialect_of(shell).render(OPERATIONS))


@pytest.mark.parametrize("shell", ["bash", "zsh", *FAMILIES[:-1]])
def test_hook_code(shell: str) -> None:
    program = Program("/opt/it's here/bin/whipsnake", "whipsnake", "/opt/my root", shell, activates_base=True)
    assert matches_golden(f"hook.{shell}", dialect_of(shell).hook(program))


@pytest.mark.parametrize(
    ("shell", "times"), [("bash", 5), ("zsh", 5), ("fish", 5), ("xonsh", 8), ("tcsh", 5), ("nu", 0)]
)
def test_the_hook_names_the_program_as_often_as_micromambas_tests_want(shell: str, times: int) -> None:
    """They count; and of PowerShell they look at the first lines."""
    assert dialect_of(shell).hook(Program("/opt/bin/x", "whipsnake", "/opt/root", shell)).count("/opt/bin/x") == times
    lines = dialect_of("powershell").hook(Program("/opt/bin/x", "whipsnake", "/opt/root", "powershell")).splitlines()
    assert lines[0] == "$Env:MAMBA_EXE='/opt/bin/x'"
    assert lines[2].startswith("## AFTER PARAM ####")


@pytest.mark.parametrize("shell", FAMILIES[:-2])
def test_start_up_code(shell: str) -> None:
    program = Program("/opt/it's here/bin/whipsnake", "whipsnake", "/opt/my root", shell)
    assert matches_golden(f"block.{shell}", dialect_of(shell).block(program))


def test_every_name_has_a_dialect() -> None:
    assert {dialect_of(name).script_extension for name in SHELLS} == {".sh", ".fish", ".csh", ".nu", ".ps1", ".bat"}
    with pytest.raises(UsageError, match="Unknown shell 'elvish'"):
        dialect_of("elvish")


VALUES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
    | st.lists(st.sampled_from(list("'\"\\$`!%^&|;(){}[]<>*?~#= \t\n\r\x01\x7f‘’é😀a")), max_size=12).map("".join),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("shell", [name for name in COMMANDS if name != "xonsh"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=VALUES)
def test_any_value_survives_a_real_shell(shell: str, values: list[str], tmp_path: Path) -> None:
    exported: list[Operation] = [Export(f"V{number}", value) for number, value in enumerate(values)]
    code = dialect_of(shell).render([*exported, Unset("NEVER_SET")])
    if shell == "nu":  # it is told by values, not by code
        (tmp_path / "said.json").write_text(code, encoding="utf-8")
        code = "let said = (open said.json)\nfor name in $said.unset { hide-env -i $name }\nload-env $said.export\n^"
    code += "/usr/bin/env -0\n"
    ran = run_script(shell, code, tmp_path, {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)})
    found = dict(item.split(b"=", 1) for item in ran.stdout.split(b"\0") if b"=" in item)
    assert {name: found.get(f"V{name}".encode()) for name in range(len(values))} == {
        number: value.encode() for number, value in enumerate(values)
    }
    assert ran.stderr == b""


def test_any_value_survives_xonsh(tmp_path: Path) -> None:
    values = [NASTY, "a\nb\r\n", "'''", "{x}", "\\", "\x01\x7f", "7", ""]
    code = dialect_of("xonsh").render([Export(f"V{number}", value) for number, value in enumerate(values)])
    dump = (
        f"print([${{...}}[f'V{{i}}'] for i in range({len(values)})].__repr__().encode('ascii', 'backslashreplace'))\n"
    )
    ran = run_script("xonsh", code + dump, tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert ran.stdout.decode().strip() == str(repr(values).encode("ascii", "backslashreplace"))


def test_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    value = os.fsdecode(b"/data/\xff\xfe")
    code = dialect_of("bash").render([Export("V", value)]) + "/usr/bin/env -0\n"
    ran = run_script("bash", code, tmp_path, {"PATH": os.environ["PATH"]})
    assert b"V=/data/\xff\xfe\0" in ran.stdout


@given(st.text(st.sampled_from(list("'\"%^&|<>()! aé")), max_size=12))
def test_a_value_never_leaves_its_place_in_cmd(value: str) -> None:
    """Read as cmd.exe does: a quote toggles quoting, a caret outside quotes takes the next character as it is."""
    text, plain, quoted, place = assignment("V", value), "", False, 0
    while place < len(text):
        char = text[place]
        if char == "^" and not quoted:
            place += 1
            char = text[place]
        elif char == '"':
            quoted = not quoted
        else:
            assert quoted or char not in "&|<>()", text
        if char == "%":
            place += 1
            assert text[place] == "%"
        plain += char
        place += 1
    assert plain == f'"V={value}"'


def test_cmd_refuses_what_it_can_not_say() -> None:
    with pytest.raises(UsageError, match="line break"):
        dialect_of("cmd.exe").render([Export("V", "a\nb")])
