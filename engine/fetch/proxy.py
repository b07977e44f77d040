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
