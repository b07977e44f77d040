"""Is it what was promised? Digests of bytes on their way, and the files of a package against its own list.

Rule of this file: expected against found, all problems of one package in one error. It changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from engine.errors import ArchiveError, VerificationError
from engine.fetch.archive import handles
from engine.fetch.archive.file_list import MAX_LIST, read_paths
from engine.fetch.archive.paths import safe_path
from engine.model.records import PackageRecord, PathEntry

if TYPE_CHECKING:  # who only looks at what is unpacked need not wait for the unpacking
    from engine.fetch.archive.extract import Contents

_SHOWN = 5


class Digests:
    """Size, sha256 and (only if wanted) md5 of bytes that pass."""

    def __init__(self, *, md5: bool = False) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None

    def update(self, piece: bytes) -> None:
        """Take in one piece."""
        self.size += len(piece)
        self._sha256.update(piece)
        if self._md5 is not None:
            self._md5.update(piece)

    def watch(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Take in all pieces while they pass."""
        for piece in pieces:
            self.update(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """In lower-case hexadecimal digits."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str | None:
        """In lower-case hexadecimal digits; None where it was not wanted."""
        return None if self._md5 is None else self._md5.hexdigest()

    def check(self, record: PackageRecord, name: str) -> None:
        """Compare with what the index says: the size, and sha256 or else md5. Raises `VerificationError`."""
        found = {"size": self.size, "sha256": self.sha256, "md5": self.md5}
        wanted = {"size": record.size, "sha256": record.sha256, "md5": None if record.sha256 else record.md5}
        wrong = {
            key: {"expected": value, "found": found[key]}
            for key, value in wanted.items()
            if value is not None and found[key] is not None and str(value).lower() != str(found[key])
        }
        if wrong:
            lines = [f"    {key}: expected {value['expected']}, found {value['found']}" for key, value in wrong.items()]
            raise VerificationError(
                f"{name} is not the file that the channel's index describes\n" + "\n".join(lines),
                hint="Try again; if it stays so, the channel or a proxy serves an old or damaged file.",
                data={"name": name, "wrong": wrong},
            )


def check_contents(contents: Contents, root: int, *, windows: bool = False) -> None:
    """Compare what was unpacked below the handle ``root`` with the package's own list of its files.

    Raises as `check_listed`, and `ArchiveError` where the package lacks its metadata.
    """
    if "info/index.json" not in contents.files:
        raise ArchiveError("it has no info/index.json: this is no conda package")
    listed = _listed(root, contents.files) if contents.listed is None else contents.listed
    check_listed(listed, contents, windows=windows)


def check_listed(entries: list[PathEntry], contents: Contents, *, windows: bool = False) -> None:
    """Compare what an archive holds with the package's own list of its files.

    Every listed file must be there, be of its kind and have its size; sha256 too where ``contents`` has digests.
    A soft link need not lead anywhere. Raises `FilesDiffer` naming all that differs.
    """

    def found(path: str) -> _Found:
        if path in contents.files:
            return "file", contents.files[path]
        if path in contents.softlinks:
            return "softlink", 0
        if path in contents.directories:
            return "directory", 0
        plain = safe_path(path, windows=windows)
        return None if plain == path else found(plain)

    _raise_for(_problems(entries, found, contents.digests.get))


def check_unpacked(directory: str, *, digests: bool = False) -> None:
    """Compare an unpacked package on disk with its own list of files: the same rules, by looking at each file.

    Raises `FilesDiffer` or `ArchiveError` as `check_contents`, `OSError` if ``directory`` can't be read.
    """
    root = handles.open_directory(directory)
    try:
        digest = (lambda path: _digest(root, path)) if digests else _no_digest
        _raise_for(_problems(_listed(root), lambda path: _look(root, path), digest))
    finally:
        handles.close(root)


_Found: TypeAlias = "tuple[str, int] | None"


def _look(root: int, path: str) -> _Found:
    try:
        facts = handles.look(root, path)
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(facts.st_mode):
        return "file", facts.st_size
    if stat.S_ISLNK(facts.st_mode):
        return "softlink", 0
    return ("directory", 0) if stat.S_ISDIR(facts.st_mode) else ("special file", 0)


def _digest(root: int, path: str) -> str | None:
    digest = hashlib.sha256()
    with open(handles.open_file(root, path), "rb", buffering=0) as file:
        while piece := file.read(1 << 18):
            digest.update(piece)
    return digest.hexdigest()


def _no_digest(path: str) -> str | None:
    return None


def _listed(root: int, files: Iterable[str] | None = None) -> list[PathEntry]:
    """The package's list of its files: info/paths.json, else the older info/files, which only has names.

    Packages of nothing but metadata exist that have neither: nothing is promised, so nothing can be missing.
    """
    data = _read(root, "info/paths.json", files)
    if data is not None:
        return read_paths(data)
    data = _read(root, "info/files", files)
    names = (data or b"").decode("utf-8", "surrogateescape").splitlines()
    return [PathEntry(path=name, path_type="hardlink") for name in names if name]


def _read(root: int, path: str, files: Iterable[str] | None) -> bytes | None:
    if files is not None and path not in files:
        return None
    try:
        file = handles.open_file(root, path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    with open(file, "rb") as opened:
        if os.fstat(file).st_size > MAX_LIST:
            raise ArchiveError(f"its {path} is longer than {MAX_LIST} bytes")
        return opened.read()


def _problems(
    entries: list[PathEntry], look: Callable[[str], _Found], digest: Callable[[str], str | None]
) -> Iterator[str]:
    for entry in entries:
        found = look(entry.path)
        problem = _problem(entry, found)
        if problem is None and entry.sha256 and found is not None and found[0] == "file":
            sha256 = digest(entry.path)
            if sha256 is not None and sha256 != entry.sha256:
                problem = f"declared sha256 {entry.sha256}, found {sha256}"
        if problem:
            yield f"{entry.path}: {problem}"


def _problem(entry: PathEntry, found: _Found) -> str | None:
    """What is wrong with one listed path; None if nothing.

    The size of a soft link is that of its target (CEP 34), so it says nothing of the link; but a file that stands in
    for one (zip tools make such) must have it.
    """
    wanted = "file" if entry.path_type == "hardlink" else entry.path_type
    if found is None:
        return f"declared as a {wanted}, but it is missing"
    kind, size = found
    if entry.path_type == "directory" or kind not in ("file", wanted):
        return None if kind == entry.path_type else f"declared as a {wanted}, found a {kind}"
    if kind == "file" and entry.size_in_bytes is not None and size != entry.size_in_bytes:
        as_what = " as a softlink" if wanted == "softlink" else ""
        return f"declared{as_what} with {entry.size_in_bytes} bytes, found a file with {size} bytes"
    return None


class FilesDiffer(VerificationError):
    """The files of a package are not those that it lists."""


def _raise_for(problems: Iterable[str]) -> None:
    found = list(problems)
    if not found:
        return
    rest = [f"    … and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    raise FilesDiffer(
        "its files are not those that its info/paths.json lists\n"
        + "\n".join([f"    {problem}" for problem in found[:_SHOWN]] + rest),
        hint="The package itself is broken; choose another build, and tell those who publish it.",
        data={"problems": found},
    )
