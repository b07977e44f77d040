"""Start-up files of shells: our marked block put in, taken out, found again.

Rule of this file: only what is between the marks is ever touched, byte for byte; conda's own block is left alone.
The marks are those of mamba and micromamba, so that each of the three recognises, replaces and removes the block of
the others (one executable can own MAMBA_EXE at a time). What `deinit` leaves is what was there before `init`; a
file that only we needed is removed.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

import msgspec

from engine.errors import ConfigError, StorageError, UsageError
from engine.shell.dialect import Program, dialect_of


class Marks(msgspec.Struct, frozen=True):
    """The lines around the block."""

    start: str
    end: str


_MARKS = Marks("# >>> mamba initialize >>>", "# <<< mamba initialize <<<")
_POWERSHELL_MARKS = Marks("#region mamba initialize", "#endregion")

_FILES = {
    "zsh": (".zshrc",),
    "csh": (".tcshrc",),
    "tcsh": (".tcshrc",),
    "xonsh": (".xonshrc",),
    "fish": (".config", "fish", "config.fish"),
    "nu": ("nushell", "config.nu"),
}
"""Below the home directory. bash's depends on the system, PowerShell's has to be asked for."""

INITIALISABLE = ("bash", *_FILES, "powershell", "cmd.exe")


class RcChange(msgspec.Struct, frozen=True):
    """A start-up file as it is and as it should be; None: there is (or should be) no such file."""

    path: str
    before: bytes | None
    after: bytes | None
    block: str

    def write(self) -> None:
        """Make it so: written aside and renamed, through links, with the file's mode."""
        if self.before != self.after:
            try:
                _write(os.path.realpath(self.path), self.after)
            except OSError as error:
                raise StorageError.from_os_error(f"write {self.path}", error) from error


def plan_init(shell: str, path: str, program: Program) -> RcChange:
    """The file at ``path`` with a block for ``program``, in place of an older one or at its end."""
    marks, before = _marks(shell), _read(path)
    body = dialect_of(shell).block(program)
    text = f"{marks.start}\n# !! Contents within this block are managed by '{program.name} shell init' !!\n{body}"
    text += f"{marks.end}\n"
    return RcChange(path, before, with_block(before, os.fsencode(text), marks, path), text)


def plan_deinit(shell: str, path: str) -> RcChange:
    """The file at ``path`` without our block."""
    marks, before = _marks(shell), _read(path)
    after = before if before is None else without_block(before, marks, path)
    return RcChange(path, before, after, f"{marks.start}\n…\n{marks.end}\n")


def is_initialised(shell: str, path: str) -> bool:
    """Whether the file at ``path`` has our block."""
    return _marks(shell).start.encode() in (_read(path) or b"")


def with_block(content: bytes | None, block: bytes, marks: Marks = _MARKS, path: str = "") -> bytes:
    """``content`` (None: no file) with ``block`` as its only block of ours.

    A new block is always set off by a newline, also in a new file: setup-micromamba looks for the mark behind one.
    In an empty file one more follows: by that `without_block` knows the difference.
    """
    if not content:
        return b"\n" + block + (b"" if content is None else b"\n")
    pattern = _pattern(marks)
    found = pattern.search(content)
    if found is None:
        _check_unmarked(content, marks, path)
        return content + b"\n" + block
    rest = pattern.sub(_seam, content[found.end() :])
    _check_unmarked(content[: found.start()] + rest, marks, path)
    lead = b"\n" if found[0].startswith(b"\n") else b""
    return content[: found.start()] + lead + block + rest


def without_block(content: bytes, marks: Marks = _MARKS, path: str = "") -> bytes | None:
    """``content`` without any block of ours; None if the file was made for the block alone."""
    pattern = _pattern(marks)
    rest = pattern.sub(_seam, content)
    _check_unmarked(rest, marks, path)
    if rest == content:
        return content
    if rest == b"\n" and content.startswith(b"\n" + marks.start.encode()):
        return b""
    return rest or None


def rc_file(shell: str, home: str, environ: Mapping[str, str], system: str = sys.platform) -> str:
    """The start-up file of a shell.

    bash reads ``.bash_profile`` in the terminals of macOS and Windows, and ``.bashrc`` elsewhere. ZDOTDIR and
    XDG_CONFIG_HOME are heeded, as zsh, fish and nushell do.
    """
    if shell == "bash":
        return os.path.join(home, ".bash_profile" if system in ("darwin", "win32") else ".bashrc")
    if shell == "powershell":
        return _powershell_profile(environ)
    parts = _FILES.get(shell)
    if parts is None:
        names = ", ".join(INITIALISABLE)
        hint = f"Shells with a start-up file: {names}. For others evaluate what `shell hook -s {shell}` prints."
        raise UsageError(f"Could not initialise {shell}: it has no start-up file that could be edited.", hint=hint)
    base = home
    if shell == "zsh":
        base = environ.get("ZDOTDIR") or home
    elif shell == "nu":
        base = environ.get("XDG_CONFIG_HOME") or _settings_directory(home, environ, system)
    elif parts[0] == ".config" and environ.get("XDG_CONFIG_HOME"):
        base, parts = environ["XDG_CONFIG_HOME"], parts[1:]
    return os.path.join(base, *parts)


def _settings_directory(home: str, environ: Mapping[str, str], system: str) -> str:
    """Where programs keep their settings that follow the system's custom, as nushell does."""
    if system == "win32":
        return environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
    return os.path.join(home, "Library", "Application Support") if system == "darwin" else os.path.join(home, ".config")


def prepare_root(root_prefix: str) -> None:
    """Make the root prefix an (empty) environment if there is none, so that it can be activated as "base"."""
    meta = os.path.join(root_prefix, "conda-meta")
    if os.path.isdir(meta):
        return
    try:
        os.makedirs(meta)
        with open(os.path.join(meta, "history"), "xb"):
            pass
    except OSError as error:
        raise StorageError.from_os_error(f"make the root prefix {root_prefix}", error) from error


def _marks(shell: str) -> Marks:
    return _POWERSHELL_MARKS if shell == "powershell" else _MARKS


def _pattern(marks: Marks) -> re.Pattern[bytes]:
    """The block with the newline that sets it off."""
    start, end = re.escape(marks.start.encode()), re.escape(marks.end.encode())
    return re.compile(rb"(?:^|\n)" + start + rb".*?" + end + rb"(?:\r?\n|$)", re.DOTALL)


def _seam(block: re.Match[bytes]) -> bytes:
    """What remains between the lines around a block: a newline if they would become one line otherwise."""
    before, after = block.string[: block.start()], block.string[block.end() :]
    return b"\n" if after and before and not before.endswith(b"\n") and not after.startswith(b"\n") else b""


def _check_unmarked(content: bytes, marks: Marks, path: str) -> None:
    if marks.start.encode() in content:
        raise ConfigError(
            f"Could not edit {path}: expected {marks.end!r} after {marks.start!r}, found none.",
            hint="Complete or remove the block by hand, then try again.",
        )


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError.from_os_error(f"read {path}", error) from error


def _write(path: str, content: bytes | None) -> None:
    if content is None:
        os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    aside = f"{path}.whipsnake-{os.getpid()}"
    try:
        with open(aside, "xb") as file:
            if os.path.exists(path):
                os.chmod(aside, os.stat(path).st_mode & 0o7777)
            file.write(content)
        os.replace(aside, path)
    except BaseException:
        if os.path.exists(aside):
            os.unlink(aside)
        raise


def _powershell_profile(environ: Mapping[str, str]) -> str:
    """Where PowerShell's profile is, which only PowerShell knows."""
    import subprocess

    from engine.shell.program import find_program

    for name in ("pwsh", "powershell"):
        program = find_program(name, environ.get("PATH", ""))
        if program is None:
            continue
        command = [program, "-NoProfile", "-Command", "$PROFILE.CurrentUserAllHosts"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.strip()
    raise UsageError("Could not initialise powershell: found neither 'pwsh' nor 'powershell' in PATH.")
