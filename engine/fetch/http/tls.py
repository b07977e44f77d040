"""The TLS context that a configuration asks for, and none for those who need none.

`tls_context` reads certificate files, so call it from a worker thread.
"""

from __future__ import annotations

import os
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import ConfigError
from engine.fetch.http.settings import TransportSettings

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Debian, Fedora, SUSE and Alpine (also macOS) keep their trust store."""

_READERS = ("load_default_certs", "set_default_verify_paths")
"""What of `ssl.SSLContext` reads the system's trust store."""
_REPLACING = threading.Lock()


def tls_context(settings: TransportSettings) -> ssl.SSLContext:
    """A context with the right authorities and client certificate. Raises `ConfigError` if a file can't be used."""
    if settings.ssl_verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = _verifying(settings)
    if settings.client_cert:
        _load_client_cert(context, settings.client_cert, settings.client_cert_key)
    return context


def authorities(settings: TransportSettings) -> str:
    """Whom `tls_context` trusts, for those who look why a server is not: one line, in micromamba's words."""
    if settings.ssl_verify is False:
        return "Certificates of servers are not checked, as ssl_verify is off"
    named = _named(settings)
    if named and named not in SYSTEM_BUNDLES:
        return f"Using the CA certificates at: {os.path.expanduser(named)}"
    if sys.platform in ("darwin", "win32"):
        return "Using system CA certificates at: the system's own store"
    paths = ssl.get_default_verify_paths()
    found = next(filter(os.path.isfile, SYSTEM_BUNDLES), "no place at all")
    return f"Using system CA certificates at: {named or paths.cafile or paths.capath or found}"


def _named(settings: TransportSettings) -> str | None:
    """The file or directory that the configuration names; None for the system's own."""
    named = settings.ssl_verify if isinstance(settings.ssl_verify, str) else settings.ca_bundle
    return None if named == "<system>" else named or None


def _verifying(settings: TransportSettings) -> ssl.SSLContext:
    named = _named(settings)
    if not named:
        return _with_system_store()
    path = os.path.expanduser(named)
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"Could not read the certificate authorities in {path}: {error}",
            hint='`ssl_verify` takes true, false, "<system>", or the path of a PEM file or directory.',
        ) from error


def _with_system_store() -> ssl.SSLContext:
    """Who this machine trusts. On macOS and Windows the system itself is asked, by the library truststore, so that what
    a company's administrators added counts; elsewhere OpenSSL's own files are the system's."""
    if sys.platform in ("darwin", "win32"):
        try:
            import truststore
        except ImportError:
            pass  # installed from somewhere that left it away
        else:
            native: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            return native
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if context.cert_store_stats()["x509_ca"] or (paths.capath and os.listdir(paths.capath)):
        return context
    # A relocated Python (a conda environment, a portable build) may look in a place that does not exist here.
    for bundle in SYSTEM_BUNDLES:
        if os.path.isfile(bundle):
            context.load_verify_locations(cafile=bundle)
            break
    return context


def _load_client_cert(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    try:
        context.load_cert_chain(os.path.expanduser(cert), os.path.expanduser(key) if key else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"Could not read the client certificate {cert}: {error}",
            hint="Check `client_ssl_cert` and `client_ssl_cert_key`; both are paths of PEM files.",
        ) from error


@contextmanager
def trusting_nobody() -> Iterator[None]:
    """TLS contexts that this thread makes meanwhile have no authorities: no connection comes about by them.

    For the import of aiohttp, which makes two, and would read the system's trust store for each (some 20 ms). It uses
    them where a request brings none of its own; ours do. Other threads are not concerned.
    """
    thread, kind = threading.get_ident(), ssl.SSLContext

    def elsewhere(name: str) -> object:
        read = getattr(kind, name)
        return lambda context, *args: None if threading.get_ident() == thread else read(context, *args)

    with _REPLACING:
        own = {name: vars(kind).get(name) for name in _READERS}
        for name in _READERS:
            setattr(kind, name, elsewhere(name))
        try:
            yield
        finally:
            for name, method in own.items():
                if method is None:
                    delattr(kind, name)  # it is the base class's
                else:
                    setattr(kind, name, method)
