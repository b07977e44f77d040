"""What a helper process (`engine.helpers`) and the one that started it say to each other.

Rule of this file: eight bytes of length, then MessagePack. A helper answers each job with what it made, or with
`Failed`; when its input ends, so does it.
"""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, BinaryIO

import msgspec

from engine.errors import WhipsnakeError

WIDTH = 8
"""Bytes of a length."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A job that could not be done. ``kind`` is the name of the error; a bug of ours has none, but its traceback."""

    kind: str
    message: str
    hint: str | None = None
    data: dict[str, object] = {}

    @classmethod
    def of(cls, error: Exception) -> Failed:
        """What is to be told of an error that is being handled."""
        if isinstance(error, WhipsnakeError):
            data = msgspec.to_builtins(error.data, enc_hook=str)
            return cls(type(error).__name__, error.message, error.hint, data)
        return cls("", "".join(traceback.format_exception(error)))

    def error(self) -> Exception:
        """The error, to be raised on the other side."""
        kind = _kinds(WhipsnakeError).get(self.kind)
        if kind is None:
            return RuntimeError(f"in a process that helped:\n{self.message}")
        error = kind.__new__(kind)
        WhipsnakeError.__init__(error, self.message, hint=self.hint, data=self.data)
        return error


def _kinds(root: type[WhipsnakeError]) -> dict[str, type[WhipsnakeError]]:
    found = {root.__name__: root}
    for kind in root.__subclasses__():
        found.update(_kinds(kind))
    return found


def _plain(value: object) -> object:
    """What the encoder does not know: a read-only mapping, as records have it where there is nothing to say."""
    return dict(value) if isinstance(value, MappingProxyType) else str(value)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)


def framed(message: object) -> bytes:
    """A message behind its length."""
    data = _ENCODER.encode(message)
    return len(data).to_bytes(WIDTH, "big") + data


def serve(kind: Any, work: Callable[[Any, BinaryIO], object], after: Callable[[], object] = lambda: None) -> None:
    """The whole life of a helper: each job, of the type ``kind``, is answered with what ``work`` makes of it.

    ``work`` may read on from the input; ``after`` is called once the answer is on its way.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started us
    gc.disable()  # nothing here makes cycles that are worth looking for
    decoder = msgspec.msgpack.Decoder(kind)
    told, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := told.read(WIDTH):
        job = decoder.decode(told.read(int.from_bytes(head, "big")))
        try:
            answer = work(job, told)
        except Exception as error:
            answer = Failed.of(error)
        answers.write(framed(answer))
        answers.flush()
        after()
