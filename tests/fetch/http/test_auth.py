"""Credentials: which place they belong to, and what becomes of them in a request."""

from __future__ import annotations

import base64

import pytest

from engine.fetch.http.auth import Authorised, AuthStore, Basic, Bearer, PathToken, place_of, wildcards

STORE = AuthStore(
    {
        "host": Bearer("whole"),
        "https://HOST/private/": Bearer("part"),
        "host:8080": Bearer("port"),
        "*.domain.org": Basic("u", "p"),
        "conda.anaconda.org": PathToken("tk-1"),
    }
)


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("https://host/x", "Bearer whole"),
        ("https://Host/private/chan/x", "Bearer part"),
        ("https://host/privately/x", "Bearer whole"),
        ("https://host:8080/x", "Bearer port"),
        ("https://a.b.domain.org/x", "Basic " + base64.b64encode(b"u:p").decode()),
        ("https://domain.org/x", "Basic " + base64.b64encode(b"u:p").decode()),
        ("https://otherhost/x", None),
        ("https://host.evil.org/x", None),
    ],
)
def test_the_closest_place_counts(url: str, header: str | None) -> None:
    assert STORE.authorise(url) == Authorised(url, header)


def test_tokens_go_into_the_path_once() -> None:
    expected = "https://conda.anaconda.org/t/tk-1/chan/x"
    assert STORE.authorise("https://conda.anaconda.org/chan/x") == Authorised(expected)
    assert STORE.authorise("https://conda.anaconda.org/t/own/chan/x").url == "https://conda.anaconda.org/t/own/chan/x"


def test_what_stands_in_the_url_comes_first_and_leaves_it() -> None:
    found = STORE.authorise("https://me:a%40b%3Ac@host:1/x?y=1")
    assert found == Authorised("https://host:1/x?y=1", Basic("me", "a@b:c").header())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("https://MyServer.com:1234", "myserver.com:1234"),
        ("http://myserver.com/", "myserver.com"),
        ("myserver.com:999/Chan/", "myserver.com:999/Chan"),
        ("https://me:pw@host/x", "host/x"),
        ("*.prefix.dev", "*.prefix.dev"),
        (" ", ""),
    ],
)
def test_places(text: str, place: str) -> None:
    assert place_of(text) == place


def test_wildcards_of_a_host() -> None:
    assert wildcards("repo.prefix.dev") == ["*.repo.prefix.dev", "*.prefix.dev"]
    assert wildcards("localhost") == []
