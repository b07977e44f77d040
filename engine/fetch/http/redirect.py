"""Where a redirect may lead. Pure."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from engine.errors import NetworkError
from engine.model.url import mask_secrets

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10


def redirected(url: str, location: str) -> str:
    """Where a ``Location`` leads. Never from https to http, nor to a local file: a network must not choose that."""
    try:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
    except ValueError as error:
        raise NetworkError(
            f"Could not fetch {mask_secrets(url)}: its redirect is to no valid address ({error})",
            hint="The server is broken, or hostile; check the channel's address.",
        ) from error
    if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme == "http"):
        raise NetworkError(
            f"Could not fetch {mask_secrets(url)}: refused its redirect to {mask_secrets(target)}",
            hint="Only http and https are followed, and never from https to http.",
        )
    if old.username and new.username is None and (old.scheme, _place(old.netloc)) == (new.scheme, _place(new.netloc)):
        # the same server: what the user gave for it in the URL stays valid
        return new._replace(netloc=old.netloc).geturl()
    return target


def has_same_host(url: str, other: str) -> bool:
    """Whether both are on the same server, told by scheme, host and port."""
    one, two = urlsplit(url), urlsplit(other)
    return (one.scheme, _place(one.netloc)) == (two.scheme, _place(two.netloc))


def _place(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower()
