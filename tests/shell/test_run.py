"""Programs in environments: really started, with real shells between where scripts have to run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import PrefixError, UsageError
from engine.shell.run import RunRequest, prepare
from tests.shell.sessions import ROOT, make_environment, whipsnake

NASTY = 'it\'s $(touch pwned) `touch pwned` "q"\n\\ é'
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="exec is a thing of POSIX")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "MAMBA_ROOT_PREFIX": str(tmp_path / "root")}


@pytest.fixture
def plain(tmp_path: Path) -> str:
    return str(make_environment(tmp_path / "root" / "envs" / "plain"))


@pytest.fixture
def scripted(tmp_path: Path) -> str:
    variables = json.dumps({"nasty": NASTY, "OWN": "environment"})
    return str(make_environment(tmp_path / "root" / "envs" / "it's me", scripts=True, variables=variables))


@pytest.fixture(params=["plain", "scripted"])
def prefix(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def variables_of(ran: subprocess.CompletedProcess[bytes]) -> dict[str, str]:
    assert ran.returncode == 0, ran.stderr
    return dict(item.split("=", 1) for item in os.fsdecode(ran.stdout).split("\0") if item)


def test_the_activated_environment(environ: dict[str, str], scripted: str, tmp_path: Path) -> None:
    found = variables_of(whipsnake(["run", "-p", scripted, "env", "-0"], environ, cwd=tmp_path))
    assert found["NASTY"] == NASTY
    assert found["TRACE"] == " activate-it's me-1 activate-it's me-2"
    assert (found["CONDA_PREFIX"], found["CONDA_SHLVL"], found["CONDA_DEFAULT_ENV"]) == (scripted, "1", "it's me")
    assert found["PATH"].startswith(f"{scripted}/bin:{tmp_path}/root/condabin:")
    assert not (tmp_path / "pwned").exists()


def test_by_name_and_from_an_active_environment(environ: dict[str, str], plain: str, scripted: str) -> None:
    environ |= {"CONDA_PREFIX": scripted, "CONDA_SHLVL": "1", "OWN": "environment", "__CONDA_SHLVL_0_OWN": "mine"}
    found = variables_of(whipsnake(["run", "-n", "plain", "env", "-0"], environ))
    assert (found["CONDA_PREFIX"], found["CONDA_PREFIX_1"], found["OWN"]) == (plain, scripted, "mine")
    assert found["TRACE"] == " deactivate-it's me-2 deactivate-it's me-1"


def test_exit_codes(environ: dict[str, str], prefix: str) -> None:
    assert whipsnake(["run", "-p", prefix, "sh", "-c", "exit 42"], environ).returncode == 42
    missing = whipsnake(["run", "-p", prefix, "no-such-program"], environ)
    assert missing.returncode == 127
    assert b"no-such-program" in missing.stderr
    (Path(prefix) / "bin" / "data").touch()
    assert whipsnake(["run", "-p", prefix, f"{prefix}/bin/data"], environ).returncode == 126


def test_death_by_a_signal_is_passed_on(environ: dict[str, str], prefix: str) -> None:
    assert whipsnake(["run", "-p", prefix, "sh", "-c", "kill -TERM $$"], environ).returncode == -signal.SIGTERM


def test_signals_reach_the_program_itself(environ: dict[str, str], prefix: str) -> None:
    code = "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.02; done"
    command = [sys.executable, str(ROOT / "cli.py"), "run", "-p", prefix, "sh", "-c", code]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b"got it\n"
    assert process.returncode == 9


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="there is no /proc")
def test_no_signal_stays_ignored_and_no_file_open(environ: dict[str, str], prefix: str) -> None:
    ran = whipsnake(["run", "-p", prefix, "sh", "-c", "cat /proc/self/status; ls /proc/self/fd"], environ)
    lines = ran.stdout.decode().splitlines()
    ignored = next(line for line in lines if line.startswith("SigIgn:"))
    assert int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0
    assert len([line for line in lines if line.isdigit()]) == 4  # the three, and the directory that ls reads


def test_nothing_is_added_to_the_output(environ: dict[str, str], prefix: str) -> None:
    ran = whipsnake(["run", "-p", prefix, "--no-capture-output", "echo", "--json", "-n", "x"], environ)
    assert (ran.stdout, ran.stderr) == (b"--json -n x\n", b"")


def test_words_reach_the_program_unchanged(environ: dict[str, str], prefix: str) -> None:
    words = ["", " ", "a b", "*", "$HOME", "'", '"', "\\", "-p", "--", "é\n"]
    ran = whipsnake(["run", "-p", prefix, "--", "printf", "%s\\0", *words], environ)
    assert os.fsdecode(ran.stdout).split("\0")[:-1] == words


def test_directory_and_variables(environ: dict[str, str], scripted: str, tmp_path: Path) -> None:
    words = ["run", "-p", scripted, "--cwd", str(tmp_path), "-e", "OWN=a=b", "--env", "PASSED", "-e", "GONE"]
    ran = whipsnake([*words, "--clean-env", "env", "-0"], {**environ, "PASSED": "on", "LEFT": "out"})
    found = variables_of(ran)
    assert (found["OWN"], found["PASSED"]) == ("a=b", "on")
    assert "LEFT" not in found
    assert found["PATH"].endswith("/condabin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    assert b"GONE" in ran.stderr
    assert whipsnake([*words, "pwd"], environ).stdout.strip() == os.fsencode(tmp_path)
    wrong = whipsnake(["run", "-p", scripted, "--cwd", "/no/such", "pwd"], environ)
    assert wrong.returncode == 1
    assert b"/no/such" in wrong.stderr


def test_attaching_only_some_streams(environ: dict[str, str], prefix: str) -> None:
    code = ["sh", "-c", "cat; echo out; echo err >&2"]
    start = ["run", "-p", prefix, "-a"]
    assert whipsnake([*start, "stdout", *code], environ, input=b"in\n").stdout == b"out\n"
    ran = whipsnake([*start, "stdin,stderr", *code], environ, input=b"in\n")
    assert (ran.stdout, ran.stderr) == (b"", b"err\n")
    assert whipsnake([*start, "", *code], environ, input=b"in\n").stdout == b"in\nout\n"
    assert whipsnake([*start, "stdfoo", *code], environ).returncode == 2


def test_in_the_background(environ: dict[str, str], prefix: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    ran = whipsnake(["run", "-p", prefix, "-d", "sh", "-c", f"echo $$ > {trace}.new; mv {trace}.new {trace}"], environ)
    assert ran.returncode == 0
    for _ in range(500):
        if trace.exists():
            break
        time.sleep(0.01)
    assert trace.read_text().strip() in ran.stdout.decode()


@pytest.mark.parametrize("label", ["worker", "-a7Q", "--label"])
def test_a_label_is_the_name_of_the_process(label: str, environ: dict[str, str], prefix: str) -> None:
    """Whatever it looks like, as with micromamba; what stands behind the program is the program's."""
    run = ["run", "-v", "--label", label, "-p", prefix]
    if os.path.exists("/proc/self/cmdline"):
        assert whipsnake([*run, "sh", "-c", "echo $0"], environ).stdout == f"{label}\n".encode()
        words = ["sh", "-c", 'echo "$@"', "sh", "--label", "x"]
        assert whipsnake([*run, *words], environ).stdout == b"--label x\n"


def test_a_script_without_interpreter_line(environ: dict[str, str], prefix: str) -> None:
    script = Path(prefix) / "bin" / "plain-script"
    script.write_text('echo "ran $1"\n')
    script.chmod(0o755)
    assert whipsnake(["run", "-p", prefix, "plain-script", "x"], environ).stdout == b"ran x\n"


@pytest.mark.parametrize("lost", ["memfd_create", "access"])
def test_scripts_run_without_memfd_and_without_dev_fd(
    environ: dict[str, str], scripted: str, tmp_path: Path, lost: str
) -> None:
    (tmp_path / "t m'p").mkdir()
    patch = "def refuse(*a): raise PermissionError(13, 'refused')\nos.memfd_create = refuse\n"
    if lost == "access":  # what only asks for /dev/fd; programs have to be found still
        patch = "own = os.access\nos.access = lambda path, mode: not path.startswith('/dev/fd') and own(path, mode)\n"
    code = f"import os, sys\n{patch}from cli import main\nsys.exit(main(sys.argv[1:]))\n"
    command = [sys.executable, "-c", code, "run", "-p", scripted, "sh", "-c", 'echo $TRACE; ls "$TMPDIR"; exit 7']
    ran = subprocess.run(
        command,
        env={**environ, "TMPDIR": str(tmp_path / "t m'p")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (7, "activate-it's me-1 activate-it's me-2\n")


def test_mistakes(environ: dict[str, str], plain: str) -> None:
    request = RunRequest("/no/such/prefix", ["true"], "/root", {})
    with pytest.raises(PrefixError, match="prefix does not exist"):
        prepare(request, pytest.fail)
    with pytest.raises(UsageError, match="no command"):
        prepare(RunRequest(plain, [], "/root", {}), pytest.fail)
    assert whipsnake(["run", "-p", "/no/such/prefix", "true"], environ).returncode == 1
    assert whipsnake(["run", "-p", plain], environ).returncode == 2


def test_exec_before_the_command_is_passed_over(environ: dict[str, str], plain: str) -> None:
    """micromamba's wrapper is a shell, where it means something."""
    ran = whipsnake(["run", "-p", plain, "exec", "echo", "exec"], environ)
    assert (ran.returncode, ran.stdout) == (0, b"exec\n")
