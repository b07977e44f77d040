"""The members of an archive become files below a directory that nobody else knows yet.

Rule of this file: nothing is ever written outside of that directory. Every name is checked by
`engine.fetch.archive.paths`; what was made is remembered, so a name below a soft link is refused before the kernel sees
it, and the kernel is asked not to follow links either (handles of directories, ``O_NOFOLLOW``, ``O_EXCL``).

Of the metadata, modification times are kept (pyc files shipped in packages are only valid with them) and so are
permission bits, apart from set-id bits and from writing by others where the umask forbids it (`ExtractOptions`). Owners
never are: the files belong to whoever unpacks.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator

import msgspec

from engine.errors import ArchiveError, UnsafeArchive
from engine.fetch.archive import handles
from engine.fetch.archive.file_list import MAX_LIST, declared_size, read_paths
from engine.fetch.archive.members import Budget
from engine.fetch.archive.paths import MAX_PATH, check_softlinks, leads_to, safe_path
from engine.fetch.archive.tar import Member
from engine.model.records import PathEntry
from engine.system.file_io import write_all
from engine.system.writing import possible_time

MAX_HANDLES = 48
"""Directories that one extractor keeps open at most; a dozen extractors stay far below the usual 1024."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_BAD_NAME = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}
_NO_PRIVILEGE = 1314  # ERROR_PRIVILEGE_NOT_HELD
_NO_HARDLINKS = {errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_ODD_BEGINNINGS = ("", ".")
INDEX, PATHS = "info/index.json", "info/paths.json"
MAX_INDEX = 16 << 20
"""Longest info/index.json that is read, in bytes."""
_READ = {INDEX: MAX_INDEX, PATHS: MAX_LIST}


@functools.cache
def handles_allowed() -> int:
    """Directories that one extractor may keep open where this process may open few files (`ulimit -n`).

    The rest is for the other extractors, connections, and the files of linking and compiling.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MAX_HANDLES
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_HANDLES if limit == resource.RLIM_INFINITY else max(1, min(MAX_HANDLES, (limit - 56) // 8))


class Contents(msgspec.Struct):
    """What was unpacked, by path."""

    files: dict[str, int] = msgspec.field(default_factory=dict)
    """Regular files and their sizes in bytes."""
    softlinks: dict[str, str] = msgspec.field(default_factory=dict)
    """Soft links and their targets."""
    directories: set[str] = msgspec.field(default_factory=set)
    digests: dict[str, str] = msgspec.field(default_factory=dict)
    """sha256 of each regular file, where that was asked for."""
    info: dict[str, bytes] = msgspec.field(default_factory=dict)
    """The text of those files that say what the package is and what is in it, if they were read on the way."""
    listed: list[PathEntry] | None = None
    """The package's own list of its files, if it was read on the way."""


class ExtractOptions(msgspec.Struct, frozen=True):
    """How to unpack."""

    windows: bool = os.name == "nt"
    """Names must be harmless on Windows too."""
    digests: bool = False
    """Compute the sha256 of every file while it is written."""
    external_links: bool = False
    """Let soft links lead out of the package (they are never followed while unpacking)."""
    package: bool = True
    """What only installers may write is refused (CEP 34); an installer's own archive is no package."""
    all_modes: bool = False
    """Let others write where the archive lets them, whatever the umask says: to pack it again without a loss."""


def extract(members: Iterable[Member], root: int, budget: Budget, options: ExtractOptions) -> Contents:
    """Unpack ``members`` below the empty directory that the handle ``root`` is of.

    Raises `ArchiveError` (`UnsafeArchive`) for what a package may not hold, and `OSError` where the disk refuses.
    """
    extractor = _Extractor(root, budget, options)
    try:
        for member in members:
            extractor.add(member)
        if not options.external_links:
            check_softlinks(extractor.contents.softlinks, windows=options.windows)
        extractor.copy_for_links()
    finally:
        extractor.close()
    return extractor.contents


def hashed(path: str, pieces: Iterable[memoryview], digests: dict[str, str]) -> Iterator[memoryview]:
    """Hand the pieces of a file on; its sha256 is put into ``digests`` once all have passed."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    digests[path] = digest.hexdigest()


class _Extractor:
    def __init__(self, root: int, budget: Budget, options: ExtractOptions) -> None:
        self.contents = Contents()
        self._root = root
        self._budget = budget
        self._options = options
        # The mode of a directory just made tells the umask (or default ACL); asking os.umask would change it for all.
        self._umask = handles.missing_bits(root)
        self._withheld = 0 if options.all_modes else 0o022 & self._umask
        self._handles: dict[str, int] = {"": root}
        self._most = handles_allowed()
        self._refused: list[str] = []
        """Soft links that Windows did not let us make."""
        self._makers: dict[str, Callable[[str, int, str, Member], None]] = {
            "file": self._any_file,
            "softlink": self._softlink,
            "hardlink": self._hardlink,
        }

    def close(self) -> None:
        """Close the handles, apart from the root's."""
        for handle in self._handles.values():
            if handle != self._root:
                handles.close(handle)
        self._handles = {"": self._root}

    def add(self, member: Member) -> None:
        """Make one member."""
        path = member.path
        parent, _, name = path.rpartition("/")
        try:
            if self._is_plain(parent, name, path) and member.kind == "file":
                self._file(path, self._handles[parent], name, member)
                return
            path = safe_path(path, windows=self._options.windows, package=self._options.package)
            if member.kind == "directory":
                self._directory(path)
            elif not path:
                raise UnsafeArchive(f"{member.path!r} is the package itself, but no directory")
            else:
                parent, _, name = path.rpartition("/")
                self._makers[member.kind](path, self._directory(parent), name, member)
        except OSError as error:
            if error.errno in _BAD_NAME:
                raise ArchiveError(f"{path[:200]!r} can't be written here: {os.strerror(error.errno)}") from error
            raise
        except UnicodeEncodeError as error:
            raise ArchiveError(f"{path[:200]!r} can't be a file name here") from error

    def _is_plain(self, parent: str, name: str, path: str) -> bool:
        """Whether a path is certainly safe, because it lies in a directory that is: so are nearly all, one by one.

        What is named in `engine.fetch.archive.paths` lies in the package itself or in ``info``, in whatever case of
        letters.
        """
        return (
            parent in self._handles
            and len(parent) > len("info")
            and name[:1] not in _ODD_BEGINNINGS
            and "\0" not in name
            and len(path) <= MAX_PATH
            and not self._options.windows
        )

    def _directory(self, path: str) -> int:
        """A handle of the directory ``path``, which is made if it isn't there yet."""
        handle = self._handles.get(path)
        if handle is not None:
            return handle
        parent_path, _, name = path.rpartition("/")
        parent = self._directory(parent_path)
        if path not in self.contents.directories:
            self._check_free(path)
            handles.make_directory(parent, name)
            self.contents.directories.add(path)
        handle = handles.open_directory(name, parent=parent)
        if len(self._handles) > self._most:
            self.close()
        self._handles[path] = handle
        return handle

    def _check_free(self, path: str) -> None:
        """Refuse a directory where something else stands: writing below a link is how archives break out."""
        if path in self.contents.softlinks:
            raise UnsafeArchive(f"{path!r} is a soft link, and another member wants to write through it")
        if path in self.contents.files:
            raise ArchiveError(f"{path!r} appears both as a file and as a directory")

    def _any_file(self, path: str, parent: int, name: str, member: Member) -> None:
        """A file that may be one of those that are read too: so they need not be opened again."""
        limit = _READ.get(path, -1)
        if member.size > limit:
            self._file(path, parent, name, member)
            return
        data = b"".join(member.data)
        member.data = (memoryview(data),)
        self._file(path, parent, name, member)
        self.contents.info[path] = data
        if path == PATHS:
            self._declare(data)

    def _file(self, path: str, parent: int, name: str, member: Member) -> None:
        mode = member.mode & 0o777 & ~self._withheld | 0o400
        try:
            file = handles.open_file(parent, name, _CREATE, mode)
        except FileExistsError:
            self._make_room(path, parent, name, self.contents.files)
            file = handles.open_file(parent, name, _CREATE, mode)
        try:
            for piece in member.data if not self._options.digests else hashed(path, member.data, self.contents.digests):
                write_all(file, piece)
            if mode & self._umask:
                os.fchmod(file, mode)
        except BaseException:
            os.close(file)
            raise
        handles.finish(file, parent, name, possible_time(member.mtime))
        self.contents.files[path] = member.size

    def _declare(self, paths: bytes) -> None:
        """Tell the budget what the package says of its own size, where that comes before the files."""
        self.contents.listed = read_paths(paths)
        total = declared_size(self.contents.listed)
        if total is not None:
            self._budget.declare(total)

    def _softlink(self, path: str, parent: int, name: str, member: Member) -> None:
        target = member.target
        if not target:
            raise ArchiveError(f"{path!r} is a soft link without a target")
        if "\0" in target:
            raise UnsafeArchive(f"{path!r} is a soft link with a NUL in its target")
        try:
            handles.soft_link(target, parent, name)
        except FileExistsError:
            self._make_room(path, parent, name, self.contents.softlinks)
            handles.soft_link(target, parent, name)
        except OSError as error:
            if getattr(error, "winerror", None) != _NO_PRIVILEGE:
                raise
            self._refused.append(path)
        self.contents.softlinks[path] = target

    def copy_for_links(self) -> None:
        """Copy what soft links lead to where Windows lets this user make none (conda does so too)."""
        contents = self.contents
        for path in dict.fromkeys(self._refused):
            source = leads_to(path, contents.softlinks, windows=self._options.windows)
            size = contents.files.get(source)
            if size is None:
                raise ArchiveError(
                    f"{path!r} is a soft link, which Windows lets only some users make, and no file of the package "
                    "that could be copied in its place",
                    hint="Switch on Windows' developer mode, or do this as an administrator.",
                )
            self._budget.copied(size)
            self._copy(source, path)
            contents.files[path] = size
            if source in contents.digests:
                contents.digests[path] = contents.digests[source]
        for path in self._refused:
            contents.softlinks.pop(path, None)

    def _hardlink(self, path: str, parent: int, name: str, member: Member) -> None:
        source = safe_path(member.target, windows=self._options.windows)
        size = self.contents.files.get(source)
        if size is None or source == path:
            raise UnsafeArchive(f"{path!r} is a hard link to {member.target!r}, which is no earlier file of it")
        if path in self.contents.files:
            self._make_room(path, parent, name, self.contents.files)
        source_parent, _, source_name = source.rpartition("/")
        try:
            source_handle = self._directory(source_parent)
            parent = self._directory(path.rpartition("/")[0])  # the line above may have closed it
            handles.hard_link(source_handle, source_name, parent, name)
        except FileExistsError:
            raise ArchiveError(f"{path!r} appears twice, once as a hard link") from None
        except OSError as error:
            if error.errno not in _NO_HARDLINKS:
                raise
            self._copy(source, path)
        self.contents.files[path] = size
        if source in self.contents.digests:
            self.contents.digests[path] = self.contents.digests[source]

    def _copy(self, source: str, path: str) -> None:
        """What stands for a hard link where the file system has none."""
        parent, _, name = source.rpartition("/")
        with open(handles.open_file(self._directory(parent), name), "rb") as old:
            facts = os.fstat(old.fileno())
            parent, _, name = path.rpartition("/")
            directory = self._directory(parent)
            file = handles.open_file(directory, name, _CREATE, facts.st_mode & 0o777)
            try:
                with open(file, "wb", closefd=False) as new:
                    shutil.copyfileobj(old, new)
                if facts.st_mode & self._umask:
                    os.fchmod(file, facts.st_mode & 0o777)
            except BaseException:
                os.close(file)
                raise
            handles.finish(file, directory, name, facts.st_mtime)

    def _make_room(self, path: str, parent: int, name: str, same_kind: dict[str, int] | dict[str, str]) -> None:
        """A later member replaces an earlier one of its own kind, as in every tar; any other clash is refused."""
        if path in self.contents.softlinks and same_kind is not self.contents.softlinks:
            raise UnsafeArchive(f"{path!r} is a soft link, and another member wants to write through it")
        if path not in same_kind:
            raise ArchiveError(f"{path!r} appears twice, as different things or with a difference of case only")
        handles.remove(parent, name)
        del same_kind[path]
        self.contents.info.pop(path, None)
