"""What a helper process (`engine.system.helpers`) and the one that started it say to each other.

Rule of this file: eight bytes of length, then MessagePack. A helper answers each job with what it made, or with
`Failed`; when its input ends, so does it.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from engine.model.records import encodable
from engine.system.failure import Failure

WIDTH = 8
"""Bytes of a length."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A job that could not be done."""

    failure: Failure


_ENCODER = msgspec.msgpack.Encoder(enc_hook=encodable)


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
            answer = Failed(Failure.of(error))
        answers.write(framed(answer))
        answers.flush()
        after()
