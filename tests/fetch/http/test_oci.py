"""A registry of images as a channel, and as the mirror of one."""

# ruff: noqa: ASYNC240
# The tests look at a handful of files between the steps of the loop.

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import HttpStatusError, NetworkError
from engine.events import silent
from engine.fetch.http.client import HttpClient
from engine.fetch.http.oci import Registries
from engine.fetch.http.oci_names import Reference
from engine.fetch.http.settings import CredentialPlaces, TransportSettings
from engine.fetch.http.transport import Transport
from tests.commands.conftest import build_channel
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.registry import Registry
from tests.kit.server import ChannelServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    builder = ChannelBuilder(tmp_path / "channel")
    builder.add(make_package("_odd", "1!1.0+x", files={"a": "b"}))
    builder.write()
    return builder.path


async def fetch(url: str, transport: Transport, **headers: str) -> tuple[int, bytes]:
    async with transport.open(url, headers=headers) as response:
        return response.status, b"".join([chunk async for chunk in response.chunks()])


async def test_files_of_every_kind(channel: Path) -> None:
    with Registry(channel, "mirrors/forge") as registry:
        async with Transport() as transport:
            for file in sorted(channel.rglob("*")):
                if file.is_file():
                    found = await fetch(f"{registry.url}/{file.relative_to(channel).as_posix()}", transport)
                    assert found == (200, file.read_bytes()), file
            assert (await fetch(f"{registry.url}/noarch/none-1-0.conda", transport))[0] == 404
            assert (await fetch(f"{registry.url}/noarch/repodata_shards.msgpack.zst", transport))[0] == 404
        assert registry.leaked == []
        assert registry.requests.count("/token") == len({repository for repository, _ in registry.manifests}) + 1


async def test_a_part_of_a_file(channel: Path) -> None:
    [file] = channel.rglob("_odd*")
    with Registry(channel, "c") as registry:
        async with Transport() as transport:
            found = await fetch(f"{registry.url}/{file.parent.name}/{file.name}", transport, Range="bytes=100-")
    assert found == (206, file.read_bytes()[100:])


async def test_who_is_known_to_the_registry(channel: Path, tmp_path: Path) -> None:
    basic = "Basic " + base64.b64encode(b"me:pw").decode()
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password pw\n")
    netrc.chmod(0o600)
    with Registry(channel, "c", basic=basic) as registry:
        url = f"{registry.url}/noarch/repodata.json"
        async with Transport() as transport:
            with pytest.raises(HttpStatusError, match="401"):
                await fetch(url, transport)
        async with Transport(TransportSettings(credentials=CredentialPlaces(netrc=str(netrc)))) as transport:
            assert (await fetch(url, transport))[0] == 200


async def test_what_is_no_registry(channel: Path) -> None:
    with ChannelServer(channel) as server:
        server.fail(body=b"hello", times=None)
        async with Transport() as transport:
            with pytest.raises(NetworkError, match="no answer of a registry"):
                await fetch(f"oci://{server.host}/c/noarch/repodata.json", transport)


@pytest.mark.parametrize("realm", ["http://elsewhere/token", "https://[bad/token"])
async def test_a_login_where_none_can_be(realm: str) -> None:
    registries = Registries(HttpClient(TransportSettings(), silent))
    reference = Reference("https://registry", "c/noarch/repodata.json", "latest", "")
    with pytest.raises(NetworkError, match="it asks for a login at"):
        await registries._token({"realm": realm}, reference)


@pytest.mark.parametrize("how", ["channel", "mirror", "second mirror"])
def test_an_environment_from_a_registry(how: str, tmp_path: Path) -> None:
    built = build_channel(tmp_path / "channel")
    with Registry(built.path, "mirrors/forge") as registry, ChannelServer(built.path) as server:
        server.fail("*.conda", status=503, times=None)
        rc, asked = tmp_path / "rc", "forge"
        mirrors = {"mirror": [registry.url], "second mirror": [server.url, registry.url]}.get(how)
        if mirrors is None:
            asked = registry.url
        rc.write_text(json.dumps({"mirrored_channels": {"forge": mirrors or []}}))
        words = ("create", "-y", "-p", str(tmp_path / "env"), "--rc-file", str(rc), "--override-channels", "-c", asked)
        command = [sys.executable, "-m", "cli", *words, "-r", str(tmp_path / "root"), "--platform", "linux-64", "tool"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
        base = server.url if how == "second mirror" else registry.url
        [record] = (tmp_path / "env/conda-meta").glob("tool-*.json")
        assert json.loads(record.read_text())["url"].startswith(f"{base}/linux-64/tool-1.0-")
        assert registry.leaked == []
