"""A wire with a length and a width, in front of a server on loopback.

    python -m perf.shaped_link PORT --latency 0.02 --bandwidth 12500000

Everything that passes is held back for half the latency each way; all connections together get ``bandwidth`` bytes a
second towards the client. Prints its address, and stops when its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading

import anyio

_PIECE = 16_384


class Link:
    """The shared wire."""

    def __init__(self, port: int, latency: float, bandwidth: int) -> None:
        self.port, self.delay, self.bandwidth = port, latency / 2, bandwidth
        self._free_at = 0.0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client to the server. To shake hands takes one way more."""
        await asyncio.sleep(self.delay * 2)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(
            self._pass_on(reader, there_writer, 0),
            self._pass_on(there_reader, writer, self.bandwidth),
            return_exceptions=True,
        )

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bandwidth: int) -> None:
        """Pieces wait in a queue until they would have arrived; the queue's length bounds what is on its way."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        async with anyio.create_task_group() as group:
            group.start_soon(self._arrive, queue, writer)
            while piece := await reader.read(_PIECE):
                await queue.put((self._arrival(len(piece), bandwidth), piece))
            await queue.put((0.0, b""))

    def _arrival(self, size: int, bandwidth: int) -> float:
        now = asyncio.get_running_loop().time()
        if not bandwidth:
            return now + self.delay
        self._free_at = max(self._free_at, now) + size / bandwidth
        return self._free_at + self.delay

    async def _arrive(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, piece = await queue.get()
            if not piece:
                break
            await asyncio.sleep(max(0.0, due - loop.time()))
            writer.write(piece)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        writer.close()


async def _serve(port: int, latency: float, bandwidth: int) -> None:
    link = Link(port, latency, bandwidth)
    server = await asyncio.start_server(link.connected, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
    await stop.wait()
    server.close()


def main() -> None:
    """Run until the standard input ends."""
    parser = argparse.ArgumentParser(description="A slow wire before a server on loopback.")
    parser.add_argument("port", type=int)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds, there and back")
    parser.add_argument("--bandwidth", type=int, default=0, help="bytes a second, all connections together")
    args = parser.parse_args()
    asyncio.run(_serve(args.port, args.latency, args.bandwidth))


if __name__ == "__main__":
    main()
