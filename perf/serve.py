"""Serves a channel over HTTP from a process of its own: nginx where it is installed, otherwise the tests' server.

With a latency or a bandwidth a shaped link stands before it (`perf.shaped_link`), so that every contender, and every
connection of it, meets the same distance and shares the same wire.
"""

from __future__ import annotations

import contextlib
import getpass
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.kit.demo import serving as serving_by_kit
from tests.kit.demo import told_address
from tests.kit.server import unused_port

_NGINX = """
daemon off; user {user}; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; default_type application/octet-stream;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@dataclass(frozen=True)
class Wire:
    """How far away the server seems. Zeros mean loopback as it is."""

    latency: float = 0.0
    """Seconds that everything takes to get there and back."""
    bandwidth: int = 0
    """Bytes a second, all connections together."""

    @property
    def is_loopback(self) -> bool:
        return not (self.latency or self.bandwidth)


def server_name() -> str:
    """What serves, for the report."""
    return "nginx" if shutil.which("nginx") else "the tests' own server"


@contextlib.contextmanager
def serving(directory: Path, wire: Wire = Wire()) -> Iterator[str]:
    """Serve ``directory`` while the context is open; gives its address, without a slash at the end."""
    with _nginx(directory) if shutil.which("nginx") else serving_by_kit(directory) as url:
        if wire.is_loopback:
            yield url
        else:
            port = url.rpartition(":")[2]
            shape = ["--latency", str(wire.latency), "--bandwidth", str(wire.bandwidth)]
            with told_address("perf.shaped_link", port, *shape) as far:
                yield far


@contextlib.contextmanager
def _nginx(directory: Path) -> Iterator[str]:
    with unused_port() as port:
        pass  # free again, and not given to the next who asks
    with tempfile.TemporaryDirectory(prefix="whipsnake-nginx-") as folder:
        config = Path(folder, "nginx.conf")
        config.write_text(_NGINX.format(folder=folder, port=port, root=directory.resolve(), user=getpass.getuser()))
        server = subprocess.Popen(["nginx", "-e", f"{folder}/error.log", "-c", str(config)])
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            yield url
        finally:
            server.terminate()
            server.wait()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nothing answers at {url}")
