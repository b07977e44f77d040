"""A socket between two processes that carries messages: four bytes of length, then MessagePack.

Rule of this file: bytes. Whoever reads learns of the end of the other process by the end of the stream.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, cast

import anyio
import msgspec

from engine.model.records import encodable

Incoming = TypeVar("Incoming")

_LENGTH = struct.Struct("!I")
_PIECE = 1 << 18

_Wait = Callable[[socket.socket], Awaitable[None]]
_until_readable = cast(_Wait, getattr(anyio, "wait_readable", None) or anyio.wait_socket_readable)
_until_writable = cast(_Wait, getattr(anyio, "wait_writable", None) or anyio.wait_socket_writable)


class Closed(Exception):
    """The other side is gone."""


class Wire(Generic[Incoming]):
    """One end. ``incoming`` is the type (or union) of the messages that arrive."""

    def __init__(self, end: socket.socket, incoming: Any) -> None:
        end.setblocking(False)
        self._socket = end
        self._decoder = msgspec.msgpack.Decoder(incoming)
        self._encoder = msgspec.msgpack.Encoder(enc_hook=encodable)
        self._sending = anyio.Lock()
        self._buffer = bytearray()

    async def send(self, message: object) -> None:
        """Send one message. Raises `Closed`. One that was begun is sent whole, whoever cancels us."""
        data = self._encoder.encode(message)
        async with self._sending:
            with anyio.CancelScope(shield=True):
                await self._send_all(memoryview(_LENGTH.pack(len(data)) + data))

    async def _send_all(self, rest: memoryview) -> None:
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await _until_writable(self._socket)
            except OSError as error:
                raise Closed from error

    async def receive(self) -> Incoming:
        """The next message. Raises `Closed` at the end of the stream."""
        size = _LENGTH.unpack(await self._take(_LENGTH.size))[0]
        return cast(Incoming, self._decoder.decode(await self._take(size)))

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            try:
                piece = self._socket.recv(_PIECE)
            except BlockingIOError:
                await _until_readable(self._socket)
                continue
            except OSError as error:
                raise Closed from error
            if not piece:
                raise Closed
            self._buffer += piece
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
