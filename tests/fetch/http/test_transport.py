"""Transport against a real server on loopback: answers, retries, redirects, credentials, proxies, every way to fail."""

from __future__ import annotations

import base64
import json
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.errors import HttpStatusError, NetworkError, OfflineError, WhipsnakeError
from engine.events import Event, Notice
from engine.fetch.http.settings import CredentialPlaces
from engine.fetch.http.transport import Transport, TransportSettings
from tests.fetch.feeding import BODY
from tests.kit.server import ChannelServer, unused_port

pytestmark = pytest.mark.anyio


def quick(**changes: Any) -> TransportSettings:
    return TransportSettings(**{"retry_wait": 0.001, "connect_timeout": 5.0, "read_timeout": 5.0, **changes})


async def fetch(url: str, settings: TransportSettings | None = None, **headers: str) -> tuple[int, bytes]:
    async with Transport(settings or quick()) as transport, transport.open(url, headers=headers) as response:
        return response.status, b"".join([chunk async for chunk in response.chunks()])


async def failure(url: str, settings: TransportSettings | None = None) -> WhipsnakeError:
    with pytest.raises(WhipsnakeError) as caught:
        await fetch(url, settings)
    return caught.value


async def test_who_waits_is_told_why(directory: Path) -> None:
    events: list[Event] = []
    with ChannelServer(directory) as server:
        server.fail("/file", status=503, times=2)
        settings = TransportSettings(retry_wait=0.001)
        async with Transport(settings, events.append) as transport, transport.open(f"{server.url}/file") as response:
            assert response.status == 200
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert len(notices) == 2
    assert all("the server answered 503" in text and "trying again in 0 s" in text for text in notices)


async def test_a_file_arrives_whole_and_headers_are_found_in_any_case(directory: Path) -> None:
    with ChannelServer(directory) as server:
        async with Transport(quick()) as transport, transport.open(f"{server.url}/file") as response:
            assert response.headers["CONTENT-length"] == str(len(BODY))
            assert response.headers.number("content-length") == len(BODY)
            assert b"".join([chunk async for chunk in response.chunks()]) == BODY
        assert server.requests[0].headers["user-agent"].startswith("whipsnake/")
        assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_the_answers_that_are_not_errors(directory: Path) -> None:
    with ChannelServer(directory) as server:
        assert await fetch(f"{server.url}/none") == (404, b"not found")
        assert await fetch(f"{server.url}/file", Range="bytes=1023990-") == (206, BODY[1023990:])
        etag = server.etag("file")
        assert etag is not None
        assert await fetch(f"{server.url}/file", **{"If-None-Match": etag}) == (304, b"")


async def test_connections_are_kept_alive_over_redirects_and_refusals(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChannelServer(directory) as server:
        connections = 0
        accept = server._server.process_request

        def counted(*args: Any) -> None:
            nonlocal connections
            connections += 1
            accept(*args)

        monkeypatch.setattr(server._server, "process_request", counted)
        server.fail("/elsewhere", redirect="/file")
        server.fail("/later", status=503)
        async with Transport(quick()) as transport:
            for path in ("file", "none", "elsewhere", "later", "file"):
                async with transport.open(f"{server.url}/{path}") as response:
                    if path != "none":
                        assert b"".join([chunk async for chunk in response.chunks()])
        assert (len(server.requests), connections) == (7, 1)


@pytest.mark.parametrize("status", [429, 413, 500, 502, 503, 504, 522])
async def test_what_may_pass_is_asked_again(directory: Path, status: int) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", status=status, times=2)
        assert (await fetch(f"{server.url}/file"))[0] == 200
        assert server.count("/file") == 3


async def test_patience_ends(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", status=503, times=None)
        error = await failure(f"{server.url}/file", quick(max_retries=2))
        assert isinstance(error, HttpStatusError)
        assert error.status == 503
        assert "its own" in str(error.hint)
        assert server.count("/file") == 3


async def test_retry_after_is_obeyed(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", status=429, retry_after=0, times=1)
        with anyio.fail_after(5):  # our own first pause would be at least 50 s
            assert (await fetch(f"{server.url}/file", quick(retry_wait=100.0)))[0] == 200


async def test_a_server_that_asks_for_too_long_a_pause_is_given_up(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", status=503, retry_after=86400, times=1)
        assert isinstance(await failure(f"{server.url}/file"), HttpStatusError)
        assert server.count("/file") == 1


@pytest.mark.parametrize(("status", "hint"), [(401, "credentials"), (403, "not allowed"), (410, None), (418, None)])
async def test_what_will_not_pass_is_asked_once(directory: Path, status: int, hint: str | None) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", status=status, times=None)
        error = await failure(f"{server.url}/file")
        assert isinstance(error, HttpStatusError)
        assert (error.status, server.count("/file")) == (status, 1)
        assert error.hint is None if hint is None else hint in str(error.hint)


async def test_redirects_are_followed(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/elsewhere", redirect="/file?signature=a%2Bb%2F")
        assert await fetch(f"{server.url}/elsewhere") == (200, BODY)


async def test_redirects_in_a_circle_end(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/round", redirect="/round", times=None)
        assert "redirects" in str(await failure(f"{server.url}/round"))
        assert server.count("/round") == 11


async def test_redirects_into_the_file_system_are_refused(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/bad", redirect="file:///etc/passwd")
        assert "refused its redirect" in str(await failure(f"{server.url}/bad"))


async def test_credentials_stay_with_their_host(directory: Path) -> None:
    with ChannelServer(directory, basic=("me", "se:cret")) as near, ChannelServer(directory) as far:
        near.fail("/away", redirect=f"{far.url}/file")
        near.fail("/home", redirect="/file")
        place = near.url.replace("://", "://me:se%3Acret@")
        assert (await fetch(f"{place}/file"))[0] == 200
        assert near.requests[0].headers["authorization"] == near.authorization
        assert (await fetch(f"{place}/away"))[0] == 200
        assert "authorization" not in far.requests[0].headers


async def test_a_redirect_on_the_same_host_keeps_credentials(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/home", redirect="/file")
        assert (await fetch(f"{server.url.replace('://', '://me:pw@')}/home"))[0] == 200
        assert [request.headers["authorization"] for request in server.requests] == [
            "Basic " + base64.b64encode(b"me:pw").decode()
        ] * 2


async def test_credentials_from_files(directory: Path, tmp_path: Path) -> None:
    with ChannelServer(directory, basic=("me", "secret")) as server:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password secret\n")
        assert (await fetch(f"{server.url}/file", quick(credentials=CredentialPlaces(netrc=str(netrc)))))[0] == 200
    with ChannelServer(directory, token="abc-123") as server:
        entries = {server.host: {"type": "CondaToken", "token": "abc-123"}}
        (tmp_path / "auth.json").write_text(json.dumps(entries))
        settings = quick(credentials=CredentialPlaces(netrc=str(netrc), mamba=str(tmp_path / "auth.json")))
        assert (await fetch(f"http://{server.host}/file", settings))[0] == 200


async def test_secrets_are_masked_in_errors(directory: Path) -> None:
    with ChannelServer(directory, token="wrong") as server:
        url = f"http://me:secret@{server.host}/t/tk-hidden/file"
        for error in (await failure(url), await failure(url, quick(offline=True))):
            shown = f"{error} {error.hint} {error.data}"
            assert "secret" not in shown
            assert "tk-hidden" not in shown


async def test_offline_never_leaves_the_machine(directory: Path) -> None:
    with ChannelServer(directory) as server:
        assert isinstance(await failure(f"{server.url}/file", quick(offline=True)), OfflineError)
        assert not server.requests
    assert await fetch((directory / "file").as_uri(), quick(offline=True)) == (200, BODY)


async def test_a_refused_connection() -> None:
    with unused_port() as port:
        error = await failure(f"http://127.0.0.1:{port}/x", quick(max_retries=1))
    assert "refused the connection" in str(error)


async def test_an_unknown_host() -> None:
    error = await failure("http://nowhere.invalid/x", quick(max_retries=0))
    assert "nowhere.invalid is not known" in str(error)


async def test_a_server_that_does_not_speak_tls(directory: Path) -> None:
    with ChannelServer(directory) as server:
        error = await failure(server.url.replace("http:", "https:") + "/file", quick(ssl_verify=False, max_retries=0))
    assert isinstance(error, NetworkError)
    assert "127.0.0.1" in str(error)


async def test_an_untrusted_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    import aiohttp

    class Key:
        ssl, is_ssl, host, port = True, True, "h", 443

    def refuse(*args: object, **options: object) -> None:
        inner = ssl.SSLCertVerificationError(1, "bad")
        inner.verify_message = "self-signed certificate"
        raise aiohttp.ClientConnectorCertificateError(Key(), inner)  # type: ignore[arg-type]

    monkeypatch.setattr(aiohttp.ClientSession, "get", refuse)
    error = await failure("https://127.0.0.1/x")
    assert "self-signed certificate" in str(error)
    assert "ssl_verify" in str(error.hint)


async def test_silence_is_noticed(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", delay=0.3, times=None)
        error = await failure(f"{server.url}/file", quick(read_timeout=0.05, max_retries=0))
        assert "did not answer in time" in str(error)


async def test_trickling_is_noticed(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", bandwidth=5000)
        settings = quick(low_speed_time=0.1, low_speed_limit=1_000_000)
        assert "bytes in" in str(await failure(f"{server.url}/file", settings))


async def test_a_slow_reader_is_not_a_slow_network(directory: Path) -> None:
    with ChannelServer(directory) as server:
        settings = quick(low_speed_time=0.15, low_speed_limit=100_000_000)
        async with Transport(settings) as transport, transport.open(f"{server.url}/file") as response:
            received = 0
            async for chunk in response.chunks():
                received += len(chunk)
                await anyio.sleep(0.1)
            assert received == len(BODY)


async def test_a_body_that_is_cut_is_an_error(directory: Path) -> None:
    with ChannelServer(directory) as server:
        server.fail("/file", cut_after=1000)
        assert "broke" in str(await failure(f"{server.url}/file"))


async def test_a_proxy_is_asked_for_the_whole_address(directory: Path) -> None:
    with ChannelServer(directory) as proxy:
        url = "http://channel.invalid/file"
        assert await fetch(url, quick(proxies={"http": proxy.url})) == (200, BODY)
        assert proxy.requests[0].proxied


async def test_a_dead_proxy_is_named_without_its_password() -> None:
    with unused_port() as port:
        settings = quick(proxies={"http": f"http://me:pw@127.0.0.1:{port}"}, max_retries=0)
        error = await failure("http://channel.invalid/file", settings)
    assert "could not reach the proxy" in str(error)
    assert "pw@" not in str(error)


@pytest.mark.parametrize("url", ["s3://bucket/x", "ftp://host/x"])
async def test_other_schemes_are_refused(url: str) -> None:
    assert "not supported" in str(await failure(url))


@pytest.mark.parametrize("url", ["http://[::1/x", "http:///x", "http://a b/x", "http://host:port/x"])
async def test_malformed_addresses_give_an_error_of_ours(url: str) -> None:
    assert isinstance(await failure(url, quick(max_retries=0)), NetworkError)


async def test_local_files(directory: Path) -> None:
    file = directory / "file"
    assert await fetch(file.as_uri()) == (200, BODY)
    assert await fetch(file.as_uri(), Range="bytes=100-") == (206, BODY[100:])
    assert (await fetch(directory.as_uri()))[0] == 404
    assert (await fetch((directory / "none").as_uri()))[0] == 404
    assert (await fetch((file / "below").as_uri()))[0] == 404


async def test_cancelling_gives_the_connection_up(directory: Path) -> None:
    async def endless(transport: Transport, url: str) -> AsyncIterator[bytes]:
        async with transport.open(url) as response:
            async for chunk in response.chunks():
                yield chunk

    with ChannelServer(directory) as server:
        server.fail("/file", bandwidth=1000)
        async with Transport(quick()) as transport:
            with anyio.move_on_after(0.1) as scope:
                async for _ in endless(transport, f"{server.url}/file"):
                    await anyio.sleep(0.01)
            assert scope.cancelled_caught
            async with transport.open(f"{server.url}/file") as response:
                assert response.status == 200


async def test_a_run_that_asks_no_server_imports_no_client() -> None:
    """Importing aiohttp takes as long as solving a usual request."""
    program = (
        "import sys, anyio\n"
        "from engine.fetch.http.transport import Transport\n"
        "async def main():\n"
        "    async with Transport():\n"
        "        pass\n"
        "anyio.run(main)\n"
        "assert 'aiohttp' not in sys.modules\n"
    )
    await anyio.run_process([sys.executable, "-c", program])
