"""A registry of container images on loopback that has a channel, as conda-oci-mirror would have put it there.

    with Registry(channel.path, "mirrors/forge") as registry, ...:
        ... registry.url            # oci://127.0.0.1:port/mirrors/forge

It lets nobody in without a token, gives tokens to everybody, each for one repository, and sends those who ask for a
layer elsewhere, where a token must not be shown.
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

_KINDS = {
    "repodata.json": "application/vnd.conda.repodata.v1+json",
    "repodata.json.zst": "application/vnd.conda.repodata.v1+json+zst",
    ".conda": "application/vnd.conda.package.v2",
    ".tar.bz2": "application/vnd.conda.package.v1",
}


class Registry:
    """Serves the files of ``channel`` below the repository ``prefix`` while the context is open."""

    def __init__(self, channel: Path, prefix: str, *, basic: str | None = None) -> None:
        self.prefix, self.basic = prefix, basic
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.requests: list[str] = []
        self.leaked: list[str] = []
        """Requests at the store of layers that showed a token."""
        for file in sorted(channel.rglob("*")):
            if file.is_file():
                self._add(file.parent.name, file.name, file.read_bytes())
        self._registry = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(self._answer))
        self._store = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(self._layer))
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            for server in (self._registry, self._store)
        ]

    def _add(self, subdir: str, fn: str, data: bytes) -> None:
        kind = next((kind for end, kind in _KINDS.items() if fn == end or (end[0] == "." and fn.endswith(end))), None)
        if kind is None:
            return
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        name, tag = "repodata.json", "latest"
        if not fn.startswith("repodata"):
            stem = fn.removesuffix(".conda").removesuffix(".tar.bz2")
            name, version, build = stem.rsplit("-", 2)
            name = f"zzz{name}" if name.startswith("_") else name
            tag = f"{version}-{build}".replace("!", "__e__").replace("+", "__p__").replace("=", "__eq__")
        layers = self.manifests.setdefault((f"{self.prefix}/{subdir}/{name}", tag), [])
        layers.append({"mediaType": kind, "digest": digest, "size": len(data)})

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._registry.server_address[1]}"

    @property
    def url(self) -> str:
        return f"oci://{self.host}/{self.prefix}"

    def _handler(self, answer: Any) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = answer(self.path, self.headers)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """`Registry.requests` is the log."""

        return Handler

    def _answer(self, path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        address = urlsplit(path)
        self.requests.append(address.path)
        if address.path == "/token":
            if self.basic is not None and headers.get("Authorization") != self.basic:
                return 401, {}, b""
            [scope] = parse_qs(address.query)["scope"]
            return 200, {}, json.dumps({"token": f"for {scope}"}).encode()
        repository, _, kind, reference = self._parts(address.path)
        scope = f"repository:{repository}:pull"
        if headers.get("Authorization") != f"Bearer for {scope}":
            realm = f'Bearer realm="http://{self.host}/token",service="kit",scope="{scope}"'
            return 401, {"WWW-Authenticate": realm}, b"{}"
        if kind == "blobs" and reference in self.blobs:
            place = f"http://127.0.0.1:{self._store.server_address[1]}/{reference}"
            return 307, {"Location": place}, b""
        layers = self.manifests.get((repository, reference))
        if layers is None:
            return 404, {}, b"{}"
        return 200, {}, json.dumps({"schemaVersion": 2, "layers": layers}).encode()

    @staticmethod
    def _parts(path: str) -> tuple[str, str, str, str]:
        above, _, reference = path.removeprefix("/v2/").rpartition("/")
        repository, slash, kind = above.rpartition("/")
        return repository, slash, kind, reference

    def _layer(self, path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        if "Authorization" in headers:
            self.leaked.append(path)
        data = self.blobs[path.strip("/")]
        start = int(headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if start:
            return 206, {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}, data[start:]
        return 200, {}, data

    def __enter__(self) -> Registry:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for server in (self._registry, self._store):
            server.shutdown()
            server.server_close()
