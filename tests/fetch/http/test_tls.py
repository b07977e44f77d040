"""Trust: the system's store, a file, none at all; and certificates that can't be read."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.fetch.http import tls
from engine.fetch.http.settings import TransportSettings
from engine.fetch.http.tls import authorities, tls_context, trusting_nobody


@pytest.mark.parametrize("verify", [True, "<system>"])
def test_servers_are_checked_by_default(verify: bool | str) -> None:
    context = tls_context(TransportSettings(ssl_verify=verify))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_the_check_can_be_switched_off() -> None:
    context = tls_context(TransportSettings(ssl_verify=False, ca_bundle="/none"))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_a_directory_of_authorities(tmp_path: Path) -> None:
    context = tls_context(TransportSettings(ssl_verify=str(tmp_path)))
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509_ca"] == 0, "the system's authorities don't count then"


def test_other_places_are_tried_where_python_finds_no_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda self, **given: asked.append(given))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths(*[None] * 6))
    (tmp_path / "bundle").touch()
    monkeypatch.setattr(tls, "SYSTEM_BUNDLES", ("/none", str(tmp_path / "bundle")))
    tls_context(TransportSettings())
    assert asked == [{"cafile": str(tmp_path / "bundle")}]


def test_who_is_trusted_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    paths = ssl.DefaultVerifyPaths("/a/cert.pem", "/a/certs", *[""] * 4)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert authorities(TransportSettings()) == "Using system CA certificates at: /a/cert.pem"
    bundle = tls.SYSTEM_BUNDLES[0]
    assert authorities(TransportSettings(ca_bundle=bundle)) == f"Using system CA certificates at: {bundle}"
    assert authorities(TransportSettings(ca_bundle="/b.pem")) == "Using the CA certificates at: /b.pem"
    assert authorities(TransportSettings(ssl_verify="/c", ca_bundle="/b.pem")).endswith(" /c")
    assert "not checked" in authorities(TransportSettings(ssl_verify=False))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths(*[None] * 6))
    (tmp_path / "bundle").touch()
    monkeypatch.setattr(tls, "SYSTEM_BUNDLES", ("/none", str(tmp_path / "bundle")))
    assert authorities(TransportSettings()) == f"Using system CA certificates at: {tmp_path / 'bundle'}"


@pytest.mark.parametrize(
    "settings",
    [
        {"ssl_verify": "/none"},
        {"ca_bundle": "/none"},
        {"client_cert": "/none"},
        {"client_cert": "/none", "client_cert_key": "/no"},
    ],
)
def test_files_that_are_not_there_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="/none"):
        tls_context(TransportSettings(**settings))


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing of the kind")
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        tls_context(TransportSettings(ca_bundle=str(tmp_path / "ca.pem")))


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_system_is_asked_where_it_has_a_store_of_its_own(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    truststore = pytest.importorskip("truststore", reason="truststore is only needed on macOS and Windows")
    monkeypatch.setattr("sys.platform", platform)
    context = tls_context(TransportSettings())
    assert isinstance(context, truststore.SSLContext)
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    if platform == "win32":
        return  # what Python does by itself there needs a Windows
    monkeypatch.setitem(sys.modules, "truststore", None)
    assert tls_context(TransportSettings()).verify_mode == ssl.CERT_REQUIRED


def test_one_thread_can_do_without_the_trust_store(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: read.append(threading.current_thread().name))
    before = dict(vars(ssl.SSLContext))
    with trusting_nobody():
        context = ssl.create_default_context()
        other = threading.Thread(target=ssl.create_default_context, name="other")
        other.start()
        other.join()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] == 0
    assert read == ["other"]
    assert dict(vars(ssl.SSLContext)) == before


def test_the_http_client_is_loaded_without_reading_the_trust_store() -> None:
    code = (
        "import ssl, sys\n"
        "def fail(*_): sys.exit('read')\n"
        "ssl.SSLContext.load_default_certs = ssl.SSLContext.set_default_verify_paths = fail\n"
        "import asyncio\n"
        "from engine.fetch.http.client import _new_session\n"
        "from engine.fetch.http.settings import TransportSettings\n"
        "async def main(): await _new_session(TransportSettings(), '').close()\n"
        "asyncio.run(main())\n"
        "print('aiohttp' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("True\n", "")
