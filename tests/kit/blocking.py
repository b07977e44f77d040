"""Notices coroutines of the engine that wait for the disk or a process themselves instead of in a worker thread.

The interpreter reports such calls to audit hooks (PEP 578). One counts if an event loop runs in its thread and the
innermost coroutine above it is the engine's; what a test's own coroutine calls is the test's business, and importing a
module is the interpreter's. So is when a finalizer runs: garbage that one test left is collected in the middle of
another, in whatever coroutine happens to be at work.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_CALLS = """
    open os.chmod os.link os.listdir os.mkdir os.remove os.rename os.rmdir os.scandir os.symlink os.truncate os.utime
    shutil.copyfile shutil.copytree shutil.move shutil.rmtree socket.connect socket.getaddrinfo subprocess.Popen
    time.sleep
"""
BLOCKING = frozenset(_CALLS.split())
_FINALIZERS = frozenset(
    method.__code__ for method in (weakref.finalize.__call__, asyncio.BaseEventLoop.call_exception_handler)
)
"""What they run. Tasks whose error nobody asked for tell their loop of it when they go, and a traceback reads files."""
_found: list[str] | None = None
_installed = False


@contextmanager
def watching() -> Iterator[list[str]]:
    """The calls that block an event loop while this lasts, each with the coroutine at fault."""
    global _found, _installed
    if not _installed:
        sys.addaudithook(_hook)  # for ever: hooks can't be taken back
        _installed = True
    before, _found = _found, []
    try:
        yield _found
    finally:
        _found = before


def _hook(event: str, args: tuple[object, ...]) -> None:
    if _found is None or event not in BLOCKING or asyncio._get_running_loop() is None:
        return
    coroutine = _innermost_coroutine(sys._getframe(1))
    if coroutine is not None and coroutine.f_globals.get("__name__", "").startswith("engine."):
        code = coroutine.f_code
        _found.append(f"{event}{args[:2]!r} in {coroutine.f_globals['__name__']}.{code.co_name}:{coroutine.f_lineno}")


def _innermost_coroutine(frame: FrameType | None) -> FrameType | None:
    """None if a module is being imported there, or a finalizer runs."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib") or frame.f_code in _FINALIZERS:
            return None
        if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            return frame
        frame = frame.f_back
    return None
