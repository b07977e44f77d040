from __future__ import annotations

import msgspec
import pytest

from engine.errors import ArchiveError, InvalidVersion, ResourceError, StorageError, WhipsnakeError
from engine.fetch.archive.verify import FilesDiffer
from engine.system.failure import Failure
from engine.system.helper import WIDTH, Failed, framed


@pytest.mark.parametrize("kind", [ArchiveError, FilesDiffer, StorageError, WhipsnakeError])
def test_an_error_arrives_as_it_was(kind: type[WhipsnakeError]) -> None:
    message = framed(Failed(Failure.of(kind("It broke", hint="Mend it.", data={"path": "/x", "odd": {1, 2}}))))
    assert int.from_bytes(message[:WIDTH], "big") == len(message) - WIDTH
    error = msgspec.msgpack.decode(message[WIDTH:], type=Failed).failure.error()
    assert isinstance(error, kind) and type(error) is kind
    assert (error.message, str(error), error.hint, error.data["path"]) == ("It broke", "It broke", "Mend it.", "/x")


def test_one_that_is_made_in_another_way() -> None:
    error = Failure.of(InvalidVersion("1..2", "an empty part")).error()
    assert isinstance(error, InvalidVersion) and error.message == str(InvalidVersion("1..2", "an empty part"))


def test_what_the_system_refuses_is_no_bug() -> None:
    error = Failure.of(MemoryError()).error()
    assert isinstance(error, ResourceError) and error.message == "There is not enough memory"


def test_a_bug_arrives_with_its_traceback() -> None:
    try:
        raise KeyError("what")
    except KeyError as bug:
        error = Failure.of(bug).error()
    assert isinstance(error, RuntimeError) and "KeyError: 'what'" in str(error) and __file__ in str(error)
