"""Small deeds on disk that several steps need. Rule: every `OSError` that leaves here is a `StorageError`."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO

from engine.errors import StorageError
from engine.link.prefix.in_use import set_aside, sweep
from engine.link.prefix.meta import JOURNAL, META, OURS
from engine.system.file_io import write_all
from engine.system.moving import replace

_CHUNK = 1 << 20


@contextmanager
def storage(doing: str) -> Iterator[None]:
    """Say what was being done if the system refuses."""
    try:
        yield
    except OSError as error:
        raise StorageError.from_os_error(doing, error) from error


def write_atomic(path: str, data: bytes, *, sync: bool = False) -> None:
    """Write a small file so that it is there whole or not at all; ``sync`` waits until it is on the disk."""
    temporary = f"{path}.whipsnake-{os.getpid()}"
    with storage(f"write {path}"):
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            replace(temporary, path)
        except OSError:
            _try_unlink(temporary)
            raise
        if sync:
            sync_dir(os.path.dirname(path))


def copy_range(source: FileIO, target: FileIO, start: int, end: int) -> None:
    """Write what is between two places of an open file to the end of another, without a look at it."""
    by_system = sys.platform == "linux"
    while start < end:
        done = 0
        if by_system:
            try:
                done = os.sendfile(target.fileno(), source.fileno(), start, end - start)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOSYS):
                    raise
                by_system = False
                continue
        else:
            source.seek(start)
            data = source.read(min(end - start, _CHUNK))
            write_all(target.fileno(), data)
            done = len(data)
        if not done:
            raise OSError(errno.EIO, os.strerror(errno.EIO), source.name)
        start += done


def sync_dir(path: str) -> None:
    """Make renames in a directory last. Some file systems can't, and nothing can be done about it."""
    if os.name == "nt":
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(opened)


def _try_unlink(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)


def remove_tree(path: str) -> None:
    """Remove a directory and all in it, read-only directories too; nothing happens if it isn't there."""
    if not os.path.lexists(path):
        return
    import shutil  # with it come compressors, and most commands remove nothing

    with storage(f"remove {path}"):
        try:
            shutil.rmtree(path)
        except PermissionError:
            from engine.system.temporary import make_writable  # rarely needed, and with it comes hashing

            make_writable(path)
            if os.name == "nt":
                set_aside(path)
            shutil.rmtree(path)
    if os.name == "nt":
        sweep(os.path.dirname(path))


def copy_tree(directory: str, target: str) -> None:
    """Copy an environment into an empty directory, by hard links where they can be, without what we leave in it while
    we work. It is on the disk when this returns."""
    import shutil

    with storage(f"copy {directory} to {target}"):
        shutil.copytree(directory, target, symlinks=True, ignore=_ours, copy_function=_link_or_copy, dirs_exist_ok=True)
        if os.name == "posix":
            os.sync()


def _ours(directory: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(OURS)] if os.path.basename(directory) == META else []


def _link_or_copy(source: str, target: str) -> None:
    import shutil

    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def remove_in_use(directory: str) -> None:
    """Remove an environment of which something is running, on Windows: what runs is moved beside it.

    ``conda-meta`` goes last.
    """
    from engine.system.temporary import make_writable

    with storage(f"remove {directory}"):
        make_writable(directory)
        for name in sorted(os.listdir(directory), key=lambda name: (name == META, name)):
            set_aside(os.path.join(directory, name), os.path.dirname(directory))
    remove_tree(directory)


def empty(directory: str) -> None:
    """Remove what is in a directory that itself can't go: ``conda-meta`` last, and of that the journal, so that who
    comes after us knows what was being done."""
    with storage(f"empty {directory}"):
        for name in sorted(os.listdir(directory), key=lambda name: (name == META, name)):
            path = os.path.join(directory, name)
            if name == META and not os.path.islink(path):
                _empty_meta(path)
            _remove(path)


def _empty_meta(meta: str) -> None:
    for name in os.listdir(meta):
        if name != JOURNAL:
            _remove(os.path.join(meta, name))


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        remove_tree(path)
    else:
        os.unlink(path)


def leads_inside(path: str, prefix: str) -> bool:
    """Whether a directory, with all soft links followed, is in the prefix and not where only installers write."""
    root = os.path.realpath(prefix)
    real = os.path.realpath(path)
    if real == root:
        return True
    return real.startswith(f"{root}{os.sep}") and real[len(root) + 1 :].split(os.sep)[0].lower() != "conda-meta"


def make_parents(path: str) -> list[str]:
    """Make the directories above ``path``; returns those that were missing, topmost first."""
    missing: list[str] = []
    parent = os.path.dirname(path)
    while parent and not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    made: list[str] = []
    with storage(f"make the directory {os.path.dirname(path)}"):
        try:
            for directory in reversed(missing):
                os.mkdir(directory)
                made.append(directory)
        except FileExistsError:  # somebody else makes it too
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError:
            remove_empty(made)
            raise
    return made


def remove_empty(directories: list[str]) -> None:
    """Remove directories, last first, as long as they are empty."""
    for directory in reversed(directories):
        try:
            os.rmdir(directory)
        except OSError:  # not empty, or not ours to remove: either way it stays
            return
