"""The archive of one download as far as it came, kept so that neither a break nor a killed process costs it.

    <pkgs_dir>/<fn>.partial         its bytes, from the first one on and without a gap (conda's name for the same thing:
                                    each of us goes on where the other stopped)
    <pkgs_dir>/<fn>.partial.json    of which file they are: address, digest, size, and the server's name for that file

Rule of this file: bytes are only added, at the end and in order, by whoever holds the package's lock; a part that is
of another file is dropped when it is opened; whether the whole is right is for its digest to say. All of it blocks.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

import msgspec

from engine.errors import FileChanged, HttpStatusError, NetworkError
from engine.fetch.http.broken import PipeBroken
from engine.model.records import RepoDataRecord
from engine.model.url import strip_secrets
from engine.system.file_io import BINARY, write_all, write_atomic

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SUFFIX = ".partial"
NOTE_SUFFIX = ".partial.json"
WORTH_KEEPING = 64 * 1024
"""A shorter part is not left behind: fetching it again costs no more than asking for the rest."""
_WORTH_A_NOTE = 1 << 20
"""From here on the note is written while the bytes still arrive: what comes next may be a `kill -9`."""
LIFETIME = 7 * 24 * 3600.0
"""Seconds after which a part that nobody went on with is swept away."""
_PIECE = 1 << 20
_CONDAS_BYTE = 21
"""conda locks this byte of the file while it writes (its ``gateways/disk/lock.py``)."""


class _Note(msgspec.Struct, frozen=True):
    """Which file the bytes are of."""

    url: str
    sha256: str | None = None
    md5: str | None = None
    validator: str | None = None


_NOTE = msgspec.json.Decoder(_Note)


def open_partial(pkgs_dir: str, record: RepoDataRecord) -> Partial | None:
    """The part of a package's archive that is there, to go on with; an empty one if there is none of any use.

    None where it can't be had, because conda is writing it or the directory refuses. Hold the package's lock.
    """
    path = os.path.join(pkgs_dir, record.fn + SUFFIX)
    flags = os.O_RDWR | os.O_CREAT | BINARY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        file = os.open(path, flags, 0o666)
    except OSError:
        return None  # whoever stages the package says why
    try:
        facts = os.fstat(file)
        if not _lock_like_conda(file) or not _is_ours(path, facts):
            os.close(file)
            return None
        note = _read_note(path) if facts.st_size else None
        size = facts.st_size
        if size and not _is_of(record, size, note):
            os.ftruncate(file, 0)
            size, note = 0, None
        return Partial(path, file, record, size, note.validator if note else None)
    except OSError:
        os.close(file)
        return None


def _lock_like_conda(file: int) -> bool:
    """Whether conda leaves the file to us; it does where there are no locks. The lock goes when the file is closed."""
    if fcntl is None:
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _CONDAS_BYTE)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def _is_ours(path: str, facts: os.stat_result) -> bool:
    """Whether what we opened is a plain file and still the one at ``path``: conda may just have finished it."""
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        return False
    if not facts.st_size:
        return True
    there = os.stat(path, follow_symlinks=False)
    return (there.st_dev, there.st_ino) == (facts.st_dev, facts.st_ino)


def _read_note(path: str) -> _Note | None:
    try:
        with open(path.removesuffix(SUFFIX) + NOTE_SUFFIX, "rb") as file:
            return _NOTE.decode(file.read(1 << 16))
    except (OSError, msgspec.MsgspecError):
        return None


def _is_of(record: RepoDataRecord, size: int, note: _Note | None) -> bool:
    """Whether the bytes may be the first of the record's archive.

    Without a note (conda writes none) they may where a digest will tell; without a digest, only where the address is
    the same and the server can be asked whether the file is.
    """
    if record.size is not None and size > record.size:
        return False
    if note is None:
        return bool(record.sha256 or record.md5)
    for kind in ("sha256", "md5"):
        wanted, found = getattr(record, kind), getattr(note, kind)
        if wanted and found:
            return bool(wanted == found)
    return bool(note.validator) and note.url == strip_secrets(record.url)


class Partial:
    """Made by `open_partial`. As a context it is closed, and kept or removed as the way of leaving asks for."""

    def __init__(self, path: str, file: int, record: RepoDataRecord, size: int, validator: str | None) -> None:
        self.path = path
        self.size = size
        """Bytes that were there when it was opened."""
        self.validator = validator
        """The server's name for the file they are of: an ETag or a date; None if it is not known."""
        self._file: int | None = file
        self._record = record
        self._position = size
        self._noted = validator is not None

    @property
    def is_complete(self) -> bool:
        """Whether every byte is there: only the digest is still to be looked at."""
        return self.size > 0 and self.size == self._record.size

    def passing(self, pieces: Iterable[bytes], validator: Callable[[], str | None]) -> Iterator[bytes]:
        """The bytes that are there, then ``pieces``, each written before it goes on. Closes the file at the end.

        ``validator`` is asked once bytes have arrived. Raises `OSError`.
        """
        assert self._file is not None
        yield from self._known(self._file)
        for piece in pieces:
            write_all(self._file, piece)
            self._position += len(piece)
            self.validator = validator() or self.validator
            if self._position >= _WORTH_A_NOTE and not self._noted:
                self._note()
            yield piece
        self._close()

    def _known(self, file: int) -> Iterator[bytes]:
        left = self.size
        while left:
            piece = os.read(file, min(left, _PIECE))
            if not piece:
                raise FileChanged(f"{self.path} was cut while it was read")
            left -= len(piece)
            yield piece

    def _note(self) -> None:
        record = self._record
        note = _Note(strip_secrets(record.url), record.sha256, record.md5, self.validator)
        write_atomic(self.path.removesuffix(SUFFIX) + NOTE_SUFFIX, [msgspec.json.encode(note)])
        self._noted = True

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    @property
    def is_open(self) -> bool:
        """Whether no worker has finished with it, because none ever came to it."""
        return self._file is not None

    def drop_unused(self) -> None:
        """Close it if no worker ever came to it."""
        if self.is_open:
            self._close()
            if not self.size:
                _remove(self.path)

    def __enter__(self) -> Partial:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with suppress(OSError):  # what is worth saying is on its way already
            self._close()
            if error is not None and self._position >= WORTH_KEEPING and _may_be_continued(error):
                self._note()
            else:
                _remove(self.path, noted=self._noted)


def _may_be_continued(error: BaseException) -> bool:
    """Whether the bytes so far were not at fault: the line broke, or somebody asked us to stop."""
    if isinstance(error, FileChanged) or (isinstance(error, HttpStatusError) and error.status in (404, 410)):
        return False
    return isinstance(error, (NetworkError, PipeBroken, KeyboardInterrupt, SystemExit))


def _remove(path: str, *, noted: bool = True) -> None:
    """Remove a part and its note; the part was renamed where its package was made."""
    for name in (path, *([path.removesuffix(SUFFIX) + NOTE_SUFFIX] if noted else [])):
        with suppress(FileNotFoundError):
            os.unlink(name)


def remove_old_partials(pkgs_dir: str) -> None:
    """Remove the parts that nobody went on with for `LIFETIME`. Raises `OSError`."""
    now = time.time()
    with os.scandir(pkgs_dir) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and now - entry.stat(follow_symlinks=False).st_mtime > LIFETIME:
                _remove(entry.path)
