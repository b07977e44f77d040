"""Whole sessions in real shells: the hook is evaluated, environments come and go."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from engine.version import __version__
from tests.shell.sessions import POSIX, make_environment, make_executable, need, run_script

NASTY = 'it\'s $(touch PWNED) `touch PWNED` "q" \\ !\n% é'

TOUR = """
{hook}
PS1='> '
show() {{
    printf '%s\\0' "$1" "$PS1" "${{CONDA_PREFIX-}}" "$CONDA_SHLVL"
    printf '%s\\0' "${{OWN-}}" "${{NASTY-}}" "$PATH" "${{TRACE-}}"
}}
show start
{name} activate {a}
show a
{name} activate b
show b
{name} activate --stack base
show stack
{name} deactivate
{name} deactivate
show a
{name} activate no-such-environment 2>/dev/null || show failed
{name} reactivate
show again
{name} deactivate
show end
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    variables = json.dumps({"nasty": NASTY, "own": "a"})
    make_environment(tmp_path / "root" / "envs" / "my a", scripts=True, variables=variables)
    make_environment(tmp_path / "root" / "envs" / "b", scripts=True)
    (tmp_path / "root" / "conda-meta").mkdir()
    (tmp_path / "home").mkdir()
    return tmp_path / "root"


def session_environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home"), "OWN": "mine", "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize(("name", "options"), [("whipsnake", "set -eu"), ("micromamba", "")])
@pytest.mark.parametrize("shell", POSIX)
def test_a_tour(shell: str, options: str, name: str, root: Path, tmp_path: Path) -> None:
    exe = make_executable(tmp_path, name)
    hook = f'{options}\neval "$({exe} shell hook --shell {shell} --root-prefix {root})"'
    a, b, start = f"{root}/envs/my a", f"{root}/envs/b", f"{root}/condabin:/usr/bin:/bin"
    ran = run_script(shell, TOUR.format(hook=hook, a=f"'{a}'", name=name), tmp_path, session_environ(tmp_path))
    words = os.fsdecode(ran.stdout).split("\0")
    on_a = " activate-my a-1 activate-my a-2"
    off_a = on_a + " deactivate-my a-2 deactivate-my a-1"
    on_b = off_a + " activate-b-1 activate-b-2"
    a_again = on_b + " activate-b-1 activate-b-2 deactivate-b-2 deactivate-b-1" + on_a
    again = a_again + " deactivate-my a-2 deactivate-my a-1" + on_a
    expected = [
        ["start", "> ", "", "0", "mine", "", start, ""],
        ["a", "(my a) > ", a, "1", "a", NASTY, f"{a}/bin:{start}", on_a],
        ["b", "(b) > ", b, "2", "mine", "", f"{b}/bin:{start}", on_b],
        ["stack", "(base) > ", str(root), "3", "mine", "", f"{root}/bin:{b}/bin:{start}", on_b],
        ["a", "(my a) > ", a, "1", "a", NASTY, f"{a}/bin:{start}", a_again],
        ["failed", "(my a) > ", a, "1", "a", NASTY, f"{a}/bin:{start}", a_again],
        ["again", "(my a) > ", a, "1", "a", NASTY, f"{a}/bin:{start}", again],
        ["end", "> ", "", "0", "mine", "", start, again + " deactivate-my a-2 deactivate-my a-1"],
    ]
    assert ran.stderr.decode() == ""
    assert [words[place : place + 8] for place in range(0, len(words) - 1, 8)] == expected
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize("shell", [*POSIX, "fish"])
def test_an_environment_by_a_path_that_looks_like_code(shell: str, root: Path, tmp_path: Path) -> None:
    exe = make_executable(tmp_path)
    evil = make_environment(tmp_path / "$(touch PWNED) `touch PWNED`" / "x")
    if shell == "fish":
        hook, prompt = f"{exe} shell hook --shell fish --root-prefix {root} | source", "fish_prompt"
    else:
        # What a shell does with a prompt, at its most careless: expand whatever is in it.
        hook, prompt = f'eval "$({exe} shell hook --shell {shell} -r {root})"', 'eval "printf %s \\"$PS1\\""'
    code = f"cd {tmp_path}\n{hook}\nwhipsnake activate '{evil}'\n{prompt}\necho $CONDA_PREFIX\n"
    ran = run_script(shell, code, tmp_path, session_environ(tmp_path))
    assert os.fsdecode(ran.stdout).strip().endswith(str(evil))
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize("shell", POSIX)
@pytest.mark.parametrize("hook", ["bash", "zsh", "dash", "posix"])
def test_a_hook_without_quotes_around_it(shell: str, hook: str, root: Path, tmp_path: Path) -> None:
    exe = make_executable(tmp_path)
    code = f"eval $({exe} shell hook -s {hook} -r {root})\nwhipsnake activate b\necho $CONDA_PREFIX\n"
    ran = run_script(shell, code, tmp_path, session_environ(tmp_path))
    assert (ran.stdout.decode(), ran.stderr) == (f"{root}/envs/b\n", b"")


def test_fish(root: Path, tmp_path: Path) -> None:
    exe = make_executable(tmp_path)
    a, b = f"{root}/envs/my a", f"{root}/envs/b"
    code = f"""
function fish_prompt; printf '[%s]> ' $status; end
{exe} shell hook --shell fish --root-prefix {root} | source
function show; printf '%s\\0' $argv[1] "$CONDA_PREFIX" "$CONDA_SHLVL" "$OWN" "$NASTY" "$PATH" "$TRACE"; end
whipsnake activate '{a}'
show a
whipsnake activate b
show b
false; fish_prompt; printf '\\0'
whipsnake deactivate
whipsnake deactivate
show end
whipsnake activate nowhere 2>/dev/null; printf '%s\\0' $status
"""
    ran = run_script("fish", code, tmp_path, session_environ(tmp_path))
    words, start = os.fsdecode(ran.stdout).split("\0"), f"{root}/condabin:/usr/bin:/bin"
    assert words[:6] == ["a", a, "1", "a", NASTY, f"{a}/bin:{start}"]
    assert words[7:13] == ["b", b, "2", "mine", "", f"{b}/bin:{start}"]
    assert words[13].endswith(" activate-b-1 activate-b-2")
    assert words[14] == "(b) [1]> "
    assert words[15:21] == ["end", "", "0", "mine", "", start]
    assert words[-2] == "1"


def test_tcsh(root: Path, tmp_path: Path) -> None:
    exe = make_executable(tmp_path)
    code = f"""
set prompt='> '
{exe} shell hook --shell tcsh --root-prefix {root} > {tmp_path}/hook.csh
source {tmp_path}/hook.csh
whipsnake activate '{root}/envs/my a'
printf '%s\\0' "$CONDA_PREFIX" "$NASTY:q" "$PATH" "$prompt:q"
whipsnake activate b
printf '%s\\0' "$CONDA_PREFIX" "$OWN" "$PATH" "$prompt:q"
whipsnake deactivate
whipsnake deactivate
printf '%s\\0' "$?CONDA_PREFIX" "$OWN" "$PATH" "$prompt:q"
whipsnake activate nowhere >& /dev/null
printf '%s\\0' $status
whipsnake activate --help
"""
    ran = run_script("tcsh", code, tmp_path, session_environ(tmp_path))
    words, start = os.fsdecode(ran.stdout).split("\0"), f"{root}/condabin:/usr/bin:/bin"
    assert words[:4] == [f"{root}/envs/my a", NASTY, f"{root}/envs/my a/bin:{start}", "(my a) > "]
    assert words[4:8] == [f"{root}/envs/b", "mine", f"{root}/envs/b/bin:{start}", "(b) > "]
    assert words[8:13] == ["0", "mine", start, "> ", "1"]
    assert words[13].startswith("usage: whipsnake activate ")


def test_xonsh(root: Path, tmp_path: Path) -> None:
    exe = make_executable(tmp_path)
    code = f"""
execx($({exe} shell hook --shell xonsh --root-prefix {root}))
whipsnake activate "{root}/envs/my a"
print($CONDA_PREFIX, ascii($NASTY), $PATH[0], sep="|")
whipsnake activate b
print($CONDA_PREFIX, $OWN, $PATH[0], sep="|")
whipsnake deactivate
whipsnake deactivate
print("CONDA_PREFIX" in ${{...}}, $OWN, $PATH[0], sep="|")
"""
    ran = run_script("xonsh", code, tmp_path, session_environ(tmp_path))
    a, b = f"{root}/envs/my a", f"{root}/envs/b"
    assert os.fsdecode(ran.stdout).splitlines() == [
        f"{a}|{NASTY!a}|{a}/bin",
        f"{b}|mine|{b}/bin",
        f"False|mine|{root}/condabin",
    ]


def test_nu(root: Path, tmp_path: Path) -> None:
    need("nu")
    exe, environ = make_executable(tmp_path), session_environ(tmp_path)
    setup = [str(exe), "init", "--root-prefix", str(root), "--shell", "nu", "--executable", str(exe)]
    subprocess.run(setup, env=environ, check=True, capture_output=True)
    rc = (tmp_path / "home/.config/nushell/config.nu").read_text()
    code = f"""
{rc}
def show [] {{
    print ([$env.CONDA_PREFIX? $env.OWN? $env.NASTY? $env.PATH.0 $env.CONDA_PROMPT_MODIFIER?] | to json -r)
}}
whipsnake activate '{root}/envs/my a'
show
whipsnake activate b
show
print (whipsnake --version | to json)
try {{ whipsnake activate nowhere }} catch {{ print '"failed"' }}
whipsnake deactivate
whipsnake deactivate
show
whipsnake activate -n b --stack
print (whipsnake activate --help | lines | first | to json)
print (do $env.PROMPT_COMMAND | to json)
"""
    ran = run_script("nu", code, tmp_path, environ)
    a, b = f"{root}/envs/my a", f"{root}/envs/b"
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        [a, "a", NASTY, f"{a}/bin", "(my a) "],
        [b, "mine", None, f"{b}/bin", "(b) "],
        __version__,
        "failed",
        [None, "mine", None, f"{root}/condabin", None],
        "usage: whipsnake activate [-h] [--stack] [--rc-file FILE] [--no-rc] [--no-env]",
        "(b) ",
    ]


def test_nu_keeps_the_prompt_that_somebody_set_later(root: Path, tmp_path: Path) -> None:
    exe = make_executable(tmp_path)
    hook = f"{exe} shell hook --shell nu --root-prefix {root} | save hook.nu"
    assert run_script("nu", hook, tmp_path, session_environ(tmp_path)).stderr == b""
    code = """
source hook.nu
$env.PROMPT_COMMAND = {|| "first> "}
whipsnake activate b
source hook.nu
whipsnake reactivate
print (do $env.PROMPT_COMMAND)
$env.PROMPT_COMMAND = {|| "second> "}
whipsnake reactivate
print (do $env.PROMPT_COMMAND)
"""
    ran = run_script("nu", code, tmp_path, session_environ(tmp_path))
    assert (ran.stdout.decode(), ran.stderr) == ("(b) first> \n(b) second> \n", b"")


RC_FILES = {
    "bash": ".bashrc",
    "zsh": ".zshrc",
    "fish": ".config/fish/config.fish",
    "tcsh": ".tcshrc",
    "xonsh": ".xonshrc",
}


@pytest.mark.parametrize("shell", RC_FILES)
def test_init_makes_new_shells_ready(shell: str, root: Path, tmp_path: Path) -> None:
    need(shell)
    exe, environ, rc = make_executable(tmp_path), session_environ(tmp_path), tmp_path / "home" / RC_FILES[shell]
    for _ in range(2):
        setup = [str(exe), "init", "--root-prefix", str(root), "--shell", shell, "--executable", str(exe)]
        subprocess.run(setup, env=environ, check=True, capture_output=True)
    assert rc.read_text().count("# >>> mamba initialize >>>") == 1
    code = f"source {rc}\nwhipsnake activate b\nprintf '%s\\n' $CONDA_PREFIX\nwhipsnake deactivate\n"
    ran = run_script(shell, code, tmp_path, environ)
    assert ran.stderr.decode() == ""
    assert ran.stdout.decode().splitlines()[0] == f"{root}/envs/b"
    subprocess.run([str(exe), "shell", "deinit", "-s", shell], env=environ, check=True, capture_output=True)
    assert not rc.exists()


def test_a_start_up_file_whose_program_has_gone(root: Path, tmp_path: Path) -> None:
    exe, environ = make_executable(tmp_path), session_environ(tmp_path)
    code = f"{exe} init -r {root} -s bash >/dev/null\nrm {exe}\n. ~/.bashrc\necho fine\n"
    ran = run_script("bash", "set -eu\n" + code, tmp_path, environ)
    assert (ran.stdout, ran.stderr) == (b"fine\n", b"")
