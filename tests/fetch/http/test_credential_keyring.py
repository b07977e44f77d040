from __future__ import annotations

from pathlib import Path

import pytest

from engine.fetch.http import credential_keyring
from engine.fetch.http.auth import Bearer, PathToken
from engine.fetch.http.credential_keyring import keyring_credential
from engine.fetch.http.transport import Transport, TransportSettings
from tests.kit.server import ChannelServer


def test_rattlers_entries_are_found_by_host_and_by_wildcard() -> None:
    entries = {("rattler", "repo.host.dev"): '{"CondaToken": "tk"}', ("rattler", "*.host.dev"): '{"BearerToken": "br"}'}

    def ask(service: str, name: str) -> str | None:
        return entries.get((service, name))

    assert keyring_credential("repo.host.dev", ask) == PathToken("tk")
    assert keyring_credential("other.host.dev", ask) == Bearer("br")
    assert keyring_credential("elsewhere.dev", ask) is None


def test_a_keyring_that_does_not_work_is_as_none() -> None:
    def broken(service: str, name: str) -> str | None:
        raise RuntimeError("no D-Bus here")

    assert keyring_credential("host.dev", broken) is None
    assert keyring_credential("host.dev", lambda service, name: "not JSON") is None


@pytest.mark.anyio
async def test_it_is_asked_once_and_only_by_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    asked: list[str] = []

    def ask(service: str, name: str) -> str | None:
        asked.append(name)
        return '{"BearerToken": "br"}' if name == "127.0.0.1" else None

    monkeypatch.setattr(credential_keyring, "_library", lambda: ask)
    with ChannelServer(tmp_path) as open_to_all, ChannelServer(tmp_path, bearer="br") as server:
        async with Transport(TransportSettings(keyring=True)) as transport:
            for url in (open_to_all.url, server.url, server.url):
                async with transport.open(f"{url}/file") as response:
                    assert response.status == 200
        assert asked == ["127.0.0.1"]
        assert [request.status for request in server.requests] == [401, 200, 200]
