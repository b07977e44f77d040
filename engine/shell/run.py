"""Running a program in an environment without a shell that was initialised.

Rule of this file: on POSIX this process becomes the program (exec), so that its exit code, its signals and its
terminal are its own and nothing of ours stays in memory. A shell stands between only where scripts have to run: it
reads its orders from a file descriptor (a command line could be read by everybody, and variables hold secrets) and
then becomes the program too.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar, NoReturn

import msgspec

from engine.errors import PrefixError, StorageError, UsageError, WhipsnakeError
from engine.shell.environment import Activator, Rules
from engine.shell.facts import Notice, read_facts
from engine.shell.operations import Operation, Source, applied
from engine.shell.posix import quote
from engine.shell.program import find_program


class CommandNotFound(WhipsnakeError):
    """There is no such program in the environment: 127, as shells say."""

    exit_code: ClassVar[int] = 127


class CommandNotExecutable(WhipsnakeError):
    """The program is there and can't be started: 126, as shells say."""

    exit_code: ClassVar[int] = 126


class RunRequest(msgspec.Struct, frozen=True):
    """What to run, where, and with what around it."""

    prefix: str
    command: Sequence[str]
    root_prefix: str
    environ: Mapping[str, str]
    """The variables that activation starts from."""
    cwd: str | None = None
    closed: frozenset[str] = frozenset()
    """Which of stdin, stdout and stderr the program shall not have: they become /dev/null."""
    override: Mapping[str, str] = {}
    """Variables that win over those of the environment."""
    label: str | None = None
    """What the process is called in listings (its argument zero); None: as the command."""
    windows: bool = sys.platform == "win32"


class Prepared(msgspec.Struct, frozen=True):
    """A program ready to be started."""

    argv: tuple[str, ...]
    environ: dict[str, str]
    script: str
    """Shell code to run before; empty if there is none."""


def prepare(request: RunRequest, notice: Notice) -> Prepared:
    """Compute the activated environment of ``request``; reads the prefix, changes nothing."""
    if not request.command:
        raise UsageError("There is no command to run.", hint="`whipsnake run -n NAME COMMAND…`")
    if not os.path.isdir(request.prefix):
        raise PrefixError(
            f"Could not run {request.command[0]!r}. The given prefix does not exist: {request.prefix}",
            hint="`whipsnake env list` shows the environments that are known.",
        )
    operations = _operations(request, notice)
    if not any(isinstance(operation, Source) for operation in operations):
        return Prepared(tuple(request.command), {**applied(operations, request.environ), **request.override}, "")
    return Prepared(tuple(request.command), dict(request.environ), _script(request, operations))


def _operations(request: RunRequest, notice: Notice) -> list[Operation]:
    extension, separator = (".bat", ";") if request.windows else (".sh", ":")
    rules = Rules(request.root_prefix, separator)
    activator = Activator(
        request.environ,
        rules,
        cache(lambda prefix: read_facts(prefix, extension, notice, windows=request.windows)),
    )
    return activator.activate(request.prefix)


def _script(request: RunRequest, operations: Sequence[Operation]) -> str:
    from engine.shell.dialect import dialect_of
    from engine.shell.operations import Export

    after = [Export(name, value) for name, value in request.override.items()]
    return dialect_of("cmd.exe" if request.windows else "posix").render([*operations, *after])


def execute(request: RunRequest, notice: Notice) -> int:
    """Become the program of ``request`` (POSIX; returns never), or wait for it and return its code (Windows)."""
    prepared = prepare(request, notice)
    _change_directory(request.cwd)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if request.windows:
        from engine.shell.run_windows import call

        try:
            return call(prepared.argv, prepared.environ, prepared.script, request.closed)
        except OSError as error:
            raise _not_started(prepared.argv[0], error) from error
    _close(request.closed)
    _restore_signals()
    become = _exec_through_shell if prepared.script else _exec
    return become(prepared, request.label)


def _change_directory(cwd: str | None) -> None:
    if cwd is None:
        return
    try:
        os.chdir(cwd)
    except FileNotFoundError as error:
        raise StorageError(f"Could not run there. The given path does not exist: {cwd}") from error
    except OSError as error:
        raise StorageError.from_os_error(f"run in the directory {cwd}", error) from error


def _close(names: frozenset[str]) -> None:
    """Put /dev/null in place of standard streams."""
    if not names:
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if name in names:
            os.dup2(nothing, number)
    if nothing > 2:
        os.close(nothing)


def _restore_signals() -> None:
    """Give back what Python took when it started: what is ignored stays ignored over an exec."""
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def _exec(prepared: Prepared, label: str | None) -> NoReturn:
    name, argv = prepared.argv[0], [label or prepared.argv[0], *prepared.argv[1:]]
    path = name if os.path.dirname(name) else find_program(name, prepared.environ.get("PATH", os.defpath))
    if path is None:
        raise CommandNotFound(f"Could not run {name!r}: there is no such program in the environment or in PATH.")
    try:
        os.execve(path, argv, prepared.environ)
    except OSError as error:
        if error.errno == errno.ENOEXEC:  # a script without "#!": for sh, as POSIX and every shell have it
            os.execve("/bin/sh", ["sh", path, *argv[1:]], prepared.environ)
        raise _not_started(name, error) from error


def _not_started(name: str, error: OSError) -> CommandNotFound | CommandNotExecutable:
    if error.errno == errno.ENOENT:
        return CommandNotFound(f"Could not run {name!r}: {os.strerror(error.errno)}.")
    return CommandNotExecutable(f"Could not run {name!r}: {error.strerror}.")


def _exec_through_shell(prepared: Prepared, label: str | None) -> NoReturn:
    """Let a shell run the scripts and become the program. bash is preferred: activate.d scripts are written for it."""
    path = prepared.environ.get("PATH", os.defpath)
    bash = find_program("bash", path)
    source, vanish = _hand_over(prepared.script, long_numbers=bash is not None)
    become = 'exec -a "$0"' if bash and label else "exec"
    argv = ["bash" if bash else "sh", "-c", f'. {source}; {vanish}; {become} "$@"', label or prepared.argv[0]]
    os.execve(bash or find_program("sh", path) or "/bin/sh", [*argv, *prepared.argv], prepared.environ)


def _hand_over(text: str, *, long_numbers: bool) -> tuple[str, str]:
    """A file with ``text`` for a shell to read, and the code that makes it vanish then.

    ``long_numbers``: whether the shell can close descriptors above 9. If not, one stays open, which harms nobody.
    """
    descriptor = _nameless_file()
    source = f"/dev/fd/{descriptor}"
    vanish = f"exec {descriptor}<&-" if long_numbers or descriptor < 10 else ":"
    if not os.access(source, os.R_OK):  # no /proc, as in some containers: then a file with a name, for us alone
        import tempfile

        os.close(descriptor)
        descriptor, path = tempfile.mkstemp(prefix="whipsnake-")
        source = quote(path)
        vanish = f"command rm -f {source}"
    data = memoryview(os.fsencode(text))
    while data:
        data = data[os.write(descriptor, data) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return source, vanish


def _nameless_file() -> int:
    """An open file that nobody else can find, and that an exec hands on."""
    try:
        descriptor = os.memfd_create("activation", 0)
    except (AttributeError, OSError):  # not Linux, or a kernel that is set to refuse it
        import tempfile

        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.set_inheritable(descriptor, True)
    return descriptor


def detach() -> int | None:
    """Go on in a child without a terminal, its streams /dev/null; the parent gets its pid, the child None."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    _close(frozenset(("stdin", "stdout", "stderr")))
    return None
