"""Files that hold credentials: what is read, what is told, and what never is."""

from __future__ import annotations

import base64
import errno
import json
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from engine.errors import ConfigError
from engine.fetch.http.auth import Basic, Bearer, PathToken
from engine.fetch.http.credential_files import (
    entry_of,
    read_auth_file,
    read_credentials,
    read_netrc,
    read_rattler_file,
    read_token_dir,
)
from engine.fetch.http.settings import CredentialPlaces


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


def test_rattlers_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    entries = {
        "*.prefix.dev": {"BearerToken": "br"},
        "conda.anaconda.org": {"CondaToken": "tk"},
        "host": {"BasicHTTP": {"username": "me", "password": "pw"}},
        "oauth": {"OAuth": {"access_token": "at", "refresh_token": "x", "expires_at": 1}},
        "s3://bucket": {"S3Credentials": {"access_key_id": "k", "secret_access_key": "s", "session_token": None}},
    }
    file.write_text(json.dumps(entries))
    assert read_rattler_file(str(file)) == {
        "*.prefix.dev": Bearer("br"),
        "conda.anaconda.org": PathToken("tk"),
        "host": Basic("me", "pw"),
        "oauth": Bearer("at"),
    }
    assert read_rattler_file(str(tmp_path / "none")) == {}
    file.write_text('{"host": {"BearerToken": ["hidden"]}}')
    with pytest.raises(ConfigError, match=r"credentials\.json") as caught:
        read_rattler_file(str(file))
    assert "hidden" not in f"{caught.value} {caught.value.hint}"


def test_anaconda_clients_tokens(tmp_path: Path) -> None:
    for url in ("https://api.anaconda.org", "https://conda.corp.example:8443/api"):
        (tmp_path / f"{quote_plus(url)}.token").write_text("tk-1\n")
    (tmp_path / "other").write_text("x")
    (tmp_path / f"{quote_plus('https://empty')}.token").write_text("")
    found = read_token_dir(str(tmp_path))
    assert found["https://api.anaconda.org"] == found["https://conda.anaconda.org"] == PathToken("tk-1")
    assert set(found) == {
        "https://api.anaconda.org", "https://conda.anaconda.org", "https://conda.corp.example:8443/api"
    }  # fmt: skip
    assert read_token_dir(str(tmp_path / "none")) == {}


def test_the_strongest_file_counts(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("".join(f"machine {host} login me password n\n" for host in "abcd"))
    (tmp_path / "mamba").write_text('{"a": {"type": "BearerToken", "token": "mamba"}}')
    (tmp_path / "first").write_text('{"a": {"BearerToken": "first"}, "b": {"BearerToken": "first"}}')
    (tmp_path / "second").write_text('{"b": {"BearerToken": "second"}, "c": {"BearerToken": "second"}}')
    for name in ("netrc", "mamba", "first", "second"):
        (tmp_path / name).chmod(0o600)
    places = CredentialPlaces(
        netrc=str(tmp_path / "netrc"),
        mamba=str(tmp_path / "mamba"),
        rattler=(str(tmp_path / "first"), str(tmp_path / "second")),
    )
    store, notes = read_credentials(places)
    assert [store.authorise(f"https://{host}/").header for host in "abcd"] == [
        "Bearer mamba", "Bearer first", "Bearer second", Basic("me", "n").header()
    ]  # fmt: skip
    assert notes == []
    assert read_credentials(CredentialPlaces())[0].authorise("https://a/").header is None


def test_who_else_may_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine a login me password n\n")
    (tmp_path / "netrc").chmod(0o644)
    (tmp_path / "mamba").write_text("{}")
    (tmp_path / "mamba").chmod(0o644)  # nothing in it
    _, notes = read_credentials(CredentialPlaces(netrc=str(tmp_path / "netrc"), mamba=str(tmp_path / "mamba")))
    assert notes == [
        f"The credentials in {tmp_path}/netrc can be read by other users; `chmod 600 {tmp_path}/netrc` ends that."
    ]


@pytest.mark.parametrize("credential", [Basic("me", "pä:ss"), Bearer("b"), PathToken("t")])
def test_what_is_written_is_read(credential: Basic | Bearer | PathToken, tmp_path: Path) -> None:
    import msgspec

    (tmp_path / "file").write_bytes(msgspec.json.encode({"host": entry_of(credential)}))
    assert read_auth_file(str(tmp_path / "file")) == {"host": credential}
