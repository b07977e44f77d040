"""The errors that a user may see, and the exit code of each.

Rule of this file: an error that a user can cause, meet or mend is a `WhipsnakeError`; it carries what was
being done, to what, what was expected and what was found, and, apart, a hint that can be acted on. Anything
else that escapes is a bug of ours. Only `cli.py` turns an error into text and an exit code.

    WhipsnakeError
    ├── UsageError               the command line itself is wrong (exit 2)
    ├── ConfigError              a configuration file, variable or value
    │   └── OptionError          the same, given on the command line (exit 2)
    ├── ParseError               a text that is not what its grammar says, with a caret under the fault
    │   ├── InvalidVersion · InvalidVersionSpec · InvalidMatchSpec · InvalidChannel · InvalidSpecFile · InvalidManifest
    ├── RepodataError            a channel's index
    │   └── ChannelNotFound
    ├── SolveError               no set of packages does what was asked
    │   ├── PackagesNotFound
    │   └── Unsatisfiable
    ├── FetchError               bytes that did not arrive, or were not the right ones
    │   ├── NetworkError         (with `HttpStatusError`, `OfflineError`, `FileChanged`)
    │   ├── VerificationError    size or digest differ
    │   └── ArchiveError         (with `UnsafeArchive`)
    ├── CacheError               the package cache
    ├── LinkError                making or changing a prefix
    │   ├── PrefixError          the place asked for can't be used
    │   ├── PlaceholderError     the prefix is too long for a placeholder
    │   ├── FrozenError          the environment must not be changed (CEP 22)
    │   └── ScriptError          a link script failed
    ├── StorageError             the disk: full, read-only, not permitted
    ├── LockError                another process holds what we need
    ├── ResourceError            the system gives us no more memory, threads or open files
    └── Interrupted              Ctrl-C or SIGTERM (exit 130, 143)
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a finished process says; the README's table is made from these."""

    OK = 0
    FAILURE = 1
    """What was asked could not be done (any `WhipsnakeError` that has no code of its own)."""
    USAGE = 2
    """The command line is wrong."""
    BUG = 70
    """A fault of whipsnake itself (`EX_SOFTWARE` of sysexits)."""
    INTERRUPTED = 130
    TERMINATED = 143


class WhipsnakeError(Exception):
    """Root of all errors meant for users.

    ``message`` is one clear statement (it may have further lines of detail). ``hint`` says what to do next
    and is None where nothing sensible can be said. ``data`` is the same as plain values, for ``--json``.
    """

    exit_code: ClassVar[int] = ExitCode.FAILURE

    def __init__(self, message: str, *, hint: str | None = None, data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data: dict[str, object] = dict(data or {})

    def __str__(self) -> str:
        return self.message


class UsageError(WhipsnakeError):
    """The command line asks for something that no command can mean."""

    exit_code = ExitCode.USAGE


class ConfigError(WhipsnakeError):
    """A configuration file, environment variable or option has a wrong value."""


class OptionError(ConfigError, UsageError):
    """The value of a key is wrong, and the command line gave it."""


class ParseError(WhipsnakeError):
    """A text does not follow its grammar. ``span`` is the faulty part of ``source``, as offsets [start, end)."""

    noun: ClassVar[str] = "text"

    def __init__(
        self,
        source: str,
        reason: str,
        *,
        span: tuple[int, int] | None = None,
        hint: str | None = None,
    ) -> None:
        self.source, self.reason, self.span = source, reason, span
        super().__init__(self._text(), hint=hint, data={"source": source, "reason": reason})

    def _text(self) -> str:
        text = f"Invalid {self.noun} {_shown(self.source)}: {self.reason}"
        if self.span is None or "\n" in self.source or len(self.source) > 200:
            return text
        start, end = self.span
        return f"{text}\n    {self.source}\n    {' ' * start}{'^' * max(1, end - start)}"


def _shown(source: str, limit: int = 200) -> str:
    """The text in quotes, cut where it is so long that it would hide the message."""
    return repr(source if len(source) <= limit else source[:limit] + "…")


class InvalidVersion(ParseError):
    """Not a version of CEP 33."""

    noun = "version"


class InvalidVersionSpec(ParseError):
    """Not a version constraint of CEP 29."""

    noun = "version constraint"


class InvalidMatchSpec(ParseError):
    """Not a match specification of CEP 29."""

    noun = "package specification"


class InvalidChannel(ParseError):
    """Not a channel of CEP 26."""

    noun = "channel"


class InvalidPackageName(InvalidChannel):
    """Not the file name of a package (CEP 26, "Filenames")."""

    noun = "package"


class InvalidSpecFile(ParseError):
    """Not an environment.yml (CEP 24), an explicit file or a list of specifications (CEP 23)."""

    noun = "specification file"


class InvalidManifest(ParseError):
    """Not a list of environments to make (docs/bulk.md)."""

    noun = "manifest"


class RepodataError(WhipsnakeError):
    """A channel's index can't be read."""


class DamagedIndex(RepodataError):
    """An index that was read from the cache turns out to be damaged while it is used: fetching it anew helps."""


class ChannelNotFound(RepodataError):
    """There is no channel at the address."""


class SolveError(WhipsnakeError):
    """No set of packages does what was asked."""


class PackagesNotFound(SolveError):
    """A package was asked for that no channel has."""


class Unsatisfiable(SolveError):
    """The requirements contradict each other."""


class FetchError(WhipsnakeError):
    """Bytes did not arrive, or are not those that the index promised."""


class NetworkError(FetchError):
    """The connection failed or broke, and so did the retries."""


class HttpStatusError(NetworkError):
    """The server answered with a status that is no success."""

    def __init__(self, url: str, status: int, reason: str = "", *, hint: str | None = None) -> None:
        self.url, self.status = url, status
        super().__init__(
            f"Could not fetch {url}: the server answered {status} {reason}".rstrip(),
            hint=hint,
            data={"url": url, "status": status},
        )


class OfflineError(NetworkError):
    """Something must be fetched, but the network is switched off."""


class FileChanged(NetworkError):
    """A file is no longer the one that was begun: what there is of it can't be continued."""


class VerificationError(FetchError):
    """Size or digest differ from what the index says."""


class ArchiveError(FetchError):
    """A package archive is broken."""


class UnsafeArchive(ArchiveError):
    """A package archive tries to write outside its own directory, or holds what no package may hold."""


class CacheError(WhipsnakeError):
    """The package cache can't be used."""


class LinkError(WhipsnakeError):
    """A prefix could not be made or changed."""


class PrefixError(LinkError):
    """The place asked for is not, or can't be, an environment."""


class PlaceholderError(LinkError):
    """The prefix is longer than the room that a binary file has for it."""


class FrozenError(LinkError):
    """The environment is marked as frozen (CEP 22)."""


class ScriptError(LinkError):
    """A link script of a package failed."""


class StorageError(WhipsnakeError):
    """The file system refused: full, over quota, read-only, not permitted."""

    @classmethod
    def from_os_error(cls, doing: str, error: OSError) -> StorageError:
        """The one place that words an `OSError`; ``doing`` says what was done to what ("write /x/y")."""
        code = error.errno or 0
        reason = os.strerror(code) if code else str(error)
        where = error.filename if isinstance(error.filename, str) else None
        tail = f" ({where})" if where and where not in doing else ""
        return cls(
            f"Could not {doing}: {reason}{tail}",
            hint=_IN_USE_HINT if getattr(error, "winerror", None) in _IN_USE else _STORAGE_HINTS.get(code),
            data={"errno": errno.errorcode.get(code, ""), "path": where},
        )


_IN_USE = (32, 33)
"""What Windows calls it if a program has a file open, or a part of it locked."""

_IN_USE_HINT = "A running program uses the file: close it and try again."

_STORAGE_HINTS: dict[int, str] = {
    errno.ENOSPC: "Free some space (`whipsnake clean --all` empties the package cache) and try again.",
    errno.EDQUOT: "You are over your disk quota: free some space and try again.",
    errno.EMFILE: "Allow the process more open files (`ulimit -n 1024`), or lower `download_threads`.",
    errno.EROFS: "The file system is read-only. Environments (`-p`) and package caches (`pkgs_dirs`) may be elsewhere.",
    errno.EACCES: "Check who owns it. Environments (`-p`) and package caches (`pkgs_dirs`) may be elsewhere.",
    errno.EPERM: "Check who owns it. Environments (`-p`) and package caches (`pkgs_dirs`) may be elsewhere.",
}


class LockError(WhipsnakeError):
    """Another process holds a lock for longer than `lock_timeout`."""


class ResourceError(WhipsnakeError):
    """The system gives us no more memory, threads or open files."""

    @classmethod
    def of(cls, error: BaseException) -> ResourceError | None:
        """What an error means that nobody foresaw where it was raised; None if it is none of this kind."""
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return cls(
                "There is not enough memory",
                hint="Allow the process more of it (`ulimit -v`), or lower `download_threads` and `extract_threads`.",
            )
        if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
            return cls("The system allows no more threads", hint="Allow more processes (`ulimit -u`), or more memory.")
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return cls("There are too many open files", hint=_STORAGE_HINTS[errno.EMFILE])
        return None


class Interrupted(WhipsnakeError):
    """A signal asked us to stop; everything was put back."""

    def __init__(self, exit_code: int = ExitCode.INTERRUPTED) -> None:
        super().__init__("Interrupted.")
        self.code = exit_code
