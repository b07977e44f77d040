"""What people read when the network fails: one sentence, one hint, no secret."""

from __future__ import annotations

import socket
import ssl

import pytest

from engine.fetch.http.errors import network_error, status_error

URL = "https://me:pw@host/t/tk-1/c/x"


@pytest.mark.parametrize(
    ("error", "text", "passing"),
    [
        (ConnectionRefusedError(111, "x"), "host refused the connection", True),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "host host is not known", True),
        (socket.gaierror(socket.EAI_NONAME, "x"), "host host is not known", False),
        (TimeoutError(), "host did not answer in time", True),
        (ssl.SSLError(1, "wrong version"), "no trusted connection to host", False),
        (ValueError("port"), "not a valid address", False),
        (ConnectionResetError(104, "Connection reset by peer"), "broke ([Errno 104] Connection reset by peer)", True),
        (OSError(), "broke (OSError)", True),
    ],
)
def test_exceptions(error: BaseException, text: str, passing: bool) -> None:
    found, again = network_error(URL, error)
    assert text in str(found)
    assert again is passing
    assert found.hint
    assert "https://me:*****@host/t/<TOKEN>/c/x" in str(found)


def test_what_an_exception_wraps_counts_too() -> None:
    class ClientConnectorError(OSError):
        os_error = ConnectionRefusedError(111, "x")

    assert "refused" in str(network_error(URL, ClientConnectorError())[0])


@pytest.mark.parametrize(
    ("error", "proxy", "text", "hint"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, "x"),
            "http://u:pw@p:1",
            "the proxy http://u:*****@p:1 is not known",
            "proxy_",
        ),
        (socket.gaierror(socket.EAI_NONAME, "x"), "socks5://p:1", "host host is not known", "DNS"),
        (TimeoutError(), "http://p:1", "host did not answer in time, by way of the proxy http://p:1", "network"),
    ],
)
def test_the_proxy_is_named_where_it_is_to_blame(error: OSError, proxy: str, text: str, hint: str) -> None:
    found = network_error(URL, error, proxy)[0]
    assert text in str(found) and hint in str(found.hint)


def test_malformed_addresses() -> None:
    assert "not a valid address" in str(network_error("http://[::1/x", ValueError("x"))[0])


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "credentials"), (407, "proxy"), (429, "often"), (500, "its own"), (410, None)]
)
def test_statuses(status: int, hint: str | None) -> None:
    error = status_error(URL, status, "Reason")
    assert f"answered {status} Reason" in str(error)
    assert (error.hint is None) if hint is None else hint in str(error.hint)
    assert "tk-1" not in f"{error} {error.data}"
