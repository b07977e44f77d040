from __future__ import annotations

import pytest

from engine.errors import NetworkError
from engine.fetch.http.redirect import has_same_host, redirected


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://h/a/b", "/c", "https://h/c"),
        ("https://h/a/b", "c?x=1", "https://h/a/c?x=1"),
        ("http://h/a", "https://h/a", "https://h/a"),
        ("https://me:pw@h/a", "/c", "https://me:pw@h/c"),
        ("https://me:pw@h/a", "https://H/c", "https://me:pw@h/c"),
        ("https://me:pw@h/a", "https://cdn/c", "https://cdn/c"),
        ("https://me:pw@h/a", "https://h:8443/c", "https://h:8443/c"),
        ("http://me:pw@h/a", "https://h/c", "https://h/c"),
    ],
)
def test_credentials_stay_on_their_server(url: str, location: str, target: str) -> None:
    assert redirected(url, location) == target


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://h/x", "http://h/a", "data:,x"])
def test_where_no_network_may_send_us(location: str) -> None:
    with pytest.raises(NetworkError, match="refused its redirect"):
        redirected("https://me:pw@h/a", location)


@pytest.mark.parametrize("location", ["http://[bad/", "https://ex\u2100mple/"])
def test_what_is_no_address(location: str) -> None:
    with pytest.raises(NetworkError, match="its redirect is to no valid address"):
        redirected("https://me:pw@h/a", location)


def test_the_same_host() -> None:
    assert has_same_host("https://me:pw@h:1/a", "https://H:1/b")
    assert not has_same_host("https://h/a", "http://h/a")
    assert not has_same_host("https://h/a", "https://h:8443/a")
