"""The server answers as RFC 9110 says, and fails as it is told."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.kit.server import ChannelServer, unused_port

_BODY = bytes(range(256)) * 40
_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file.conda").write_bytes(_BODY)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[ChannelServer]:
    with ChannelServer(folder, cache_control="public, max-age=30") as running:
        yield running


def _get(
    server: ChannelServer, path: str = "/x/file.conda", method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(server.host, timeout=10)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_whole_files_with_their_facts(server: ChannelServer) -> None:
    status, headers, body = _get(server)
    assert (status, body) == (200, _BODY)
    assert headers["etag"] == server.etag("/x/file.conda")
    assert headers["cache-control"] == "public, max-age=30"
    assert (headers["accept-ranges"], headers["content-length"]) == ("bytes", str(len(_BODY)))
    assert _get(server, method="HEAD")[::2] == (200, b"")
    assert [_get(server, path)[0] for path in ("/none", "/x", "/../x", "/x/%00")] == [404, 404, 404, 404]


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, None),
        ("bytes=0-", 206, 0, None),
        ("bytes=-5", 206, -5, None),
        ("bytes=9-99999", 206, 9, None),
        ("items=1-2", 200, 0, None),
    ],
)
def test_ranges(server: ChannelServer, asked: str, status: int, start: int, end: int | None) -> None:
    found, headers, body = _get(server, range=asked)
    assert (found, body) == (status, _BODY[start:end])
    assert ("content-range" in headers) == (status == 206)


def test_a_range_beyond_the_end_and_one_of_an_older_file(server: ChannelServer) -> None:
    assert _get(server, range="bytes=999999-")[0] == 416
    assert _get(server, range="bytes=5-", if_range=str(server.etag("/x/file.conda")))[0] == 206
    assert _get(server, range="bytes=5-", if_range='"older"')[0] == 200


def test_not_modified(server: ChannelServer, folder: Path) -> None:
    _, headers, _ = _get(server)
    assert _get(server, if_none_match=headers["etag"])[::2] == (304, b"")
    assert _get(server, if_modified_since=headers["last-modified"])[0] == 304
    os.utime(folder / "x/file.conda", (1, 1))
    assert _get(server, if_none_match=headers["etag"], if_modified_since=headers["last-modified"])[0] == 200


def test_keeps_the_connection(server: ChannelServer) -> None:
    with closing(http.client.HTTPConnection(server.host, timeout=10)) as connection:
        sockets = set()
        for _ in range(3):
            connection.request("GET", "/x/file.conda")
            connection.getresponse().read()
            sockets.add(connection.sock)
    assert len(sockets) == 1
    assert server.paths() == ["/x/file.conda"] * 3


def test_fails_as_often_as_told(server: ChannelServer) -> None:
    fault = server.fail("*/file.conda", status=503, times=2, retry_after=7)
    answers = [_get(server) for _ in range(3)]
    assert [answer[0] for answer in answers] == [503, 503, 200]
    assert answers[0][1]["retry-after"] == "7"
    assert (fault.hits, server.count("*.conda")) == (2, 3)
    server.forget()
    assert server.requests == []


def test_cuts_and_flips(server: ChannelServer) -> None:
    server.fail(cut_after=100)
    with pytest.raises(http.client.IncompleteRead) as caught:
        _get(server)
    assert caught.value.partial == _BODY[:100]
    server.fail(flip_at=3, times=2)
    assert _get(server)[2] == _BODY[:3] + b"\xfc" + _BODY[4:]
    assert _get(server, range="bytes=2-4")[2] == b"\x02\xfc\x04"


def test_other_answers(server: ChannelServer) -> None:
    server.fail(redirect="/elsewhere")
    server.fail(html=True)
    server.fail(body=b"short")
    first, second, third = _get(server), _get(server), _get(server)
    assert (first[0], first[1]["location"]) == (302, "/elsewhere")
    assert (second[0], second[1]["content-type"]) == (200, "text/html")
    assert third[::2] == (200, b"short")


def test_is_slow_when_told(server: ChannelServer) -> None:
    server.fail(bandwidth=len(_BODY) * 10)
    server.fail(delay=0.1)
    for _ in range(2):
        started = time.monotonic()
        assert _get(server)[2] == _BODY
        assert time.monotonic() - started > 0.08


def test_credentials(folder: Path) -> None:
    with ChannelServer(folder, token="abc") as server:
        server.fail("/x/file.conda", status=500)
        assert server.url.endswith("/t/abc")
        assert [_get(server, path)[0] for path in ("/x/file.conda", "/t/abc/x/file.conda")] == [403, 500]
        assert server.paths() == ["/x/file.conda"] * 2
    with ChannelServer(folder, token="abc") as server:
        assert [_get(server, path)[0] for path in ("/x/file.conda", "/t/no/x", "/t/abc/x/file.conda")] == [
            403,
            403,
            200,
        ]
    with ChannelServer(folder, basic=("user", "pass")) as server:
        status, headers, _ = _get(server)
        assert (status, headers["www-authenticate"]) == (401, 'Basic realm="kit"')
        assert _get(server, authorization="Basic dXNlcjpwYXNz")[0] == 200
    with ChannelServer(folder, bearer="tok") as server:
        assert [_get(server)[0], _get(server, authorization="Bearer tok")[0]] == [401, 200]


def test_plays_the_proxy(server: ChannelServer) -> None:
    assert _get(server, "http://example.org/x/file.conda")[0] == 200
    assert [request.proxied for request in server.requests] == [True]


def test_nobody_listens_on_an_unused_port() -> None:
    with unused_port() as port, pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).request("GET", "/")


def test_by_itself(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.kit.server", str(folder), "--until-eof"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        host = process.stdout.readline().strip().removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", "/x/file.conda")
            assert connection.getresponse().read() == _BODY
        process.communicate()
    assert process.returncode == 0


def test_parts_that_are_shorter_or_whole_or_named_wrongly(server: ChannelServer) -> None:
    server.fail(at_most=7)
    status, headers, body = _get(server, range="bytes=10-")
    assert (status, body, headers["content-range"]) == (206, _BODY[10:17], f"bytes 10-16/{len(_BODY)}")
    server.fail(whole=True)
    assert _get(server, range="bytes=10-")[::2] == (200, _BODY)
    server.fail(headers={"Content-Range": "bytes 1-2/3"})
    assert _get(server, range="bytes=10-")[1]["content-range"] == "bytes 1-2/3"


def test_a_reset_comes_after_what_was_sent(server: ChannelServer) -> None:
    server.fail(cut_after=5000, reset=True)
    with closing(http.client.HTTPConnection(server.host, timeout=10)) as connection:
        connection.request("GET", "/x/file.conda")
        answer = connection.getresponse()
        assert answer.read(5000) == _BODY[:5000]
        with pytest.raises(ConnectionResetError):
            answer.read(1)
