"""A part of an archive: whose it is, when it may be gone on with, and when it stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import FileChanged, HttpStatusError, NetworkError, VerificationError
from engine.fetch.cache.partial import LIFETIME, WORTH_KEEPING, Partial, open_partial, remove_old_partials
from engine.fetch.http.broken import PipeBroken
from engine.model.records import RepoDataRecord

BYTES = bytes(range(256)) * 1024
FN = "p-1.0-0.conda"
URL = f"https://host/channel/linux-64/{FN}"


def record(**changes: object) -> RepoDataRecord:
    given = {"name": "p", "version": "1.0", "fn": FN, "url": URL, "sha256": "a" * 64, "size": 10 * len(BYTES)}
    return RepoDataRecord(**{**given, **changes})  # type: ignore[arg-type]


def opened(place: Path, of: RepoDataRecord | None = None) -> Partial:
    part = open_partial(str(place), of or record())
    assert part is not None
    return part


def left(place: Path) -> set[str]:
    return set(os.listdir(place))


def begin(place: Path, of: RepoDataRecord | None = None, validator: str | None = '"v1"') -> None:
    """Write the first bytes, then lose the line."""
    with pytest.raises(NetworkError), opened(place, of) as part:
        for _ in part.passing([BYTES], lambda: validator):
            pass
        raise NetworkError("the line is dead")


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    begin(tmp_path)
    assert left(tmp_path) == {f"{FN}.partial", f"{FN}.partial.json"}
    with opened(tmp_path) as part:
        assert (part.size, part.validator, part.is_complete) == (len(BYTES), '"v1"', False)
        assert b"".join(part.passing([b"more"], lambda: None)) == BYTES + b"more"
        assert Path(part.path).read_bytes() == BYTES + b"more"
        os.rename(part.path, tmp_path / FN)
    assert left(tmp_path) == {FN}


def test_no_secrets_are_noted(tmp_path: Path) -> None:
    begin(tmp_path, record(url=f"https://me:pw@host/t/tk-1234/channel/linux-64/{FN}?sig=abc"))
    note = json.loads((tmp_path / f"{FN}.partial.json").read_text())
    assert note == {"url": URL, "sha256": "a" * 64, "md5": None, "validator": '"v1"'}


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        ({}, True),
        ({"sha256": "b" * 64}, False),
        ({"sha256": None, "md5": "c" * 32}, True),  # the same address; the digest will tell
        ({"sha256": None}, True),
        ({"sha256": None, "url": f"https://other/channel/linux-64/{FN}"}, False),
        ({"url": f"https://mirror/channel/linux-64/{FN}"}, True),
        ({"size": 5}, False),
        ({"size": None}, True),
    ],
)
def test_a_part_of_another_file_is_dropped(tmp_path: Path, changes: dict[str, object], stays: bool) -> None:
    begin(tmp_path)
    with pytest.raises(NetworkError), opened(tmp_path, record(**changes)) as part:
        assert part.size == (len(BYTES) if stays else 0)
        raise NetworkError("again")


def test_without_a_note_a_digest_must_be_there(tmp_path: Path) -> None:
    (tmp_path / f"{FN}.partial").write_bytes(BYTES)  # conda's
    assert opened(tmp_path).size == len(BYTES)
    assert opened(tmp_path, record(sha256=None)).size == 0


def test_without_a_name_of_the_file_and_without_a_digest_it_is_begun_anew(tmp_path: Path) -> None:
    begin(tmp_path, record(sha256=None), validator=None)
    assert opened(tmp_path, record(sha256=None)).size == 0


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (NetworkError("x"), True),
        (HttpStatusError("x", 503), True),
        (PipeBroken("cancelled"), True),
        (KeyboardInterrupt(), True),
        (HttpStatusError("x", 404), False),
        (FileChanged("x"), False),
        (VerificationError("x"), False),
        (OSError(28, "No space left on device"), False),
    ],
)
def test_only_what_may_be_right_is_kept(tmp_path: Path, error: BaseException, stays: bool) -> None:
    with pytest.raises(type(error)), opened(tmp_path) as part:
        for _ in part.passing([BYTES], lambda: None):
            pass
        raise error
    assert bool(left(tmp_path)) is stays


def test_a_few_bytes_are_not_worth_it(tmp_path: Path) -> None:
    with pytest.raises(NetworkError), opened(tmp_path) as part:
        for _ in part.passing([bytes(WORTH_KEEPING - 1)], lambda: None):
            pass
        raise NetworkError("x")
    assert left(tmp_path) == set()


def test_who_is_killed_leaves_a_note_too(tmp_path: Path) -> None:
    part = opened(tmp_path, record(sha256=None))
    for _ in part.passing([BYTES] * 4, lambda: '"v2"'):  # and no way out is ever taken
        pass
    assert opened(tmp_path, record(sha256=None)).validator == '"v2"'


def test_nobody_came(tmp_path: Path) -> None:
    opened(tmp_path).drop_unused()
    assert left(tmp_path) == set()
    begin(tmp_path)
    opened(tmp_path).drop_unused()
    assert f"{FN}.partial" in left(tmp_path)


def test_what_is_no_plain_file_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(BYTES)
    (tmp_path / f"{FN}.partial").symlink_to("elsewhere")
    assert open_partial(str(tmp_path), record()) is None
    (tmp_path / f"{FN}.partial").unlink()
    os.link(tmp_path / "elsewhere", tmp_path / f"{FN}.partial")
    assert open_partial(str(tmp_path), record()) is None
    assert (tmp_path / "elsewhere").read_bytes() == BYTES


_CONDA = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 21)
print("held", flush=True)
sys.stdin.read()
"""


def test_while_conda_writes_it_we_do_without(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / f"{FN}.partial"
    path.write_bytes(BYTES)
    command = [sys.executable, "-c", _CONDA, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as conda:
        assert conda.stdout
        assert conda.stdout.readline() == "held\n"
        assert open_partial(str(tmp_path), record()) is None
        conda.communicate()
    assert opened(tmp_path).size == len(BYTES)


def test_old_parts_are_swept_away(tmp_path: Path) -> None:
    begin(tmp_path)
    remove_old_partials(str(tmp_path))
    assert len(left(tmp_path)) == 2
    long_ago = time.time() - LIFETIME - 10
    os.utime(tmp_path / f"{FN}.partial", (long_ago, long_ago))
    remove_old_partials(str(tmp_path))
    assert left(tmp_path) == set()
