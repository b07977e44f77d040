"""The hook as files in the root prefix, where mamba has them: to be sourced by people's own scripts and images.

Rule of this file: pure but for `write_files` and `remove_files`, which touch nothing that somebody else made: a file
that a package brought stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import msgspec

from engine.shell.dialect import Program, dialect_of

_MARK = "is managed by '"

_FILES = {
    ".sh": ("etc/profile.d/mamba.sh",),
    ".csh": ("etc/profile.d/mamba.csh",),
    ".fish": ("etc/fish/conf.d/mamba.fish",),
    ".ps1": ("condabin/mamba_hook.ps1",),
}
"""By the ending of the shell's scripts."""


def root_files(program: Program) -> dict[str, str]:
    """Path in the root prefix → content, for one shell."""
    if program.shell in ("cmd", "cmd.exe"):
        return _batch_files(program)
    if program.shell == "xonsh":
        return {"etc/profile.d/mamba.xsh": _marked("#", program, dialect_of("xonsh").hook(program))}
    dialect = dialect_of(program.shell)
    if dialect.script_extension == ".sh":  # one file serves bash, zsh and all their kin
        program = msgspec.structs.replace(program, shell="posix")
    hook = dialect.hook(program)
    return {path: _marked("#", program, hook) for path in _FILES.get(dialect.script_extension, ())}


def _batch_files(program: Program) -> dict[str, str]:
    from engine.shell import cmd

    files = {
        f"condabin/{program.name}.bat": dialect_of("cmd.exe").hook(program),
        "condabin/mamba_hook.bat": cmd.start_up(program),
        "condabin/activate.bat": cmd.activate_script(program),
        "Scripts/activate.bat": cmd.activate_script(program),
    }
    return {path: _marked("@REM", program, text) for path, text in files.items()}


def _marked(comment: str, program: Program, text: str) -> str:
    return f"{comment} This file {_MARK}{program.name} shell init'.\n{text}"


def write_files(root_prefix: str, files: Mapping[str, str], warn: Callable[[str], None]) -> None:
    """Put the files there. A root prefix that can't be written to does without them."""
    for path, text in files.items():
        place = os.path.join(root_prefix, path)
        try:
            if os.path.lexists(place) and not _is_ours(place) and _is_of_a_package(root_prefix):
                continue
            os.makedirs(os.path.dirname(place), exist_ok=True)
            newline = "\r\n" if path.endswith((".bat", ".ps1")) else "\n"
            with open(place, "w", encoding="utf-8", errors="surrogateescape", newline=newline) as file:
                file.write(text)
        except OSError as error:
            warn(f"The hook was not written to {place}: {error.strerror}.")


def remove_files(root_prefix: str, paths: Mapping[str, str], warn: Callable[[str], None]) -> None:
    """Take ours away again, and the directories that are empty then."""
    for path in paths:
        place = os.path.join(root_prefix, path)
        try:
            if not _is_ours(place):
                continue
            os.unlink(place)
            directory = os.path.dirname(place)
            while directory != root_prefix and not os.listdir(directory):
                os.rmdir(directory)
                directory = os.path.dirname(directory)
        except OSError as error:
            warn(f"{place} was not removed: {error.strerror}.")


def _is_ours(place: str) -> bool:
    try:
        with open(place, "rb") as file:
            return _MARK.encode() in file.readline(300)
    except OSError:
        return False


def _is_of_a_package(root_prefix: str) -> bool:
    """Whether mamba itself is installed there, whose files these are."""
    try:
        names = os.listdir(os.path.join(root_prefix, "conda-meta"))
    except OSError:
        return False
    return any(name.startswith(("mamba-", "micromamba-")) and name.endswith(".json") for name in names)
