"""Certificates for https on loopback, made by the machine's ``openssl``: an authority, a server, a client."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


class Certificates:
    """PEM files below ``path``; of each name ``<name>.pem`` and ``<name>.key``."""

    def __init__(self, path: Path) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("there is no openssl to make certificates with")
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._openssl = openssl
        self._run("req", "-x509", *self._new("ca"), "-out", "ca.pem", "-addext", "keyUsage=critical,keyCertSign")
        for name in ("server", "client"):
            self._run("req", *self._new(name), "-out", f"{name}.csr")
            (path / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:channel.invalid\n")
            self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip

    def _new(self, name: str) -> tuple[str, ...]:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
        return (*key, "-subj", f"/CN=kit {name}", "-days", "2") if name == "ca" else (*key, "-subj", f"/CN=kit {name}")

    def _run(self, *words: str) -> None:
        subprocess.run([self._openssl, *words], cwd=self.path, check=True, capture_output=True)

    def file(self, name: str) -> str:
        """The path of a certificate or key: ``ca.pem``, ``client.key`` …"""
        return str(self.path / name)

    def server(self, *, ask_client: bool = False) -> ssl.SSLContext:
        """What a server needs; ``ask_client`` lets only clients in that our authority knows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file("server.pem"), self.file("server.key"))
        if ask_client:
            context.load_verify_locations(self.file("ca.pem"))
            context.verify_mode = ssl.CERT_REQUIRED
        return context
