"""Start-up files: the block goes in and out, and nothing else is touched."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError, StorageError, UsageError
from engine.shell.dialect import Program
from engine.shell.init import (
    is_initialised,
    plan_deinit,
    plan_init,
    prepare_root,
    rc_file,
    with_block,
    without_block,
)

START, END = b"# >>> mamba initialize >>>", b"# <<< mamba initialize <<<"
BLOCK = START + b"\nbody\n" + END + b"\n"
OLD = START + b"\n# !! Contents within this block are managed by 'micromamba shell init' !!\nold\n" + END + b"\n"
CONDA = b"# >>> conda initialize >>>\nconda\n# <<< conda initialize <<<\n"
PROGRAM = Program("/opt/bin/whipsnake", "whipsnake", "/opt/root", "bash")

CONTENTS = st.binary(max_size=40) | st.lists(st.sampled_from([b"\n", b"\r\n", b"a", CONDA, b"#"])).map(b"".join)


@given(st.none() | CONTENTS)
def test_out_is_as_before_in(content: bytes | None) -> None:
    assert without_block(with_block(content, BLOCK)) == content


@given(st.none() | CONTENTS)
def test_in_twice_is_as_in_once(content: bytes | None) -> None:
    once = with_block(content, BLOCK)
    assert with_block(once, BLOCK) == once


@given(CONTENTS, CONTENTS)
def test_an_older_block_is_replaced_in_its_place(before: bytes, after: bytes) -> None:
    content = before + b"\n" + OLD + after
    assert with_block(content, BLOCK) == before + b"\n" + BLOCK + after


def test_there_is_one_block_in_the_end() -> None:
    content = b"a\n" + OLD + b"b\n\n" + OLD + b"c\n"
    assert with_block(content, BLOCK) == b"a\n" + BLOCK + b"b\nc\n"
    assert without_block(content) == b"a\nb\nc\n"


@pytest.mark.parametrize("content", [None, b"", b"alias x=y\n", b"alias x=y"])
def test_the_block_begins_behind_a_newline(content: bytes | None) -> None:
    """setup-micromamba moves it to another file, and finds it by that."""
    assert b"\n" + BLOCK in with_block(content, BLOCK)
    assert without_block(OLD) is None  # as blocks in new files once were


def test_lines_around_the_block_do_not_become_one() -> None:
    assert without_block(with_block(b"first", BLOCK) + b"second\n") == b"first\nsecond\n"


def test_half_a_block_is_not_guessed_at() -> None:
    half = b"a\n" + START + b"\nb\n"
    for edit in (partial(with_block, half, BLOCK), partial(without_block, half)):
        with pytest.raises(ConfigError, match=r"/x/\.bashrc: expected '# <<<"):
            edit(path="/x/.bashrc")


def test_a_file_through_init_and_deinit(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "bashrc"
    target.parent.mkdir()
    target.write_bytes(b"alias ll='ls -l'\r\n" + CONDA + b"last line")
    target.chmod(0o640)
    path = tmp_path / ".bashrc"
    path.symlink_to(target)
    before = target.read_bytes()
    plan_init("bash", str(path), PROGRAM).write()
    assert is_initialised("bash", str(path))
    assert target.read_bytes().startswith(before)
    assert b"'whipsnake shell init'" in target.read_bytes()
    plan_deinit("bash", str(path)).write()
    assert target.read_bytes() == before
    assert path.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in target.parent.iterdir()] == ["bashrc"]


def test_a_file_made_for_the_block_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "config" / "fish" / "config.fish"
    plan_init("fish", str(path), PROGRAM).write()
    assert path.exists()
    plan_deinit("fish", str(path)).write()
    assert not path.exists()
    empty = tmp_path / ".zshrc"
    empty.touch()
    plan_init("zsh", str(empty), PROGRAM).write()
    plan_deinit("zsh", str(empty)).write()
    assert empty.read_bytes() == b""


def test_deinit_where_nothing_is(tmp_path: Path) -> None:
    change = plan_deinit("bash", str(tmp_path / ".bashrc"))
    change.write()
    assert (change.before, change.after) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"read .*file/\.bashrc"):
        plan_init("bash", str(tmp_path / "file" / ".bashrc"), PROGRAM)


def test_powershell_has_marks_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "profile.ps1"
    path.write_bytes(b"Set-Alias x y\n")
    plan_init("powershell", str(path), PROGRAM).write()
    text = path.read_text()
    assert "#region mamba initialize\n" in text
    assert text.endswith("#endregion\n")
    plan_deinit("powershell", str(path)).write()
    assert path.read_bytes() == b"Set-Alias x y\n"


@pytest.mark.parametrize(
    ("shell", "environ", "system", "expected"),
    [
        ("bash", {}, "linux", "/h/.bashrc"),
        ("bash", {}, "darwin", "/h/.bash_profile"),
        ("zsh", {}, "linux", "/h/.zshrc"),
        ("zsh", {"ZDOTDIR": "/z"}, "linux", "/z/.zshrc"),
        ("tcsh", {}, "linux", "/h/.tcshrc"),
        ("fish", {}, "linux", "/h/.config/fish/config.fish"),
        ("fish", {"XDG_CONFIG_HOME": "/x"}, "linux", "/x/fish/config.fish"),
        ("nu", {}, "linux", "/h/.config/nushell/config.nu"),
        ("nu", {"XDG_CONFIG_HOME": "/x"}, "darwin", "/x/nushell/config.nu"),
        ("nu", {}, "darwin", "/h/Library/Application Support/nushell/config.nu"),
    ],
)
def test_where_the_files_are(shell: str, environ: dict[str, str], system: str, expected: str) -> None:
    assert rc_file(shell, "/h", environ, system) == expected


@pytest.mark.parametrize("shell", ["dash", "posix", "cmd.exe"])
def test_shells_without_a_file_say_so(shell: str) -> None:
    with pytest.raises(UsageError, match="no start-up file"):
        rc_file(shell, "/h", {})


def test_the_root_becomes_an_environment_once(tmp_path: Path) -> None:
    root = tmp_path / "new" / "root"
    prepare_root(str(root))
    assert (root / "conda-meta" / "history").read_bytes() == b""
    (root / "conda-meta" / "history").write_text("kept")
    prepare_root(str(root))
    assert (root / "conda-meta" / "history").read_text() == "kept"
    assert os.listdir(root) == ["conda-meta"]
