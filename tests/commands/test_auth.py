"""`auth login` and `auth logout`, private channels of every kind, and that no secret is left anywhere."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.server import ChannelServer

SECRET = "s3cret-0123456789"


@pytest.fixture
def file(isolated: Path) -> Path:
    return isolated / ".mamba/auth/authentication.json"


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        (("--token", "t0k"), {"type": "CondaToken", "token": "t0k"}),
        (("-b", "t0k"), {"type": "BearerToken", "token": "t0k"}),
        (("-u", "me", "-p", "xyzpass"), {"type": "BasicHTTPAuthentication", "user": "me", "password": "eHl6cGFzcw=="}),
    ],
)
def test_login_and_logout(words: tuple[str, ...], entry: dict[str, str], run_command: RunCommand, file: Path) -> None:
    done = run_command("auth", "login", "https://MyServer.com:1234/chan", *words)
    assert (done.code, done.out) == (0, "Successfully stored login information\n")
    assert json.loads(file.read_text()) == {"myserver.com:1234/chan": entry}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = run_command("auth", "logout", "myserver.com:1234/chan/")
    assert (done.code, done.out) == (0, "Logged out from myserver.com:1234/chan\n")
    done = run_command("auth", "logout", "myserver.com:1234/chan")
    assert (done.code, done.out) == (0, "You are not logged in to myserver.com:1234/chan\n")
    assert json.loads(file.read_text()) == {}
    assert run_command("auth", "logout", "--all").code == 0
    assert not file.exists()


@pytest.mark.parametrize("kind", ["password", "token", "bearer"])
def test_secrets_come_by_standard_input(
    kind: str, run_command: RunCommand, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    done = run_command("auth", "login", "host", f"--{kind}-stdin", "--json")
    assert done.json["success"]
    assert SECRET not in done.out + done.err
    entry = json.loads(file.read_text())["host"]
    assert entry.get("token") == SECRET or base64.b64decode(entry["password"]).decode() == SECRET


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "No host given."),
        (("host",), "No password or token given."),
        (("host", "-t", " "), "No password or token given."),
        (("host", "-t", "a", "-b", "b"), "Both token and bearer were given"),
        (("host", "-t", "a", "--password-stdin"), "were given"),
        (("host", "-u", "me", "-t", "a"), "A user name goes with a password"),
    ],
)
def test_what_makes_no_sense(words: tuple[str, ...], text: str, run_command: RunCommand, file: Path) -> None:
    done = run_command("auth", "login", *words)
    assert done.code == 2
    assert text in done.err
    assert not file.exists()
    assert run_command("auth", "logout").code == 2


def _leaks(place: Path) -> list[str]:
    """Files below ``place`` that hold the secret, plain or in base64."""
    needles = (SECRET.encode(), base64.b64encode(SECRET.encode()), base64.b64encode(f"me:{SECRET}".encode()))
    found = []
    for base, _, names in os.walk(place):
        for name in names:
            with open(os.path.join(base, name), "rb") as file:
                data = file.read()
            found += [os.path.join(base, name)] if any(needle in data for needle in needles) else []
    return found


@pytest.mark.parametrize("how", ["token", "basic", "bearer", "token in the address", "user in the address", "netrc"])
def test_private_channels_work_and_no_secret_is_left(
    how: str, channel: ChannelBuilder, run_command: RunCommand, root: Path, file: Path
) -> None:
    kinds = (
        {"token": SECRET} if "token" in how else {"bearer": SECRET} if how == "bearer" else {"basic": ("me", SECRET)}
    )
    with ChannelServer(channel.path, **kinds) as server:  # type: ignore[arg-type]
        address = f"http://{server.host}"
        words = {
            "token": ("--token", SECRET), "basic": ("-u", "me", "-p", SECRET), "bearer": ("--bearer", SECRET)
        }.get(how)  # fmt: skip
        if words:
            assert run_command("auth", "login", server.host, *words).code == 0
        if how == "netrc":
            (file.parents[2] / ".netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
            (file.parents[2] / ".netrc").chmod(0o600)
        asked = {"token in the address": server.url, "user in the address": f"http://me:{SECRET}@{server.host}"}
        wanted = asked.get(how, address)
        said = []
        for command in (
            ("create", "-y", "-vvv", "-n", "e", "--override-channels", "-c", wanted, "tool"),
            ("create", "-y", "--json", "-n", "f", "--override-channels", "-c", wanted, "tool"),
            ("search", "--override-channels", "-c", wanted, "tool", "--json"),
            ("list", "-n", "e", "--json"),
            ("list", "-n", "e", "--explicit"),
            ("env", "export", "-n", "e"),
            ("env", "export", "-n", "e", "--explicit"),
            ("info", "-n", "e", "--json"),
            ("install", "-y", "-n", "e", "--override-channels", "-c", wanted, "data"),
            ("create", "-n", "g", "--override-channels", "-c", wanted, "nothing-like-it"),
        ):
            done = run_command(*command)
            assert done.code == (1 if "g" in command else 0), (command, done.err)
            said.append(done.out + done.err)
        assert not [text for text in said if SECRET in text]
    assert _leaks(root) == []
