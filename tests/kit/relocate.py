"""Makes compiled files fit to move: no debug information, library paths that follow the file or hold a placeholder."""

from __future__ import annotations

import os
import posixpath
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.kit.package import Content, File

ELF = b"\x7fELF"
MAGIC = (ELF, b"\xcf\xfa\xed\xfe")
"""How compiled files begin (ELF, Mach-O of 64 bits)."""
_MAIN = """
extern int Py_BytesMain(int argc, char **argv);
int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
"""


class NoCompiler(Exception):
    """There is no C compiler on this machine."""


class Interpreter(Protocol):
    """What must be known of an interpreter to link it anew."""

    @property
    def prefix(self) -> str: ...
    @property
    def executable(self) -> str: ...
    @property
    def libdir(self) -> str: ...
    @property
    def soname(self) -> str: ...
    @property
    def shared(self) -> bool: ...


def compiler() -> list[str]:
    """The command of the C compiler. Raises `NoCompiler`."""
    told = shlex.split(os.environ.get("CC", "")) or shlex.split(sysconfig.get_config_var("CC") or "")
    for command in (told, ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]):
            return command[:1]
    raise NoCompiler("no C compiler found (cc, gcc or clang)")


def compile_c(source: str, *flags: str) -> bytes:
    """What the C compiler makes of a source text, debug information left out."""
    with tempfile.TemporaryDirectory() as folder:
        code, out = Path(folder, "code.c"), Path(folder, "out")
        code.write_text(source)
        command = [*compiler(), "-O1", "-g0", str(code), "-o", str(out), *flags]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)}\n{done.stderr}")
        return out.read_bytes()


def executable(python: Interpreter, placeholder: str) -> bytes:
    """The interpreter's executable, fit to move.

    A shared build's is linked anew (it is but a call of `Py_BytesMain`), as the old library path can't be made longer.
    Like conda's own builds it finds its library from where it lies itself, so that it starts in a prefix that is
    being made; ``placeholder`` stands behind that. Without a compiler, and for libraries that the system finds by
    itself, the file is taken as it is, its library path made relative.
    """
    library = Path(python.libdir, python.soname)
    if sys.platform == "linux" and python.shared and library.is_file() and python.prefix != "/usr":
        try:
            rpath = f"-Wl,-rpath,$ORIGIN/../lib:{placeholder}/lib"
            return compile_c(_MAIN, str(library), rpath, "-Wl,--enable-new-dtags", "-Wl,--build-id=none")
        except NoCompiler:
            pass  # the relative path below does as well, it merely leaves no placeholder to replace
    content = File(Path(python.executable).read_bytes(), mode=0o755)
    moved = with_own_runpath("bin/python", stripped({"bin/python": content})["bin/python"], python.prefix)
    return moved.content if isinstance(moved, File) else b""


def with_own_runpath(path: str, content: Content, prefix: str) -> Content:
    """The file with an ELF run path ``<prefix>/lib`` written as ``$ORIGIN/…``, in place; others as they are."""
    if not isinstance(content, File) or not content.content.startswith(ELF):
        return content
    old = b"\0" + f"{prefix}/lib".encode() + b"\0"
    relative = posixpath.relpath("lib", posixpath.dirname(path))
    new = b"\0" + f"$ORIGIN/{relative}".encode()
    if len(new) >= len(old):
        return content
    return File(content.content.replace(old, new.ljust(len(old), b"\0"), 1), mode=content.mode)


def stripped(files: Mapping[str, Content]) -> dict[str, Content]:
    """The files, the compiled ones without debug information (where the machine has ``strip``)."""
    compiled = [(path, c) for path, c in files.items() if isinstance(c, File) and c.content.startswith(ELF)]
    strip = shutil.which("strip")
    if strip is None or not compiled:
        return dict(files)
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder, str(number)) for number in range(len(compiled))]
        for copy, (_, content) in zip(copies, compiled, strict=True):
            copy.write_bytes(content.content)
        _run([strip, "--strip-debug", *map(str, copies)])
        made = {path: File(copy.read_bytes(), mode=c.mode) for copy, (path, c) in zip(copies, compiled, strict=True)}
    return {**files, **made}


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
