"""What every test stands on: one event loop, a home of its own, no conda variables, no network but loopback."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_CONDA_PREFIXES = ("CONDA_", "_CONDA_", "_CE_", "MAMBA_", "RATTLER_", "PIXI_", "WHIPSNAKE_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the program does."""
    return "asyncio"


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives each test an empty HOME and an environment without traces of conda, mamba or proxies; returns HOME."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(_CONDA_PREFIXES) or name.startswith("XDG_") or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    return home


@pytest.fixture
def interpreter_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What starts processes only where there is an interpreter lock does so on every Python."""
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)


def _refuse_far(address: Any) -> None:
    """Raise unless a socket address is on this machine; unix sockets have a path for an address."""
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
        raise RuntimeError(f"a test tried to reach the network: {address[0]}")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Fails whatever connects or resolves beyond loopback."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def near_connect(self: socket.socket, address: Any) -> None:
        _refuse_far(address)
        connect(self, address)

    def near_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_far(address)
        return connect_ex(self, address)

    def near_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not name.startswith(_LOOPBACK):
            raise socket.gaierror(socket.EAI_NONAME, f"a test asked for the address of {name}")
        return resolve(host, *args, **kwargs)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", near_connect)
    patch.setattr(socket.socket, "connect_ex", near_connect_ex)
    patch.setattr(socket, "getaddrinfo", near_resolve)
    yield
    patch.undo()
