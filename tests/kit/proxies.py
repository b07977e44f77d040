"""Proxies on loopback: HTTP's CONNECT and SOCKS 5, with a log of where they were asked to go.

with ConnectProxy(login=("me", "pw")) as proxy:
    ... proxy.url, proxy.asked
"""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import socketserver
import threading
from types import TracebackType


class _Proxy:
    """A thread that serves; ``asked`` are the places that clients wanted, as ``host:port``."""

    scheme = ""

    def __init__(self, login: tuple[str, str] | None = None) -> None:
        self.login = login
        self.asked: list[str] = []
        self.refused = 0
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    owner.serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        login = "{}:{}@".format(*self.login) if self.login else ""
        return f"{self.scheme}://{login}127.0.0.1:{self._server.server_address[1]}"

    def serve(self, client: socket.socket) -> None:
        raise NotImplementedError

    def join(self, client: socket.socket, place: str) -> socket.socket:
        """Connect to where the client wants to go; names ending in ``.invalid`` are this machine to us."""
        self.asked.append(place)
        host, _, port = place.rpartition(":")
        return socket.create_connection(("127.0.0.1" if host.endswith(".invalid") else host, int(port)), timeout=10)

    def __enter__(self) -> _Proxy:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _splice(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until one side ends."""
    ways = {one: other, other: one}
    while True:
        for source in select.select(list(ways), [], [], 10)[0]:
            data = source.recv(1 << 16)
            if not data:
                return
            ways[source].sendall(data)


class ConnectProxy(_Proxy):
    """HTTP/1.1 CONNECT (RFC 9110 §9.3.6)."""

    scheme = "http"

    def serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        method, place = head.split(b" ", 2)[:2]
        wanted = base64.b64encode(":".join(self.login).encode()) if self.login else b""
        if method != b"CONNECT" or wanted not in head:
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with self.join(client, place.decode()) as there:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            _splice(client, there)


class SocksProxy(_Proxy):
    """SOCKS 5 (RFC 1928), with a user and password if asked for (RFC 1929)."""

    scheme = "socks5"

    def serve(self, client: socket.socket) -> None:
        _, count = client.recv(2)
        offered = client.recv(count)
        method = 2 if self.login else 0
        if method not in offered:
            self.refused += 1
            client.sendall(b"\x05\xff")
            return
        client.sendall(bytes([5, method]))
        if self.login and not self._is_known(client):
            self.refused += 1
            client.sendall(b"\x01\x01")
            return
        if self.login:
            client.sendall(b"\x01\x00")
        _, _, _, kind = client.recv(4)
        host = socket.inet_ntoa(client.recv(4)) if kind == 1 else client.recv(client.recv(1)[0]).decode()
        port = int.from_bytes(client.recv(2), "big")
        with self.join(client, f"{host}:{port}") as there:
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            _splice(client, there)

    def _is_known(self, client: socket.socket) -> bool:
        client.recv(1)
        user = client.recv(client.recv(1)[0])
        password = client.recv(client.recv(1)[0])
        return (user.decode(), password.decode()) == self.login
