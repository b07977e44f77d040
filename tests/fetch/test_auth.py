"""Credentials: which place they belong to, and the files they come from."""

from __future__ import annotations

import base64
import errno
import json
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.fetch.auth import (
    Authorised,
    AuthStore,
    Basic,
    Bearer,
    PathToken,
    read_auth_file,
    read_credentials,
    read_netrc,
)

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
        ("https://domain.org/x", None),
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


def test_netrc(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine host login me password pw\ndefault login any password thing\n")
    assert read_netrc(str(file)) == {"host": Basic("me", "pw")}, "the default entry would hand a password to strangers"
    assert read_netrc(str(tmp_path / "none")) == {}
    file.write_text("machine host\nlogin\n\nnonsense x")
    with pytest.raises(ConfigError, match="line"):
        read_netrc(str(file))


def test_files_that_can_not_be_known_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sudo -u` may leave $HOME at a directory that the new user may not enter: that is no file, and no error."""
    (tmp_path / "file").touch()
    for read in (read_netrc, read_auth_file):
        assert read(str(tmp_path / "file" / "below")) == {}

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    for read in (read_netrc, read_auth_file):
        assert read(str(tmp_path / "unseen" / "file")) == {}
        with pytest.raises(ConfigError, match="Permission denied"):
            read(str(tmp_path / "file"))


def test_mambas_file(tmp_path: Path) -> None:
    file = tmp_path / "authentication.json"
    password = base64.b64encode(b"s3cret").decode()
    entries = {
        "a": {"type": "BasicHTTPAuthentication", "user": "me", "password": password},
        "b": {"type": "CondaToken", "token": "tk"},
        "c": {"type": "BearerToken", "token": "br"},
        "d": {"type": "Unheard"},
    }
    file.write_text(json.dumps(entries))
    assert read_auth_file(str(file)) == {"a": Basic("me", "s3cret"), "b": PathToken("tk"), "c": Bearer("br")}
    assert read_auth_file(str(tmp_path / "none")) == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": {"type": "BasicHTTPAuthentication", "password": "%%%"}}'])
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "authentication.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"authentication\.json"):
        read_auth_file(str(file))


def test_both_files_together(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine host login me password pw\nmachine other login me password pw\n")
    (tmp_path / "auth.json").write_text('{"host": {"type": "BearerToken", "token": "x"}}')
    store = read_credentials(str(tmp_path / "netrc"), str(tmp_path / "auth.json"))
    assert store.authorise("https://host/").header == "Bearer x"
    assert store.authorise("https://other/").header == Basic("me", "pw").header()
    assert read_credentials(None, None).authorise("https://host/").header is None
