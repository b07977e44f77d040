"""What went wrong on the network, in words: status codes and exceptions → our errors, secrets masked.

Knows exceptions by their class names where they are aiohttp's: only `engine.fetch.http.client` imports that.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from engine.errors import HttpStatusError, NetworkError
from engine.fetch.http.proxy import is_socks
from engine.model.channel import mask_secrets

_STATUS_HINTS = {
    401: "The server wants to know who you are, or did not accept your credentials: {credentials}.",
    403: "You are not allowed to read this, or a token is missing or expired: {credentials}.",
    407: "The proxy wants credentials: write them into `proxy_servers` as http://user:password@host:port.",
    429: "The server is asked too often; try again later, or lower `download_threads`.",
}
_CREDENTIALS = "check the token or user in the channel's address, `netrc`, or `authentication.json`"
_SERVER_FAULT = "The server has a problem of its own; try again later, or tell its maintainers if it stays so."


def status_error(url: str, status: int, reason: str) -> HttpStatusError:
    """The error for an answer that is no success."""
    hint = _STATUS_HINTS.get(status, _SERVER_FAULT if status >= 500 else None)
    return HttpStatusError(
        mask_secrets(url), status, reason, hint=hint.format(credentials=_CREDENTIALS) if hint else None
    )


_PROXY_HINT = "Check `proxy_servers` and the environment variables http_proxy, https_proxy and no_proxy."
_SLOW_HINT = "The network or the server may be down; `remote_connect_timeout_secs` says how long to wait."
_DNS_HINT = "Check the channel's address and your network (DNS)."
_REFUSED_HINT = "Check the channel's address and port, and your proxy settings."
_ADDRESS_HINT = "Check the channel's address."
_TLS_HINT = (
    "Behind a company's proxy, set `ssl_verify` (or SSL_CERT_FILE) to its certificate authority; "
    "`ssl_verify: false` switches the check off and is not safe."
)
_NO_TLS_HINT = "Check the port; if the server speaks http only, the channel's address has to begin with http://."

_KINDS: dict[str, tuple[str, str, bool]] = {
    "ProxyConnectionError": ("could not reach the proxy {proxy}", _PROXY_HINT, True),
    "ProxyError": ("the proxy {proxy} refused ({detail})", _PROXY_HINT, False),
    "ClientProxyConnectionError": ("could not reach the proxy {proxy}", _PROXY_HINT, True),
    "ClientHttpProxyError": ("the proxy {proxy} refused ({detail})", _PROXY_HINT, False),
    "ClientSSLError": ("no trusted connection to {host} ({detail})", _TLS_HINT, False),
    "SSLError": ("no trusted connection to {host} ({detail})", _TLS_HINT, False),
    "ClientConnectorDNSError": ("the host {host} is not known", _DNS_HINT, True),
    "gaierror": ("the host {host} is not known", _DNS_HINT, True),
    "TimeoutError": ("{host} did not answer in time", _SLOW_HINT, True),
    "ConnectionRefusedError": ("{host} refused the connection", _REFUSED_HINT, True),
    "InvalidURL": ("this is not a valid address", _ADDRESS_HINT, False),
    "ValueError": ("this is not a valid address", _ADDRESS_HINT, False),
}
"""Class name, of the exception or of what it wraps → what happened, a hint, whether it may pass. The closest counts."""

_NO_SUCH_HOST = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
"""The resolver's "there is none", which no second question changes; "try again" (EAI_AGAIN) is another answer."""

_UNKNOWN_PROXY = ("the proxy {proxy} is not known: there is no such host", _PROXY_HINT, True)
"""In place of an unknown host where a HTTP proxy is used: it alone is looked up here, the other one by the proxy."""

_NO_TLS = ("{host} does not speak TLS there, as https needs it ({detail})", _NO_TLS_HINT, False)
_NO_TLS_REASONS = {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
"""OpenSSL's words, by version, for an answer that is no TLS: in place of a certificate that is not trusted."""

_OTHER = ("the connection to {host} broke ({detail})", "Check your network and try again.", True)


def network_error(url: str, error: BaseException, proxy: str | None = None) -> tuple[NetworkError, bool]:
    """The error for an exception of the connection, and whether trying again may help."""
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error.__cause__ or error
    kinds = [kind.__name__ for kind in (*type(error).__mro__, *type(inner).__mro__)]
    text, hint, passing = next((_KINDS[kind] for kind in kinds if kind in _KINDS), _OTHER)
    if hint is _DNS_HINT and proxy and not is_socks(proxy):
        text, hint, passing = _UNKNOWN_PROXY
    if hint is _TLS_HINT and getattr(inner, "reason", None) in _NO_TLS_REASONS:
        text, hint, passing = _NO_TLS
    reason = text.format(host=_host(url), proxy=proxy, detail=_detail(inner))
    if hint is _SLOW_HINT and proxy:
        reason += f", by way of the proxy {proxy}"
    passing = passing and getattr(inner, "errno", None) not in _NO_SUCH_HOST
    return NetworkError(mask_secrets(f"Could not fetch {url}: {reason}"), hint=hint), passing


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _detail(error: BaseException) -> str:
    """The verifier's own words where there are any ("self-signed certificate"), else OpenSSL's or the system's."""
    found = getattr(error, "verify_message", None) or getattr(error, "reason", None) or str(error).strip()
    return str(found or type(error).__name__)
