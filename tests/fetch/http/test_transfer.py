"""One stream over breaking connections: every byte once, and the number of requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import FileChanged, HttpStatusError, NetworkError
from engine.fetch.http.response import Headers
from engine.fetch.http.transfer import Continuation, strong_validator
from engine.fetch.http.transport import Transport, TransportSettings
from tests.fetch.feeding import BODY
from tests.kit.server import ChannelServer

pytestmark = pytest.mark.anyio


async def read(url: str, **options: Any) -> tuple[bytes, int]:
    """The bytes of ``url`` and how many of them were reported."""
    amounts: list[int] = []
    async with Transport(TransportSettings(retry_wait=0.001, max_retries=2)) as transport:
        stream = Continuation(transport, url, **{"start": 0, **options}, progress=amounts.append)
        data = b"".join([chunk async for chunk in stream.chunks()])
    return data, sum(amounts)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("cut", [1, 70_000, len(BODY) - 1])
async def test_a_break_is_mended(directory: Path, ranges: bool, cut: int) -> None:
    with ChannelServer(directory, ranges=ranges) as server:
        server.fail("/file", cut_after=cut)
        assert await read(f"{server.url}/file") == (BODY, len(BODY))
        assert len(server.requests) == 2
    if ranges:  # counted when the server's threads have ended
        assert server.requests[1].range == f"bytes={cut}-"
        assert sum(request.sent for request in server.requests) == len(BODY)


async def test_many_breaks_with_progress_are_all_mended(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", cut_after=100_000, times=None)
        assert await read(f"{server.url}/file") == (BODY, len(BODY))
        assert len(server.requests) == 11


async def test_breaks_without_progress_end_it(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", cut_after=0, times=None)
        with pytest.raises(NetworkError, match="broke"):
            await read(f"{server.url}/file")
        assert len(server.requests) == 3


async def test_a_server_that_only_trickles_is_given_up(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", cut_after=1000, times=None)
        with pytest.raises(NetworkError, match="broke"):
            await read(f"{server.url}/file")
        assert len(server.requests) == 3


async def test_a_file_that_changes_in_between_is_noticed(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", cut_after=1000)
        received = b""
        with pytest.raises(NetworkError, match="changed on the server"):
            async with Transport(TransportSettings(retry_wait=0.001)) as transport:
                async for chunk in Continuation(transport, f"{server.url}/file").chunks():
                    received += chunk
                    (directory / "file").write_bytes(BODY[::-1] + b"longer")
        assert received == BODY[:1000]


async def test_starting_in_the_middle(directory: Path) -> None:
    with ChannelServer(directory) as server:
        etag = server.etag("file")
        data, reported = await read(f"{server.url}/file", start=1000, validator=etag)
        assert (data, reported) == (BODY[1000:], len(BODY) - 1000)
        with pytest.raises(NetworkError, match="changed"):
            await read(f"{server.url}/file", start=1000, validator='"another"')


async def test_at_the_end_there_is_nothing_more(directory: Path) -> None:
    with ChannelServer(directory) as server:
        assert await read(f"{server.url}/file", start=len(BODY), validator=server.etag("file")) == (b"", 0)
        with pytest.raises(FileChanged, match="changed"):
            await read(f"{server.url}/file", start=len(BODY) + 1, validator=server.etag("file"))
        assert [request.status for request in server.requests] == [416, 416]


async def test_a_part_that_is_shorter_than_asked_for_is_not_the_end(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", cut_after=1000)
        server.fail("/file", at_most=500_000)
        assert await read(f"{server.url}/file") == (BODY, len(BODY))
        assert [request.range for request in server.requests] == [None, "bytes=1000-", "bytes=501000-"]


async def test_a_file_of_another_length_is_another_file(directory: Path) -> None:
    with ChannelServer(directory, etags=False, last_modified=False) as server:
        server.fail("/file", cut_after=1000)
        server.fail("/file", headers={"Content-Range": f"bytes 1000-{len(BODY) - 1}/{len(BODY) + 5}"})
        with pytest.raises(FileChanged):
            await read(f"{server.url}/file")


async def test_a_missing_file_is_an_error(directory: Path) -> None:
    with ChannelServer(directory) as server, pytest.raises(HttpStatusError) as caught:
        await read(f"{server.url}/none")
    assert caught.value.status == 404


async def test_local_files_stream_too(directory: Path) -> None:
    assert (await read((directory / "file").as_uri()))[0] == BODY
    assert (await read((directory / "file").as_uri(), start=5))[0] == BODY[5:]


class Told:
    """A response that says what it is told to."""

    url = "http://host/file"
    base = ""

    def __init__(self, status: int, chunks: list[bytes], **headers: str) -> None:
        self.status, self._chunks = status, chunks
        self.headers = Headers([(name.replace("_", "-"), value) for name, value in headers.items()])

    async def chunks(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


async def parts(stream: Continuation, response: Told) -> bytes:
    return b"".join([chunk async for chunk in stream.body(response)])


async def test_a_part_that_begins_too_early_is_cut_and_one_too_late_is_refused() -> None:
    stream = Continuation(Transport(), Told.url, start=4)
    assert await parts(stream, Told(206, [b"cd", b"ef"], Content_Range="bytes 2-5/6")) == b"ef"
    assert stream.position == 6
    with pytest.raises(NetworkError, match="asked for the bytes from 6"):
        await parts(stream, Told(206, [b"x"], Content_Range="bytes 9-9/10"))
    with pytest.raises(NetworkError, match="not named"):
        await parts(stream, Told(206, [b"x"]))


@pytest.mark.parametrize("part", [f"bytes 0-1/{'9' * 5000}", f"bytes {'0' * 5000}-1/2"])
async def test_a_part_of_an_impossible_file_is_refused(part: str) -> None:
    with pytest.raises(NetworkError, match="asked for the bytes from 0"):
        await parts(Continuation(Transport(), Told.url), Told(206, [b"x"], Content_Range=part))


async def test_an_impossible_length_is_as_none() -> None:
    stream = Continuation(Transport(), Told.url)
    assert await parts(stream, Told(200, [b"x"], Content_Length="9" * 5000)) == b"x"


async def test_compressed_on_the_way_means_no_ranges() -> None:
    stream = Continuation(Transport(), Told.url)
    assert await parts(stream, Told(200, [b"abc"], Content_Encoding="gzip")) == b"abc"
    assert "Range" not in stream._headers()


def test_only_strong_validators_name_a_file() -> None:
    assert strong_validator(Headers([("ETag", '"a"'), ("Last-Modified", "then")])) == '"a"'
    assert strong_validator(Headers([("ETag", 'W/"a"'), ("Last-Modified", "then")])) == "then"
    assert strong_validator(Headers()) is None
