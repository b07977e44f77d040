"""Byte-compiles Python files in processes of their own. Rule: a file that does not compile is nobody's failure.

One compiler reads lines ``source TAB name TAB target`` from its stdin (the file to read; the path that tracebacks shall
show, which is that in the final prefix; where to write, or nothing for the usual place). It first says of which kind it
is, then answers each line with one of its own: ``+``, the size and the path that Python will look for; ``-`` and a
reason where the source is at fault; ``!`` and a reason where something else is. What it writes is what Python's own
``compileall`` writes (PEP 3147, PEP 552: time and size of the source), so that one finds nothing to do later. It serves
CPython 2.7 and 3.4 to 3.15, and PyPy.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import anyio
import msgspec
from anyio.abc import Process

from engine.events import Notice, Report
from engine.link.plan.noarch import PythonInfo

BATCH = 32
"""Files handed over at once: enough to keep a compiler busy, few enough to share the work evenly."""

COMPILER = r"""
import binascii, marshal, os, struct, sys
new = sys.version_info[0] > 2
try:
    from importlib.util import MAGIC_NUMBER as magic, cache_from_source as place
    tag = sys.implementation.cache_tag or "none"
except ImportError:
    import imp
    magic = imp.get_magic()
    place = lambda path: path + "c"
    tag = "%s-%d%d" % (("pypy" if "PyPy" in sys.version else "cpython",) + sys.version_info[:2])
kind = b"=" + tag.encode("ascii") + b"." + binascii.hexlify(magic)
if sys.version_info >= (3, 7):
    magic += b"\0\0\0\0"
reading = sys.stdin.buffer if new else sys.stdin
writing = sys.stdout.buffer if new else sys.stdout
swap = os.replace if new else os.rename
flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

def create(path, mode, body):
    opened = os.open(path, flags, (mode | 0o200) & 0o666)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(body)
    except BaseException:
        os.unlink(path)
        raise

def build(source, name, target):
    with open(source, "rb") as file:
        status = os.fstat(file.fileno())
        data = file.read()
    code = compile(data, name, "exec", 0, 1)
    head = magic + struct.pack("<L", int(status.st_mtime) & 0xFFFFFFFF)
    if new:
        head += struct.pack("<L", len(data) & 0xFFFFFFFF)
    body = head + marshal.dumps(code)
    if target:
        create(target, status.st_mode, body)
        return len(body)
    target = place(source)
    aside = "%s.whipsnake-%d" % (target, os.getpid())
    try:
        os.mkdir(os.path.dirname(target))
    except OSError:
        pass
    create(aside, status.st_mode, body)
    try:
        swap(aside, target)
    except BaseException:
        os.unlink(aside)
        raise
    return len(body)

def say(answer):
    writing.write(answer + b"\n")
    writing.flush()

say(kind)
while True:
    line = reading.readline()
    if not line:
        break
    source, name, target = line[:-1].split(b"\t")
    if new:
        source, name, target = os.fsdecode(source), os.fsdecode(name), os.fsdecode(target)
    try:
        size = build(source, name, target)
        found = place(name)
        say(b"+" + str(size).encode("ascii") + b"\t" + (os.fsencode(found) if new else found))
    except Exception as error:
        sign = b"-" if isinstance(error, (SyntaxError, TypeError, ValueError, OverflowError)) else b"!"
        reason = ("%s: %s" % (type(error).__name__, error))[:200].replace("\n", " ")
        say(sign + (reason.encode("utf-8", "replace") if new else reason))
"""


class Source(msgspec.Struct, frozen=True):
    """One file to compile."""

    path: str
    """In the prefix."""
    origin: str = ""
    """The file to read (absolute); empty for the one in the staged prefix."""
    target: str = ""
    """The file to write (absolute); empty for the usual place beside ``origin``."""


class Made(msgspec.Struct, frozen=True):
    """What became of one file."""

    source: Source
    pyc: str = ""
    """The path in the prefix that Python looks for; empty if the file was not compiled."""
    size: int = 0
    certain: bool = True
    """Whether it would be so again: it was compiled, or the source is at fault."""


def fit(paths: Iterable[str]) -> list[str]:
    """Paths without those that the compiler's lines can't carry."""
    return [path for path in paths if "\n" not in path and "\t" not in path]


def batches(sources: Sequence[Source]) -> list[tuple[Source, ...]]:
    """A package's files in portions."""
    return [tuple(sources[start : start + BATCH]) for start in range(0, len(sources), BATCH)]


class Compiler:
    """One compiler process. Where it can't run at all, it says so once and does nothing from then on."""

    def __init__(  # noqa: PLR0917 - each of its own type
        self,
        executable: str,
        python: PythonInfo,
        staging: str,
        baked: str,
        environ: Mapping[str, str],
        report: Report,
    ) -> None:
        self._executable, self._python, self._report = executable, python, report
        self._environ = environ if executable == sys.executable else _with_libraries(environ, staging)
        self._staging, self._baked = staging, baked
        self._process: Process | None = None
        self._lines: AsyncIterator[bytes] | None = None
        self.kind = ""
        """What the process said that it is, once it did."""
        self.usable = True

    async def start(self) -> str:
        """Its kind; empty if it does not run."""
        if not self.kind and self.usable:
            await self._ask(())
            await self._after_death((), died=not self.kind)
        return self.kind

    async def compile(self, sources: Sequence[Source]) -> list[Made]:
        """Compile a batch; returns what became of each, in order."""
        made: list[Made] = []
        rest = tuple(sources)
        while rest and self.usable:
            answers = await self._ask(rest)
            made += [self._read(source, answer) for source, answer in zip(rest, answers, strict=False)]
            rest = rest[len(answers) :]
            if rest:
                await self._after_death(rest, died=True)
                if self.usable:
                    made.append(Made(rest[0], certain=False))
                    rest = rest[1:]
        return made + [Made(source, certain=False) for source in rest]

    def _read(self, source: Source, answer: bytes) -> Made:
        if answer.startswith(b"+"):
            size, _, path = answer[1:].partition(b"\t")
            pyc = os.fsdecode(path)[len(self._baked) + 1 :].replace(os.sep, "/")  # Python joins as its system does
            return Made(source, pyc, int(size))
        self._note(source, answer[1:].decode("utf-8", "replace"))
        return Made(source, certain=answer.startswith(b"-"))

    def _note(self, source: Source, reason: str) -> None:
        self._report(Notice("debug", f"{source.path} was not byte-compiled: {reason}"))

    async def _after_death(self, rest: tuple[Source, ...], *, died: bool) -> None:
        """The process died over the first of ``rest`` (a source can break a compiler), or never lived."""
        if not died:
            return
        await self.close()
        if not self.kind:
            self.usable = False
            self._report(
                Notice("info", f"Nothing was byte-compiled: the environment's Python ({self._executable}) did not run.")
            )
        elif rest:
            self._note(rest[0], "the compiler died")

    async def _ask(self, sources: tuple[Source, ...]) -> list[bytes]:
        """The answers, in order; fewer than asked for if the process died."""
        text = "".join(
            f"{one.origin or f'{self._staging}/{one.path}'}\t{self._baked}/{one.path}\t{one.target}\n"
            for one in sources
        )
        answers: list[bytes] = []
        try:
            process, lines = await self._started()
            if process.stdin is None or not sources:
                return answers
            await process.stdin.send(os.fsencode(text))
            async for line in lines:
                answers.append(line)
                if len(answers) == len(sources):
                    break
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
            return answers  # the caller sees that some are missing
        return answers

    async def _started(self) -> tuple[Process, AsyncIterator[bytes]]:
        if self._process is None or self._lines is None:
            self._process = await self._open()
            self._lines = _read_lines(self._process)
            async for line in self._lines:
                self.kind = line[1:].decode("ascii", "replace") if line.startswith(b"=") else ""
                break
        return self._process, self._lines

    async def _open(self) -> Process:
        """Start it, whole: half started, it would be lost."""
        scope = anyio.CancelScope(shield=True)
        with scope:
            process = await anyio.open_process(
                [self._executable, *_flags(self._python), "-c", COMPILER],
                cwd=os.path.join(self._staging, "conda-meta"),  # Python 2 would import from here, and nothing is
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environ,
            )
        return process  # noqa: RET504 - inside the scope, mypy would think that it may be swallowed

    async def close(self) -> None:
        """End the process."""
        process, self._process, self._lines = self._process, None, None
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()


def _with_libraries(environ: Mapping[str, str], staging: str) -> dict[str, str]:
    """A Python that looks for its library by the path baked in finds it in the staged prefix too."""
    name = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
    return {**environ, name: os.path.join(staging, "lib")}


def _flags(python: PythonInfo) -> list[str]:
    """No site, no user's directories, no environment variables, no byte code of what it imports itself, no warnings."""
    isolated = ["-I"] if (python.major, python.minor) >= (3, 4) else ["-E", "-s"]
    return [*isolated, "-S", "-B", "-W", "ignore"]


async def _read_lines(process: Process) -> AsyncIterator[bytes]:
    """Lines of the process, without their ends."""
    kept = b""
    if process.stdout is None:
        return
    async for chunk in process.stdout:
        *lines, kept = (kept + chunk).split(b"\n")
        for line in lines:
            yield line
