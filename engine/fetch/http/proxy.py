"""Which proxy a URL goes through. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit


def proxy_for(url: str, proxies: Mapping[str, str], no_proxy: Sequence[str] = ()) -> str | None:
    """The proxy's URL or None. The most particular entry wins: scheme and host, scheme, all and host, all.

    The order is that of conda's ``proxy_servers`` (after Requests); ``no_proxy`` follows curl: a domain covers its
    subdomains, with or without a leading dot, a port may be given, ``*`` is everything.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if not proxies or _is_excepted(host, parts.port, no_proxy):
        return None
    for key in (f"{parts.scheme}://{host}", parts.scheme, f"all://{host}", "all"):
        if proxy := proxies.get(key):
            return proxy if "://" in proxy else f"http://{proxy}"
    return None


def _is_excepted(host: str, port: int | None, no_proxy: Sequence[str]) -> bool:
    for entry in no_proxy:
        domain = entry.strip().lower().lstrip(".")
        if domain == "*":
            return True
        if domain in (host, f"{host}:{port}") or (domain and host.endswith(f".{domain}")):
            return True
    return False


def is_socks(proxy: str | None) -> bool:
    """Whether a proxy's URL asks for SOCKS."""
    return proxy is not None and proxy.lower().startswith("socks")


def plain_socks(proxy: str) -> tuple[str, bool]:
    """The URL of a SOCKS proxy as libraries know it, and whether the proxy shall look names up (curl's ``socks5h``)."""
    scheme, _, rest = proxy.partition("://")
    kind = scheme.lower()
    return f"{'socks4' if kind in ('socks4', 'socks4a') else 'socks5'}://{rest}", kind in ("socks5h", "socks4a")
