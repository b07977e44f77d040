"""Which proxy: the order of conda's proxy_servers, and curl's idea of no_proxy."""

from __future__ import annotations

import pytest

from engine.fetch.http.proxy import is_socks, plain_socks, proxy_for

PROXIES = {"https": "http://secure:1", "all": "plain:2", "http://special.org": "http://special:3", "ftp": ""}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://any.org/x", "http://secure:1"),
        ("http://any.org/x", "http://plain:2"),
        ("http://special.org:80/x", "http://special:3"),
        ("ftp://any.org/x", "http://plain:2"),
    ],
)
def test_the_most_particular_entry_wins(url: str, expected: str) -> None:
    assert proxy_for(url, PROXIES) == expected


@pytest.mark.parametrize(
    ("entry", "url", "direct"),
    [
        ("any.org", "https://any.org/", True),
        ("any.org", "https://sub.any.org/", True),
        (".any.org", "https://any.org/", True),
        ("any.org", "https://many.org/", False),
        ("any.org:8080", "https://any.org:8080/", True),
        ("any.org:8080", "https://any.org/", False),
        (" ANY.org ", "https://any.org/", True),
        ("*", "https://whatever/", True),
        ("", "https://any.org/", False),
    ],
)
def test_exceptions(entry: str, url: str, direct: bool) -> None:
    assert (proxy_for(url, PROXIES, [entry]) is None) is direct


def test_without_proxies() -> None:
    assert proxy_for("https://any.org/", {}) is None


def test_socks() -> None:
    assert is_socks("SOCKS5://h:1") and is_socks("socks4a://h:1")
    assert not is_socks("http://h:1") and not is_socks(None)
    assert plain_socks("socks5://me:pw@h:1") == ("socks5://me:pw@h:1", False)
    assert plain_socks("socks5h://h:1") == ("socks5://h:1", True)
    assert plain_socks("socks4a://h:1") == ("socks4://h:1", True)
    assert plain_socks("socks://h:1") == ("socks5://h:1", False)
