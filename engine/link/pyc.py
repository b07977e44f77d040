"""Byte-compiles Python files with the environment's own Python. Rule: as many long-lived compilers as cores, fed while
packages still arrive; a file that does not compile is nobody's failure.

One compiler reads lines ``source TAB name`` from its stdin (the file to read; the path that tracebacks shall show,
which is that in the final prefix) and answers each with a line: ``+`` and the path of what it wrote, or ``-`` and a
reason. What it writes is what Python's own ``compileall`` writes (PEP 3147, PEP 552: time and size of the source),
so that one finds nothing to do later. It serves CPython 2.7 and 3.4 to 3.14, and PyPy.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

import anyio
import msgspec
from anyio.abc import Process

from engine.events import Notice, Report
from engine.link.noarch import PythonInfo

BATCH = 32
"""Files handed over at once: enough to keep a compiler busy, few enough to share the work evenly."""

COMPILER = r"""
import marshal, os, struct, sys
new = sys.version_info[0] > 2
try:
    from importlib.util import MAGIC_NUMBER as magic, cache_from_source as place
except ImportError:
    import imp
    magic = imp.get_magic()
    place = lambda path: path + "c"
if sys.version_info >= (3, 7):
    magic += b"\0\0\0\0"
reading = sys.stdin.buffer if new else sys.stdin
writing = sys.stdout.buffer if new else sys.stdout
swap = os.replace if new else os.rename

def build(source, name):
    with open(source, "rb") as file:
        status = os.fstat(file.fileno())
        data = file.read()
    code = compile(data, name, "exec", 0, 1)
    head = magic + struct.pack("<L", int(status.st_mtime) & 0xFFFFFFFF)
    if new:
        head += struct.pack("<L", len(data) & 0xFFFFFFFF)
    body = head + marshal.dumps(code)
    target = place(source)
    aside = "%s.whipsnake-%d" % (target, os.getpid())
    try:
        os.mkdir(os.path.dirname(target))
    except OSError:
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    opened = os.open(aside, flags, (status.st_mode | 0o200) & 0o666)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(body)
        swap(aside, target)
    except BaseException:
        os.unlink(aside)
        raise
    return target

while True:
    line = reading.readline()
    if not line:
        break
    source, name = line[:-1].split(b"\t")
    if new:
        source, name = os.fsdecode(source), os.fsdecode(name)
    try:
        target = build(source, name)
        answer = b"+" + (os.fsencode(target) if new else target)
    except Exception as error:
        reason = ("%s: %s" % (type(error).__name__, error))[:200].replace("\n", " ")
        answer = b"-" + (reason.encode("utf-8", "replace") if new else reason)
    writing.write(answer + b"\n")
    writing.flush()
"""


class CompileJob(msgspec.Struct, frozen=True):
    """Files of one package, as paths in the prefix."""

    index: int
    sources: tuple[str, ...]


def jobs_for(index: int, sources: Sequence[str]) -> list[CompileJob]:
    """Split a package's files into batches. Paths that the compiler's lines can't carry are left out."""
    fit = [source for source in sources if "\n" not in source and "\t" not in source]
    return [CompileJob(index, tuple(fit[start : start + BATCH])) for start in range(0, len(fit), BATCH)]


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
        self._environ = _with_libraries(environ, staging)
        self._staging, self._baked = staging, baked
        self._process: Process | None = None
        self._lines: AsyncIterator[bytes] | None = None
        self._answered = False
        self.usable = True

    async def compile(self, job: CompileJob) -> list[str]:
        """Compile a batch; returns the files that were made, as paths in the prefix."""
        made: list[str] = []
        rest = job.sources
        while rest and self.usable:
            answers = await self._ask(rest)
            for source, answer in zip(rest, answers, strict=False):
                if answer.startswith(b"+"):
                    made.append(os.fsdecode(answer[1:])[len(self._staging) + 1 :])
                else:
                    self._note(source, answer[1:].decode("utf-8", "replace"))
            rest = await self._after_death(rest[len(answers) :])
        return made

    def _note(self, source: str, reason: str) -> None:
        self._report(Notice("debug", f"{source} was not byte-compiled: {reason}"))

    async def _after_death(self, rest: tuple[str, ...]) -> tuple[str, ...]:
        """What is left to do if the process died over the first of ``rest`` (a source can break a compiler)."""
        if not rest:
            return ()
        await self.close()
        if not self._answered:
            self.usable = False
            self._report(
                Notice("info", f"Nothing was byte-compiled: the environment's Python ({self._executable}) did not run.")
            )
        else:
            self._note(rest[0], "the compiler died")
        return rest[1:]

    async def _ask(self, sources: tuple[str, ...]) -> list[bytes]:
        """The answers, in order; fewer than asked for if the process died."""
        text = "".join(f"{self._staging}/{source}\t{self._baked}/{source}\n" for source in sources)
        answers: list[bytes] = []
        try:
            process = await self._started()
            if process.stdin is None or self._lines is None:
                return answers
            await process.stdin.send(os.fsencode(text))
            async for line in self._lines:
                answers.append(line)
                self._answered = True
                if len(answers) == len(sources):
                    break
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
            return answers  # the caller sees that some are missing
        return answers

    async def _started(self) -> Process:
        if self._process is None:
            self._process = await anyio.open_process(
                [self._executable, *_flags(self._python), "-c", COMPILER],
                cwd=os.path.join(self._staging, "conda-meta"),  # Python 2 would import from here, and nothing is
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environ,
            )
            self._lines = _read_lines(self._process)
        return self._process

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
    """No site, no user's directories, no environment variables, no warnings of other people's code."""
    isolated = ["-I"] if (python.major, python.minor) >= (3, 4) else ["-E", "-s"]
    return [*isolated, "-S", "-W", "ignore"]


async def _read_lines(process: Process) -> AsyncIterator[bytes]:
    """Lines of the process, without their ends."""
    kept = b""
    if process.stdout is None:
        return
    async for chunk in process.stdout:
        *lines, kept = (kept + chunk).split(b"\n")
        for line in lines:
            yield line
