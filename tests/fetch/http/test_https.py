"""https for real: who is trusted, who we are, and the ways through proxies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NetworkError
from engine.fetch.http.transport import Transport, TransportSettings
from tests.fetch.feeding import BODY
from tests.kit.certificates import Certificates
from tests.kit.proxies import ConnectProxy, SocksProxy
from tests.kit.server import ChannelServer, unused_port

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def fetch(url: str, **settings: Any) -> bytes:
    async with Transport(TransportSettings(max_retries=0, **settings)) as transport, transport.open(url) as response:
        assert response.status == 200
        return b"".join([chunk async for chunk in response.chunks()])


async def failure(url: str, **settings: Any) -> str:
    with pytest.raises(NetworkError) as caught:
        await fetch(url, **settings)
    return f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("key", ["ssl_verify", "ca_bundle"])
async def test_an_authority_of_ones_own(key: str, certificates: Certificates, directory: Path) -> None:
    with ChannelServer(directory, tls=certificates.server()) as server:
        assert await fetch(f"{server.url}/file", **{key: certificates.file("ca.pem")}) == BODY
        assert await fetch(f"{server.url}/file", ssl_verify=False) == BODY


async def test_the_log_says_once_who_is_trusted(certificates: Certificates, directory: Path) -> None:
    heard: list[Any] = []
    with ChannelServer(directory, tls=certificates.server()) as server:
        settings = TransportSettings(max_retries=0, ssl_verify=certificates.file("ca.pem"))
        async with Transport(settings, heard.append) as transport:
            for _ in range(2):
                async with transport.open(f"{server.url}/file") as response:
                    assert response.status == 200
    assert [(one.level, one.text) for one in heard] == [
        ("debug", f"Using the CA certificates at: {certificates.file('ca.pem')}")
    ]


async def test_strangers_are_not_trusted(certificates: Certificates, directory: Path) -> None:
    with ChannelServer(directory, tls=certificates.server()) as server:
        said = await failure(f"{server.url}/file")
        assert "no trusted connection to 127.0.0.1" in said
        assert "ssl_verify" in said
        server.errors.clear()


async def test_a_server_that_speaks_no_tls(directory: Path) -> None:
    with ChannelServer(directory) as server:
        said = await failure(f"https://{server.host}/file")
    assert "127.0.0.1 does not speak TLS there" in said
    assert "http://" in said and "ssl_verify" not in said


# Python 3.10 does not call a TLS transport closed whose connection the server broke off.
@pytest.mark.filterwarnings("ignore:unclosed transport <asyncio.sslproto:ResourceWarning")
async def test_who_we_are(certificates: Certificates, directory: Path) -> None:
    ca, cert, key = (certificates.file(name) for name in ("ca.pem", "client.pem", "client.key"))
    with ChannelServer(directory, tls=certificates.server(ask_client=True)) as server:
        assert await fetch(f"{server.url}/file", ssl_verify=ca, client_cert=cert, client_cert_key=key) == BODY
        await failure(f"{server.url}/file", ssl_verify=ca)


@pytest.mark.parametrize("login", [None, ("me", "s3cret")])
async def test_through_a_tunnel(login: tuple[str, str] | None, certificates: Certificates, directory: Path) -> None:
    with ChannelServer(directory, tls=certificates.server()) as server, ConnectProxy(login) as proxy:
        url = f"https://channel.invalid:{server.port}/file"
        settings = {"ssl_verify": certificates.file("ca.pem"), "proxies": {"https": proxy.url}}
        assert await fetch(url, **settings) == BODY
        assert proxy.asked == [f"channel.invalid:{server.port}"]
        assert await fetch(f"{server.url}/file", no_proxy=("127.0.0.1",), **settings) == BODY
        assert len(proxy.asked) == 1
        if login:
            said = await failure(url, **{**settings, "proxies": {"https": proxy.url.replace("s3cret", "wr0ng")}})
            assert "the proxy" in said
            assert "wr0ng" not in said


@pytest.mark.parametrize("login", [None, ("me", "s3cret")])
@pytest.mark.parametrize("kind", ["socks5", "socks5h"])
async def test_through_socks(
    kind: str, login: tuple[str, str] | None, certificates: Certificates, directory: Path
) -> None:
    pytest.importorskip("aiohttp_socks", reason="the extra 'socks' is not installed")
    with ChannelServer(directory, tls=certificates.server()) as server, SocksProxy(login) as proxy:
        proxies = {"all": proxy.url.replace("socks5", kind)}
        host = "channel.invalid" if kind == "socks5h" else "127.0.0.1"
        url = f"https://{host}:{server.port}/file"
        assert await fetch(url, ssl_verify=certificates.file("ca.pem"), proxies=proxies) == BODY
        assert proxy.asked == [f"{host}:{server.port}"]
        if login:
            said = await failure(url, ssl_verify=False, proxies={"all": proxy.url.replace("s3cret", "wr0ng")})
            assert "the proxy" in said
            assert "wr0ng" not in said


async def test_a_dead_socks_proxy(directory: Path) -> None:
    pytest.importorskip("aiohttp_socks", reason="the extra 'socks' is not installed")
    with unused_port() as port:
        said = await failure("http://127.0.0.1:9/file", proxies={"http": f"socks5://me:pw@127.0.0.1:{port}"})
    assert "could not reach the proxy" in said
    assert "pw@" not in said


async def test_socks_without_the_library(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp_socks", None)
    said = await failure("http://127.0.0.1:9/file", proxies={"http": "socks5://me:pw@127.0.0.1:9"})
    assert "SOCKS needs the library aiohttp-socks" in said
    assert "whipsnake[socks]" in said
    assert "pw@" not in said
