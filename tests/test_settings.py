"""`engine.settings`: what each part is told of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Config, load_config
from engine.settings import credential_places, fetch_settings, link_options, repodata_settings, transport_settings


def config(tmp_path: Path, **options: object) -> Config:
    environ = {"MAMBA_ROOT_PREFIX": str(tmp_path / "root"), "https_proxy": "http://proxy:1", "no_proxy": "a.org, b.org"}
    return load_config(options, environ, home=str(tmp_path), cwd=str(tmp_path))


def test_transport(tmp_path: Path) -> None:
    found = transport_settings(config(tmp_path, offline=True), {})
    assert found.offline
    assert found.ssl_verify is True
    assert found.proxies == {"https": "http://proxy:1"}
    assert found.no_proxy == ("a.org", "b.org")
    assert found.credentials.mamba == str(tmp_path / ".mamba/auth/authentication.json")


def test_files_of_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    plain = credential_places(config(tmp_path), {})
    assert plain.rattler == (str(tmp_path / ".rattler/credentials.json"),)
    assert plain.netrc == str(tmp_path / ".netrc")
    assert plain.token_dirs == (
        str(tmp_path / ".continuum/anaconda-client/tokens"),
        str(tmp_path / ".config/binstar"),
    )
    named = credential_places(config(tmp_path), {"RATTLER_AUTH_FILE": "/r.json", "BINSTAR_CONFIG_DIR": "/b"})
    assert named.rattler == ("/r.json", str(tmp_path / ".rattler/credentials.json"))
    assert named.token_dirs[1] == "/b/data"
    monkeypatch.setattr("sys.platform", "darwin")
    assert credential_places(config(tmp_path), {}).token_dirs[1] == str(
        tmp_path / "Library/Application Support/binstar"
    )


@pytest.mark.parametrize(("text", "value"), [("<false>", False), ("<system>", True)])
def test_ssl_verify(tmp_path: Path, text: str, value: bool) -> None:
    assert transport_settings(config(tmp_path, ssl_verify=text), {}).ssl_verify is value


def test_low_speed_limit_can_be_switched_off(tmp_path: Path) -> None:
    assert transport_settings(config(tmp_path), {}).low_speed_limit == 30
    assert transport_settings(config(tmp_path), {"MAMBA_NO_LOW_SPEED_LIMIT": "1"}).low_speed_limit == 0
    assert transport_settings(config(tmp_path), {"MAMBA_NO_LOW_SPEED_LIMIT": "0"}).low_speed_limit == 30


def test_repodata(tmp_path: Path) -> None:
    found = repodata_settings(config(tmp_path, local_repodata_ttl=7), refresh=True)
    assert (found.ttl, found.refresh, found.cache_dirs[0]) == (7, True, str(tmp_path / "root/pkgs"))


def test_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.settings.available_cores", lambda: 8)
    assert fetch_settings(config(tmp_path)).extract_threads == 8
    assert fetch_settings(config(tmp_path, extract_threads=-6)).extract_threads == 2
    assert fetch_settings(config(tmp_path, extract_threads=-20)).extract_threads == 1
    assert fetch_settings(config(tmp_path, download_threads=0)).download_threads == 5


def test_link(tmp_path: Path) -> None:
    found = link_options(config(tmp_path, always_copy=True, skip_run_link_scripts=True, lock_timeout=3), {"A": "1"})
    assert (found.always_copy, found.run_link_scripts, found.lock_timeout) == (True, False, 3.0)
    assert found.registry == str(tmp_path / ".conda/environments.txt")
    assert found.environ == {"A": "1"}
