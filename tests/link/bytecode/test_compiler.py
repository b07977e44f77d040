"""Byte-compiling with the environment's own Python, of any version."""

# ruff: noqa: ASYNC221, ASYNC240 - the tests look at the disk themselves, while nothing else runs

from __future__ import annotations

import glob
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.link.bytecode.compiler import BATCH, Compiler, Made, Source, batches, fit
from engine.link.plan.noarch import PythonInfo
from tests.kit.interpreter import Facts, interpreter_package
from tests.kit.package import PLACEHOLDER, File, make_package
from tests.kit.tree import tree
from tests.link.support import Recorder, cached, create

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name == "nt", reason="not run on Windows yet")]


def _others() -> list[str]:
    """Interpreters that pyenv keeps on this machine, where it does."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    return sorted(glob.glob(os.path.join(root, "versions", "*", "bin", "python")))


INTERPRETERS = {path.split(os.sep)[-3]: path for path in _others()} or {"running": sys.executable}


def facts(executable: str) -> PythonInfo:
    text = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run([executable, "-c", text], capture_output=True, text=True, check=True).stdout.strip()
    return PythonInfo(version, f"lib/python{version}/site-packages", "bin/python", "bin")


@pytest.mark.parametrize("name", sorted(INTERPRETERS))
async def test_every_python_takes_what_it_compiled(tmp_path: Path, name: str) -> None:
    """Sound files are compiled for the final path; compileall finds them current; unsound ones are passed over."""
    executable = INTERPRETERS[name]
    staging, final = tmp_path / "staging", "/final/prefix"
    (staging / "conda-meta").mkdir(parents=True)
    sources = {
        "pkg/good.py": b"def where(): return where.__code__.co_filename\n",
        "pkg/latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'",
        "pkg/windows.py": b"x = 1\r\ny = 2\r\n",
        "pkg/bad.py": b"def (:\n",
        "pkg/nul.py": b"x = '\0'",
        "pkg/empty.py": b"",
        "pkg/last.py": b"x = 1\n",
    }
    (staging / "pkg").mkdir()
    for path, data in sources.items():
        (staging / path).write_bytes(data)
        os.utime(staging / path, (1_700_000_000, 1_700_000_000))
    recorder = Recorder()
    compiler = Compiler(executable, facts(executable), str(staging), final, os.environ, recorder)
    answers = await compiler.compile([Source(path) for path in (*sources, "pkg/missing.py")])
    await compiler.close()
    assert [answer.source.path for answer in answers] == [*sources, "pkg/missing.py"]
    assert [answer.source.path for answer in answers if not answer.certain] == ["pkg/missing.py"]
    made = [answer.pyc for answer in answers if answer.pyc]
    assert all((staging / answer.pyc).stat().st_size == answer.size for answer in answers if answer.pyc)
    stems = {os.path.basename(path).partition(".")[0] for path in made}
    assert {"good", "latin", "windows", "empty", "last"} <= stems <= {path[4:-3] for path in sources} - {"bad"}
    assert all((staging / path).is_file() for path in made)
    notes = recorder.notices("debug")
    assert any("pkg/bad.py" in note for note in notes) and any("pkg/missing.py" in note for note in notes)
    compiled = next(path for path in made if os.path.basename(path).startswith("good."))
    assert f"{final}/pkg/good.py".encode() in (staging / compiled).read_bytes()
    (staging / "pkg" / "__init__.py").touch()
    ask = [executable, "-B", "-c", "import sys; sys.path.insert(0, '.'); from pkg import good, latin, windows"]
    subprocess.run(ask, cwd=staging, check=True)
    for path in ("bad", "nul", "__init__"):
        (staging / "pkg" / f"{path}.py").unlink()
    before = {path: (staging / path).stat().st_ino for path in made}
    check = [executable, "-m", "compileall", "pkg"]
    listed = subprocess.run(check, cwd=staging, capture_output=True, text=True, check=True).stdout
    assert "Compiling" not in listed
    assert before == {path: (staging / path).stat().st_ino for path in made if (staging / path).exists()}


async def test_a_python_that_does_not_run_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    for content in ("not a program", "#!/bin/sh\nexit 1\n"):
        (tmp_path / "python").write_text(content)
        (tmp_path / "python").chmod(0o755)
        recorder = Recorder()
        info = PythonInfo("3.12", "lib/python3.12/site-packages", "bin/python", "bin")
        compiler = Compiler(str(tmp_path / "python"), info, str(tmp_path), "/final", os.environ, recorder)
        assert await compiler.start() == ""
        for names in (("a.py", "b.py"), ("c.py",)):
            made = await compiler.compile([Source(name) for name in names])
            assert [(one.source.path, one.pyc, one.certain) for one in made] == [(name, "", False) for name in names]
        await compiler.close()
        assert len(recorder.notices("info")) == 1


async def test_a_source_that_kills_the_compiler_is_passed_over(tmp_path: Path) -> None:
    """The file at fault is skipped, the others are compiled by a new process."""
    (tmp_path / "conda-meta").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.py").write_text("x = 1\n")
    wrapper = tmp_path / "python"
    wrapper.write_text(
        f"#!{sys.executable}\nimport builtins, os, sys\nreal = compile\n"
        "def fake(data, name, *rest):\n    os._exit(9) if name.endswith('b.py') else None\n"
        "    return real(data, name, *rest)\n"
        "code = sys.argv[sys.argv.index('-c') + 1]\nexec(real(code, 'c', 'exec'), {'compile': fake})\n"
    )
    wrapper.chmod(0o755)
    info = PythonInfo("3.12", "lib/python3.12/site-packages", "bin/python", "bin")
    recorder = Recorder()
    compiler = Compiler(str(wrapper), info, str(tmp_path), "/final", os.environ, recorder)
    made = await compiler.compile([Source(path) for path in ("a.py", "b.py", "c.py")])
    await compiler.close()
    assert [(os.path.basename(one.pyc)[:1], one.certain) for one in made] == [("a", True), ("", False), ("c", True)]
    assert any("b.py" in note for note in recorder.notices("debug"))


def test_jobs_are_batches() -> None:
    sources = [f"{number}.py" for number in range(BATCH + 1)]
    assert fit([*sources, "odd\tname.py", "odd\nname.py"]) == sources
    assert [len(batch) for batch in batches([Source(path) for path in sources])] == [BATCH, 1]


async def test_a_whole_environment(tmp_path: Path) -> None:
    """Python arrives last; scripts run; nothing is stale; the prefix is nowhere but where it was baked in."""
    python = cached(interpreter_package(), tmp_path / "pkgs")
    version, site = python.record.version.rpartition(".")[0], Facts.of(sys.executable).site_packages
    modules = {f"site-packages/tool/m{number}.py": f"x = {number}\n" for number in range(BATCH + 5)}
    tool = make_package(
        "tool",
        noarch="python",
        entry_points=["tool = tool:main"],
        files={
            "site-packages/tool/__init__.py": "import sys\ndef main(): print(sys.prefix, sys.argv[1:])\n",
            "site-packages/tool/bad.py": "def (:\n",
            "site-packages/tool/where.py": f"prefix = '{PLACEHOLDER}'\n",
            "python-scripts/other": File(
                f"#!{PLACEHOLDER}/bin/python\nimport tool\nprint(tool.__name__)\n", mode=0o755
            ),
            **modules,
        },
    )
    stale = make_package(
        "stale",
        files={
            f"{site}/old.py": f"p = '{PLACEHOLDER}'\n",
            f"{site}/__pycache__/old.cpython-{version.replace('.', '')}.pyc": b"not current",
        },
    )
    prefix = tmp_path / "envs" / "test"
    recorder = Recorder()
    packages = [python, cached(tool, tmp_path / "pkgs"), cached(stale, tmp_path / "pkgs")]
    summary = await create(prefix, packages, arrival=[2, 1, 0], report=recorder)
    assert recorder.notices("warning") == []
    assert summary.compiled == len(modules) + 3
    for script, said in (("tool", f"{prefix} ['x']"), ("other", "tool")):
        done = subprocess.run([prefix / "bin" / script, "x"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr
    (prefix / f"{site}/tool/bad.py").unlink()
    before = tree(prefix)
    done = subprocess.run(
        [prefix / "bin" / "python", "-B", "-m", "compileall", prefix / site],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Compiling" not in done.stdout
    assert tree(prefix) == before
    source = Path(packages[2].directory, f"{site}/__pycache__")
    assert next(source.iterdir()).read_bytes() == b"not current", "the cache was written to"
    record = next((prefix / "conda-meta").glob("tool-*.json")).read_text()
    assert record.count('"pyc_file"') == len(modules) + 2
    assert '"unix_python_entry_point"' in record


async def test_no_pyc(tmp_path: Path) -> None:
    python = cached(interpreter_package(), tmp_path / "pkgs")
    tool = cached(make_package("tool", noarch="python", files={"site-packages/a.py": "x = 1\n"}), tmp_path / "pkgs")
    summary = await create(tmp_path / "env", [python, tool], compile_pyc=False)
    assert summary.compiled == 0 and not list((tmp_path / "env").glob("**/site-packages/__pycache__"))


async def test_paths_have_slashes_whatever_the_systems_python_says(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler(sys.executable, facts(sys.executable), "/staging", "C:\\envs\\a", os.environ, Recorder())
    answer = rb"+77" + b"\t" + rb"C:\envs\a/Lib/pkg\__pycache__\x.cpython-312.pyc"
    source = Source("Lib/pkg/x.py")
    with monkeypatch.context() as patch:
        patch.setattr(os, "sep", "\\")
        assert compiler._read(source, answer) == Made(source, "Lib/pkg/__pycache__/x.cpython-312.pyc", 77)
