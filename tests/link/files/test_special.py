"""Files with the prefix in place of a placeholder, and soft links: by us or by a process of its own, alike."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from engine.link.files import mach_o
from engine.link.files.batch import Job, carry_out
from engine.link.files.hands import WORTH, Hands
from engine.link.files.special import (
    BINARY,
    CHANGED,
    FAILED,
    LINK,
    LINKED,
    NO_ROOM,
    SAME,
    SECOND,
    TEXT,
    UNSIGNED,
    Done,
    Special,
    make,
)

OLD, PREFIX = "/opt/placeholder_placeholder", "/home/me/env"


def change(path: Path, data: bytes, kind: str = TEXT, old: str = OLD) -> Special:
    """A file of this content, that is to be changed."""
    source = path / "source"
    source.write_bytes(data)
    source.chmod(0o755)
    os.utime(source, (1_600_000_000, 1_600_000_000))
    return kind, str(source), str(path / "target"), old


def changed(data: bytes, what: str = CHANGED) -> Done:
    return what, hashlib.sha256(data).hexdigest(), len(data)


@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_the_prefix_is_put_in_place_of_the_placeholder(tmp_path: Path, kind: str) -> None:
    special = change(tmp_path, b"at " + OLD.encode() + b"/bin\0", kind)
    expected = b"at " + PREFIX.encode() + b"/bin\0" + (bytes(len(OLD) - len(PREFIX)) if kind == BINARY else b"")
    assert make([special], PREFIX, "linux-64") == [changed(expected)]
    target = tmp_path / "target"
    assert target.read_bytes() == expected
    facts = target.stat()
    assert facts.st_mode & 0o777 == 0o755
    assert facts.st_mtime_ns == 1_600_000_001 * SECOND, "no byte code made of the source is current"


def test_what_has_no_placeholder_is_left_to_others(tmp_path: Path) -> None:
    assert make([change(tmp_path, b"nothing")], PREFIX, "linux-64") == [(SAME, "", 0)]
    assert not (tmp_path / "target").exists()


def test_links_keep_their_targets(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("../no/where")
    (tmp_path / "file").touch()
    specials = [(LINK, str(tmp_path / name), str(tmp_path / f"{name}-new"), "") for name in ("link", "file")]
    assert make(specials, PREFIX, "linux-64") == [(LINKED, "", 0), (SAME, "", 0)]
    assert os.readlink(tmp_path / "link-new") == "../no/where"
    assert not (tmp_path / "file-new").exists(), "it is no link: others place it"


def test_a_link_that_can_not_be_made_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("../no/where")
    target = tmp_path / "none" / "link"
    assert make([(LINK, str(tmp_path / "link"), str(target), "")], PREFIX, "linux-64") == [
        (FAILED, str(target), errno.ENOENT)
    ]


@pytest.mark.parametrize("cause", ["room", "gone", "taken"])
def test_the_first_that_can_not_be_made_is_the_last(tmp_path: Path, cause: str) -> None:
    special = change(tmp_path, b"\0" + OLD.encode() + b"\0", BINARY)
    prefix = PREFIX * 4 if cause == "room" else PREFIX
    expected: Done = (NO_ROOM, "", 0)
    if cause == "gone":
        os.unlink(special[1])
        expected = (FAILED, special[1], errno.ENOENT)
    elif cause == "taken":
        Path(special[2]).write_text("mine")
        expected = (FAILED, special[2], errno.EEXIST)
    assert make([special, special], prefix, "linux-64") == [expected]
    assert Path(special[2]).exists() == (cause == "taken")


def test_a_void_signature_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mach_o, "is_mach_o", lambda data: True)
    monkeypatch.setattr(mach_o, "resigned", lambda data: None)
    special = change(tmp_path, OLD.encode() + b"\0", BINARY)
    expected = PREFIX.encode() + bytes(len(OLD) - len(PREFIX) + 1)
    assert make([special], PREFIX, "linux-64") == [changed(expected)]
    os.unlink(special[2])
    assert make([special], PREFIX, "osx-arm64") == [changed(expected, UNSIGNED)]
    monkeypatch.setattr(mach_o, "resigned", lambda data: b"signed")
    os.unlink(special[2])
    assert make([special], PREFIX, "osx-arm64") == [changed(b"signed")]


@pytest.mark.usefixtures("interpreter_lock")
def test_a_process_does_the_same(tmp_path: Path) -> None:
    data = b"at " + OLD.encode()
    kinds = [change(tmp_path, data)[:2]] * WORTH
    specials = [(*kind, str(tmp_path / f"new-{number}"), OLD) for number, kind in enumerate(kinds)]
    job: Job = [], [[]], (PREFIX, "linux-64", [specials])
    hands = Hands(1)
    by_a_process = hands.carry_out(job)
    assert len(hands._all) == 1, "there was enough to do"
    hands.close()
    assert by_a_process == (None, [[]], [[changed(b"at " + PREFIX.encode())] * WORTH])
    for special in specials:
        os.unlink(special[2])
    assert carry_out(job) == by_a_process
