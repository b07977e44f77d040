"""`engine.settings`: what each part is told of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Config, load_config
from engine.settings import fetch_settings, link_options, repodata_settings, transport_settings


def config(tmp_path: Path, **options: object) -> Config:
    environ = {"MAMBA_ROOT_PREFIX": str(tmp_path / "root"), "https_proxy": "http://proxy:1", "no_proxy": "a.org, b.org"}
    return load_config(options, environ, home=str(tmp_path), cwd=str(tmp_path))


def test_transport(tmp_path: Path) -> None:
    found = transport_settings(config(tmp_path, offline=True), {})
    assert found.offline
    assert found.ssl_verify is True
    assert found.proxies == {"https": "http://proxy:1"}
    assert found.no_proxy == ("a.org", "b.org")
    assert found.auth_file == str(tmp_path / ".mamba/auth/authentication.json")


@pytest.mark.parametrize(("text", "value"), [("<false>", False), ("<system>", True)])
def test_ssl_verify(tmp_path: Path, text: str, value: bool) -> None:
    assert transport_settings(config(tmp_path, ssl_verify=text), {}).ssl_verify is value


def test_low_speed_limit_can_be_switched_off(tmp_path: Path) -> None:
    assert transport_settings(config(tmp_path), {}).low_speed_limit == 30
    assert transport_settings(config(tmp_path), {"MAMBA_NO_LOW_SPEED_LIMIT": "1"}).low_speed_limit == 0


def test_repodata(tmp_path: Path) -> None:
    found = repodata_settings(config(tmp_path, local_repodata_ttl=7), refresh=True)
    assert (found.ttl, found.refresh, found.cache_dirs[0]) == (7, True, str(tmp_path / "root/pkgs"))


def test_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert fetch_settings(config(tmp_path)).extract_threads == 8
    assert fetch_settings(config(tmp_path, extract_threads=-6)).extract_threads == 2
    assert fetch_settings(config(tmp_path, extract_threads=-20)).extract_threads == 1
    assert fetch_settings(config(tmp_path, download_threads=0)).download_threads == 5


def test_link(tmp_path: Path) -> None:
    found = link_options(config(tmp_path, always_copy=True, skip_run_link_scripts=True, lock_timeout=3), {"A": "1"})
    assert (found.always_copy, found.run_link_scripts, found.lock_timeout) == (True, False, 3.0)
    assert found.registry == str(tmp_path / ".conda/environments.txt")
    assert found.environ == {"A": "1"}
