"""A real HTTP/1.1 server for a directory, on loopback, that can be made to fail in every way servers do.

    with ChannelServer(channel.write()) as server:
        server.fail("*/repodata.json*", status=503, times=2, retry_after=0)
        ...
        assert server.paths() == [...]

Threaded, keep-alive, ranges, ETag, Last-Modified, 304; bodies go out with ``sendfile``. Standard library only.
By itself: ``python -m tests.kit.server DIRECTORY [--port N] [--bandwidth BYTES] [--latency SECONDS]``.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.kit.answers import Answer, Options, answer, describe
from tests.kit.faults import Fault, Faults

_TICK = 0.01


class Request:
    """One request as it arrived, and how it was answered."""

    def __init__(self, method: str, path: str, headers: dict[str, str], proxied: bool) -> None:
        self.method, self.path, self.headers = method, path, headers
        self.proxied = proxied
        """Whether the client took us for a proxy (an absolute address in the request line)."""
        self.status = 0
        self.sent = 0
        """Bytes of the body that went out."""

    @property
    def range(self) -> str | None:
        return self.headers.get("range")

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} → {self.status}>"


class _Handler(BaseHTTPRequestHandler):
    """Turns a request into an `Answer`, then sends it as the faults allow."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "whipsnake-kit", ""
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._serve(body=True)

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def _serve(self, *, body: bool) -> None:
        owner = self.server.owner
        address = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(address.path),
            {name.lower(): value for name, value in self.headers.items()},
            proxied=bool(address.scheme),
        )
        refusal = _refusal(request, owner)
        fault = owner.note(request, refused=refusal is not None)
        time.sleep(owner.options.latency + fault.delay)
        if fault.whole:
            request.headers.pop("range", None)
        found = refusal or fault.answer() or fault.shorten(answer(owner.directory, request, owner.options))
        request.status = found.status
        with found:
            self._head(found)
            if body:
                self._body(found, fault, request)

    def _head(self, found: Answer) -> None:
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        if found.length is not None:
            self.send_header("Content-Length", str(found.length))
        self.end_headers()

    def _body(self, found: Answer, fault: Fault, request: Request) -> None:
        limit = found.length or 0
        if fault.cut_after is not None and fault.cut_after < limit:
            limit = fault.cut_after
            self.close_connection = True
        bandwidth = fault.bandwidth or self.server.owner.options.bandwidth
        if found.file is not None and fault.flip_at is None and not bandwidth:
            request.sent = self.connection.sendfile(found.file, found.start, limit) if limit else 0
        else:
            self._send_slowly(fault.spoil(found.read(), found.start)[:limit], bandwidth, request)
        if self.close_connection and fault.stall:
            self.server.closing.wait(fault.stall)
        if self.close_connection and fault.reset:
            self.server.reset(self.connection)

    def _send_slowly(self, data: bytes, bandwidth: int, request: Request) -> None:
        size = max(1, int(bandwidth * _TICK)) if bandwidth else len(data) or 1
        due = time.monotonic()
        for start in range(0, len(data), size):
            self.connection.sendall(data[start : start + size])
            request.sent += len(data[start : start + size])
            due += size / bandwidth if bandwidth else 0
            time.sleep(max(0.0, due - time.monotonic()))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: `ChannelServer.requests` is the log."""


def _refusal(request: Request, owner: ChannelServer) -> Answer | None:
    """The answer to a request without the credentials asked for; takes a token off the path."""
    if owner.token is not None:
        lead = f"/t/{owner.token}/"
        if not request.path.startswith(lead):
            return Answer.of_text(403, "wrong or missing token")
        request.path = request.path[len(lead) - 1 :]
    if owner.authorization is None or request.headers.get("authorization") == owner.authorization:
        return None
    kind = owner.authorization.split()[0]
    return Answer.of_text(401, "authorization needed", {"WWW-Authenticate": f'{kind} realm="kit"'})


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that closing does not wait for idle clients."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, owner: ChannelServer) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._resetting: set[socket.socket] = set()
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        if request in self._resetting:
            self._resetting.discard(request)
            self.close_request(request)  # without the polite end
        else:
            super().shutdown_request(request)

    def reset(self, connection: socket.socket) -> None:
        """Let the connection end by a reset, once all that was sent has arrived (a reset would take it back)."""
        import array
        import fcntl
        import struct
        import termios

        unsent = array.array("i", [1])
        for _ in range(1000):
            fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)
            if not unsent[0]:
                break
            time.sleep(_TICK / 10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._resetting.add(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error; anything else is kept, and raised when the server closes."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.owner.errors.append(error)

    def hang_up(self) -> None:
        """End all connections, and all silences."""
        self.closing.set()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class ChannelServer:
    """Serves ``directory`` while the context is open.

    ``token`` asks for ``/t/<token>/`` in front of every path, ``basic`` for a user and password, ``bearer`` for a
    bearer token, ``tls`` speaks https. Further keywords are those of `Options`: ``ranges``, ``etags``,
    ``last_modified``, ``cache_control``, ``latency`` (seconds before each answer), ``bandwidth`` (bytes a second and
    connection).
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        port: int = 0,
        token: str | None = None,
        basic: tuple[str, str] | None = None,
        bearer: str | None = None,
        tls: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        self.directory = Path(directory)
        self.options = Options(**options)
        self.token = token
        self.authorization = _authorization(basic, bearer)
        self.requests: list[Request] = []
        self.errors: list[BaseException | None] = []
        self.faults = Faults()
        self._server = _Server(port, self)
        self.scheme = "https" if tls else "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_TICK,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address of the directory, without a slash at the end; holds the token if one is asked for."""
        return f"{self.scheme}://{self.host}" + (f"/t/{self.token}" if self.token else "")

    def fail(self, path: str = "*", **kinds: Any) -> Fault:
        """Add a fault to requests whose path matches the glob; see `Fault` for the kinds."""
        return self.faults.add(path, **kinds)

    def note(self, request: Request, *, refused: bool = False) -> Fault:
        """Log a request and say what is to go wrong with it (called by the server's threads)."""
        with self.faults.lock:
            self.requests.append(request)
            return Fault() if refused else self.faults.take(request.path)

    def paths(self, pattern: str = "*") -> list[str]:
        """The paths asked for so far, in order of arrival, that match a glob."""
        return [request.path for request in self.requests if fnmatchcase(request.path, pattern)]

    def count(self, pattern: str = "*") -> int:
        """How many requests there were for paths that match a glob."""
        return len(self.paths(pattern))

    def forget(self) -> None:
        """Empty the log and the table of faults."""
        self.requests.clear()
        self.faults.clear()

    def etag(self, path: str) -> str | None:
        """The ETag that a path has now."""
        return describe(self.directory / path.lstrip("/"), self.options).get("ETag")

    def close(self) -> None:
        """Stop. Raises the first error of the server's own, if there was one."""
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        if self.errors and self.errors[0] is not None:
            raise self.errors[0]

    def __enter__(self) -> ChannelServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _authorization(basic: tuple[str, str] | None, bearer: str | None) -> str | None:
    if basic is not None:
        return "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    return f"Bearer {bearer}" if bearer is not None else None


@contextlib.contextmanager
def unused_port() -> Iterator[int]:
    """A port on which nothing listens while the context is open."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def main() -> None:
    """Serve a directory until the standard input ends or Ctrl-C; the first line printed is the address."""
    parser = argparse.ArgumentParser(description="Serve a channel directory on loopback.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bandwidth", type=int, default=0, help="bytes a second and connection")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--until-eof", action="store_true", help="stop when the standard input ends")
    args = parser.parse_args()
    with ChannelServer(args.directory, port=args.port, bandwidth=args.bandwidth, latency=args.latency) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            if args.until_eof:
                sys.stdin.read()
            else:
                threading.Event().wait()


if __name__ == "__main__":
    main()
