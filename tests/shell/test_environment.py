"""What activation means, without any shell."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.shell.environment import Activator, PrefixFacts, Rules
from engine.shell.operations import Assign, Export, Operation, Source, Unset, applied

ROOT = "/opt/conda"
A, B, C = f"{ROOT}/envs/a", f"{ROOT}/envs/b", "/data/c"
BASE = {"PATH": f"{ROOT}/condabin:/usr/bin:/bin", "HOME": "/home/me", "PS1": "$ "}

FACTS: dict[str, PrefixFacts] = {
    ROOT: PrefixFacts((f"{ROOT}/bin",)),
    A: PrefixFacts((f"{A}/bin",), {"X": "a", "ONLY_A": "1"}, ("a-on",), ("a-off",)),
    B: PrefixFacts((f"{B}/bin",), {"X": "b", "Y": ""}, ("b-on",), ("b-off",)),
    C: PrefixFacts((f"{C}/bin",), {"X": None}),
}


def activator(environ: Mapping[str, str], **rules: object) -> Activator:
    return Activator(environ, Rules(ROOT, prompt_variable="PS1", **rules), FACTS.__getitem__)  # type: ignore[arg-type]


def after(operations: list[Operation], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables a shell has then, its prompt among them."""
    changed = applied(operations, environ)
    changed.update({item.name: item.value for item in operations if isinstance(item, Assign)})
    return changed


def activated(*prefixes: str, start: Mapping[str, str] = BASE, stack: bool = False, **rules: object) -> dict[str, str]:
    environ = dict(start)
    for prefix in prefixes:
        environ = after(activator(environ, **rules).activate(prefix, stack=stack), environ)
    return environ


def test_first_activation_sets_what_conda_sets() -> None:
    assert activated(A) == {
        **BASE,
        "PATH": f"{A}/bin:{ROOT}/condabin:/usr/bin:/bin",
        "CONDA_PREFIX": A,
        "CONDA_SHLVL": "1",
        "CONDA_DEFAULT_ENV": "a",
        "CONDA_PROMPT_MODIFIER": "(a) ",
        "PS1": "(a) $ ",
        "X": "a",
        "ONLY_A": "1",
    }


def test_the_order_of_operations() -> None:
    operations = activator(activated(A)).activate(B)
    kinds = [type(item) for item in operations]
    assert kinds == [Source, Unset, Assign, *[Export] * (len(kinds) - 4), Source]
    assert operations[0] == Source("a-off")
    assert operations[1] == Unset("ONLY_A")
    assert operations[-1] == Source("b-on")
    back = activator(activated(A)).deactivate()
    assert back[:2] == [Export("PATH", BASE["PATH"]), Source("a-off")]


def test_another_environment_takes_the_place_of_the_first() -> None:
    environ = activated(A, B, start={**BASE, "X": "mine"})
    assert environ["PATH"] == f"{B}/bin:{BASE['PATH']}"
    assert (environ["CONDA_PREFIX"], environ["CONDA_PREFIX_1"], environ["CONDA_SHLVL"]) == (B, A, "2")
    assert (environ["X"], environ["Y"]) == ("b", "")
    assert (environ["__CONDA_SHLVL_0_X"], environ["__CONDA_SHLVL_1_X"]) == ("mine", "a")
    assert "ONLY_A" not in environ
    assert "CONDA_STACKED_2" not in environ
    assert environ["PS1"] == "(b) $ "


def test_stacking_keeps_the_first_on_path() -> None:
    environ = activated(B, start=activated(A), stack=True)
    assert environ["PATH"] == f"{B}/bin:{A}/bin:{BASE['PATH']}"
    assert environ["CONDA_STACKED_2"] == "true"
    assert environ["ONLY_A"] == "1"
    assert not [item for item in activator(activated(A)).activate(B, stack=True) if item == Source("a-off")]


def test_activating_the_active_environment_reactivates_it() -> None:
    environ = {**activated(A), "PATH": f"/mine:{A}/bin:/usr/bin"}
    operations = activator(environ).activate(A)
    assert operations == activator(environ).reactivate()
    assert applied(operations, environ)["PATH"] == f"{A}/bin:/mine:/usr/bin"
    assert [item for item in operations if isinstance(item, Source)] == [Source("a-off"), Source("a-on")]


def test_reactivating_sets_what_was_set_since() -> None:
    environ = activated(A)
    new = PrefixFacts((f"{A}/bin",), {"X": "new", "ONLY_A": None})
    operations = Activator(environ, Rules(ROOT), {**FACTS, A: new}.__getitem__).reactivate()
    left = applied(operations, environ)
    assert (left["X"], "ONLY_A" in left) == ("new", False)


def test_activating_the_previous_environment_goes_back() -> None:
    environ = activated(A, B)
    assert activator(environ).activate(A) == activator(environ).deactivate()


@pytest.mark.parametrize("environ", [{}, BASE, {**BASE, "CONDA_SHLVL": "0"}, {**BASE, "CONDA_PREFIX": A}])
def test_nothing_to_deactivate(environ: dict[str, str]) -> None:
    assert activator(environ).deactivate() == []
    assert activator(environ).reactivate() == []


@pytest.mark.parametrize("level", ["", " ", "x", "-1", "²", "9" * 5000])
def test_a_broken_level_counts_as_none(level: str) -> None:
    assert activated(A, start={**BASE, "CONDA_SHLVL": level})["CONDA_SHLVL"] == "1"


def test_a_level_without_predecessor_is_left_for_good() -> None:
    environ = activated(A, B)
    del environ["CONDA_PREFIX_1"]
    left = after(activator(environ).deactivate(), environ)
    assert left["CONDA_SHLVL"] == "0"
    assert left["PATH"] == BASE["PATH"]
    assert "CONDA_PREFIX" not in left


def test_condabin_comes_once() -> None:
    bare = {"PATH": "/usr/bin"}
    assert activated(A, start=bare)["PATH"] == f"{A}/bin:{ROOT}/condabin:/usr/bin"
    assert activated(A, C, start=bare)["PATH"] == f"{C}/bin:{ROOT}/condabin:/usr/bin"
    assert activated(A, start={})["PATH"] == (
        f"{A}/bin:{ROOT}/condabin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    )


def test_an_unset_mark_hides_a_variable_until_deactivation() -> None:
    start = {**BASE, "X": "mine"}
    environ = activated(C, start=start)
    assert "X" not in environ
    assert after(activator(environ).deactivate(), environ) == {**start, "CONDA_SHLVL": "0"}


@pytest.mark.parametrize(
    ("prompt_format", "expected"),
    [
        ("({default_env}) ", "(b) "),
        ("[{stacked_env}]", "[b,a]"),
        ("{name}|{prefix}", f"b|{B}"),
        ("{other}{", "{other}{"),
    ],
)
def test_prompt_formats(prompt_format: str, expected: str) -> None:
    environ = activated(B, start=activated(A), stack=True, prompt_format=prompt_format)
    assert environ["CONDA_PROMPT_MODIFIER"] == expected


def test_the_prompt_is_left_alone_on_request_and_for_powerline() -> None:
    quiet = activated(A, prompt_format=None)
    assert quiet["PS1"] == "$ "
    assert "CONDA_PROMPT_MODIFIER" not in quiet
    powerline = {**BASE, "PS1": "$($POWERLINE_COMMAND) "}
    assert activated(A, start=powerline)["PS1"] == powerline["PS1"]


def test_a_name_in_the_prompt_can_not_act() -> None:
    prefix = "/tmp/$(rm -rf ~)`id`\\u\x1b[2J"
    environ = after(
        Activator(BASE, Rules(ROOT, prompt_variable="PS1"), lambda _: PrefixFacts(())).activate(prefix), BASE
    )
    assert environ["PS1"] == "(/tmp/_(rm -rf ~)_id__u_[2J) $ "
    assert environ["CONDA_DEFAULT_ENV"] == prefix


@given(
    steps=st.lists(st.tuples(st.sampled_from([ROOT, A, B, C]), st.booleans()), max_size=6),
    mine=st.dictionaries(st.sampled_from(["X", "Y", "ONLY_A"]), st.sampled_from(["", "mine", "a"])),
)
def test_each_deactivation_undoes_one_activation(steps: list[tuple[str, bool]], mine: dict[str, str]) -> None:
    environ = {**BASE, **mine, "CONDA_SHLVL": "0"}
    history = [environ]
    for prefix, stack in steps:
        environ = after(activator(environ, prompt_format="({stacked_env}) ").activate(prefix, stack=stack), environ)
        if int(environ["CONDA_SHLVL"]) == len(history):
            history.append(environ)
        elif int(environ["CONDA_SHLVL"]) < len(history) - 1:
            history.pop()
            assert environ == history[-1]
    while history[1:]:
        environ = after(activator(environ, prompt_format="({stacked_env}) ").deactivate(), environ)
        history.pop()
        assert environ == history[-1]
