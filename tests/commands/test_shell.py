"""The commands `shell`, `init`, `activate` and `deactivate`, as people and scripts call them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import main
from tests.shell.sessions import make_environment, whipsnake


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "root"
    make_environment(path)
    make_environment(path / "envs" / "a")
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return path


def ask(*words: str) -> str:
    ran = whipsnake(words, os.environ)
    assert ran.returncode == 0, ran.stderr
    return os.fsdecode(ran.stdout)


@pytest.mark.parametrize("words", [["a"], ["-n", "a"], ["-p", "{root}/envs/a"], ["{root}/envs/a"]])
def test_an_environment_may_be_named_in_four_ways(root: Path, words: list[str]) -> None:
    code = ask("shell", "activate", *[word.format(root=root) for word in words], "-s", "bash")
    assert f"export CONDA_PREFIX='{root}/envs/a'\n" in code
    assert "export CONDA_PROMPT_MODIFIER='(a) '\n" in code


def test_without_a_name_it_is_base(root: Path) -> None:
    assert f"export CONDA_PREFIX='{root}'\n" in ask("shell", "--shell", "zsh", "activate")


def test_paths_are_taken_from_home_and_here(root: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_environment(isolated / "env")
    assert f"CONDA_PREFIX='{isolated}/env'" in ask("shell", "activate", "~/env", "-s", "bash")
    monkeypatch.chdir(isolated)
    assert f"CONDA_PREFIX='{isolated}/env'" in ask("shell", "activate", "./env", "-s", "bash")


def test_names_are_looked_up_in_all_envs_dirs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_environment(tmp_path / "more" / "b")
    monkeypatch.setenv("CONDA_ENVS_DIRS", f"/no/such{os.pathsep}{tmp_path}/more")
    assert f"CONDA_PREFIX='{tmp_path}/more/b'" in ask("shell", "activate", "b", "-s", "bash")


def test_the_prompt_follows_the_configuration(root: Path) -> None:
    (root / ".condarc").write_text("env_prompt: '<{name}>'\n")
    assert "CONDA_PROMPT_MODIFIER='<a>'" in ask("shell", "activate", "a", "-s", "bash")
    (root / ".condarc").write_text("changeps1: false\n")
    assert "PS1" not in ask("shell", "activate", "a", "-s", "bash")


def test_hook_as_json(root: Path) -> None:
    found = json.loads(ask("shell", "hook", "-s", "bash", "--json"))
    assert (found["success"], found["operation"]) == (True, "shell_hook")
    assert found["context"] == {"shell_type": "bash"}
    assert "whipsnake() {" in found["actions"]["print"][0]


def test_the_hook_activates_base_on_request(root: Path) -> None:
    assert "activate base" not in ask("shell", "hook", "-s", "bash")
    (root / ".condarc").write_text("auto_activate_base: true\n")
    assert "activate base" in ask("shell", "hook", "-s", "bash")


def test_values_as_json_for_other_programs(root: Path) -> None:
    found = json.loads(ask("shell", "activate", "a", "-s", "json"))
    assert found["export"]["CONDA_PREFIX"] == f"{root}/envs/a"
    assert (found["activate"], found["deactivate"], found["unset"]) == ([], [], [])


def test_the_shell_is_guessed(root: Path) -> None:
    command = ["bash", "-c", f'"{sys.executable}" cli.py shell hook; exit $?']
    ran = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert 'shell "$@" --shell bash' in ran.stdout


def test_a_new_shell_in_an_environment(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "fakeshell"
    fake.write_text('#!/bin/sh\necho "$CONDA_PREFIX"\nexit 42\n')
    fake.chmod(0o755)
    monkeypatch.setenv("SHELL", str(fake))
    for words in (["-n", "a"], ["a"]):
        ran = whipsnake(["shell", *words], os.environ)
        assert (ran.returncode, ran.stdout.decode()) == (42, f"{root}/envs/a\n")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["shell", "activate", "nope", "-s", "bash"], 1, "Could not activate"),
        (["shell", "activate", "a", "-n", "a", "-s", "bash"], 2, "named twice"),
        (["shell", "explode", "a"], 2, "no action 'explode'"),
        (["shell", "hook", "-s", "elvish"], 2, "elvish"),
        (["shell", "init", "-s", "dash"], 2, "no start-up file"),
        (["activate", "a"], 1, "has to be initialised"),
        (["deactivate"], 1, "has to be initialised"),
        (["activate", "--stack", "a"], 1, "run -n NAME"),
    ],
)
def test_mistakes(root: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, text: str) -> None:
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err


@pytest.mark.parametrize("words", [["-r", "{new}"], ["-p", "{new}"], ["--root-prefix", "{new}"], ["{new}"]])
def test_init_as_people_know_it(
    root: Path, isolated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    new, rc = str(tmp_path / "new root"), isolated / ".bashrc"
    rc.write_text("# mine")
    arguments = ["init", "--shell", "bash", *[word.format(new=new) for word in words]]
    assert main([*arguments, "--dry-run"]) == 0
    assert "would write" in capsys.readouterr().out
    assert rc.read_text() == "# mine"
    assert not Path(new).exists()
    assert main(arguments) == 0
    assert f"export MAMBA_ROOT_PREFIX='{new}'\n" in rc.read_text()
    assert (Path(new) / "conda-meta" / "history").is_file()
    assert "wrote" in capsys.readouterr().out
    assert main(["shell", "deinit", "-s", "bash"]) == 0
    assert rc.read_text() == "# mine"


@pytest.mark.parametrize("words", [("init", "zsh"), ("shell", "init", "zsh")])
def test_init_understands_a_shell_as_conda_does(root: Path, isolated: Path, words: tuple[str, ...]) -> None:
    assert main([*words]) == 0
    assert f"export MAMBA_ROOT_PREFIX='{root}'\n" in (isolated / ".zshrc").read_text()


@pytest.mark.parametrize("shell", ["csh", "tcsh"])
def test_advice_for_a_shell_that_has_no_dollar_and_parenthesis(
    shell: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.commands.activate.guess_shell", lambda _: shell)
    assert main(["activate", "a"]) == 1
    assert f"shell hook --shell {shell} > hook.csh; source hook.csh\n" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, 0), (errno.EROFS, 0), (errno.ENOSPC, 1)])
def test_init_below_a_root_prefix_that_others_look_after(
    isolated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    code: int,
) -> None:
    """A shared root prefix, which only has ``envs``, need not be ours to write for a shell to be made ready."""

    makedirs = os.makedirs

    def refused(path: str, mode: int = 0o777, exist_ok: bool = False) -> None:
        if "shared" in path:
            raise OSError(number, os.strerror(number), path)
        makedirs(path, mode, exist_ok)

    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(tmp_path / "shared"))
    monkeypatch.setattr(os, "makedirs", refused)
    assert main(["shell", "init", "-s", "bash"]) == code
    assert f"Could not make the root prefix {tmp_path}/shared: {os.strerror(number)}" in capsys.readouterr().err
    assert (isolated / ".bashrc").exists() == (code == 0)


def test_reinit_renews_what_is_there(root: Path, isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = "# >>> mamba initialize >>>\nold\n# <<< mamba initialize <<<\n"
    (isolated / ".zshrc").write_text(f"first\n{old}last\n")
    (isolated / ".bashrc").write_text("nothing of ours\n")
    assert main(["shell", "reinit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == [str(isolated / ".zshrc")]
    text = (isolated / ".zshrc").read_text()
    assert "old" not in text
    assert text.startswith("first\n#")
    assert text.endswith("#\nlast\n".replace("#", "# <<< mamba initialize <<<"))
    assert (isolated / ".bashrc").read_text() == "nothing of ours\n"


def test_speed_has_a_price_list() -> None:
    """Activation happens at prompts: what it imports is watched."""
    code = (
        "import sys; sys.argv = ['whipsnake']; from cli import main\n"
        "main(['shell', 'activate', 'base', '-s', 'bash', '-r', '/usr'])\n"
        "heavy = {'asyncio', 'aiohttp', 'anyio', 'yaml', 'rich', 'zstandard', 'pycosat', 'tempfile'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2], env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
