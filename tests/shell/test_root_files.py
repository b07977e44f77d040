"""The hook as files in the root prefix."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.shell.dialect import Program
from engine.shell.root_files import remove_files, root_files, write_files
from tests.kit.tree import tree
from tests.shell.sessions import POSIX, make_environment, make_executable, run_script


def program(root: Path, shell: str, path: str = "/opt/bin/whipsnake") -> Program:
    return Program(path, "whipsnake", str(root), shell)


@pytest.mark.parametrize(
    ("shell", "names"),
    [
        ("bash", ["etc/profile.d/mamba.sh"]),
        ("zsh", ["etc/profile.d/mamba.sh"]),
        ("tcsh", ["etc/profile.d/mamba.csh"]),
        ("xonsh", ["etc/profile.d/mamba.xsh"]),
        ("fish", ["etc/fish/conf.d/mamba.fish"]),
        ("powershell", ["condabin/mamba_hook.ps1"]),
        ("nu", []),
        (
            "cmd.exe",
            ["Scripts/activate.bat", "condabin/activate.bat", "condabin/mamba_hook.bat", "condabin/whipsnake.bat"],
        ),
    ],
)
def test_they_are_where_mamba_has_them_and_leave_nothing(shell: str, names: list[str], tmp_path: Path) -> None:
    make_environment(tmp_path / "root")
    before = tree(tmp_path / "root")
    files = root_files(program(tmp_path / "root", shell))
    assert sorted(files) == sorted(names)
    warnings: list[str] = []
    for _ in range(2):
        write_files(str(tmp_path / "root"), files, warnings.append)
    assert all((tmp_path / "root" / name).is_file() for name in names)
    remove_files(str(tmp_path / "root"), files, warnings.append)
    assert tree(tmp_path / "root") == before and warnings == []


def test_what_a_package_or_the_user_made_stays(tmp_path: Path) -> None:
    files = root_files(program(tmp_path, "bash"))
    place = tmp_path / "etc/profile.d/mamba.sh"
    place.parent.mkdir(parents=True)
    place.write_text("mamba's own\n")
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "mamba-2.8.1-h_0.json").touch()
    write_files(str(tmp_path), files, pytest.fail)
    remove_files(str(tmp_path), files, pytest.fail)
    assert place.read_text() == "mamba's own\n"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_root_prefix_that_can_not_be_written_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    warnings: list[str] = []
    write_files(str(tmp_path), root_files(program(tmp_path, "bash")), warnings.append)
    tmp_path.chmod(0o700)
    assert len(warnings) == 1 and "mamba.sh" in warnings[0]


@pytest.mark.parametrize("shell", POSIX)
def test_a_script_can_source_it(shell: str, tmp_path: Path) -> None:
    root = make_environment(tmp_path / "root")
    exe = make_executable(tmp_path)
    write_files(str(root), root_files(program(root, "bash", str(exe))), pytest.fail)
    code = f"set -eu\n. '{root}/etc/profile.d/mamba.sh'\nwhipsnake activate base\necho $CONDA_PREFIX\n"
    ran = run_script(shell, code, tmp_path, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert (ran.stdout.decode(), ran.stderr) == (f"{root}\n", b"")
