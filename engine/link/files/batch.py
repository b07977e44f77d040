"""Many files of some packages, by hard links: looked at first, then linked, with the fewest system calls.

Rule of this file: nothing but system calls, relative to open directories, and a list of what did not work; what that
means is decided elsewhere. It imports next to nothing, because it also runs as a program (``python -I -S batch.py``):
the system calls of two jobs then don't wait for each other's interpreter lock, nor for that of the program that
plans them. Jobs come on the standard input and results go to the standard output, marshalled, each after its length.
"""

from __future__ import annotations

import errno
import os

Special = tuple[str, str, str, str]
Made = tuple[str, str, int]
"""As `engine.link.files.special` has them."""
Files = tuple[str, str, list[str], "list[str] | None", "list[int | None]"]
"""Files of one directory: where they are (absolute), where they go (absolute), their names, the names that they get
there (None: the same), their sizes (None: not known)."""
Part = tuple[bool, list[Files]]
"""Whether to look at each file first; the files."""
Specials = tuple[str, str, list[list[Special]]]
"""The prefix to write into files, and its platform; of each package what is not just linked."""
Job = tuple[list[str], list[list[Part]], Specials]
"""Directories to make, parents first; of each package its parts; what is to be made once these are there."""
Problem = tuple[int, str, str]
"""The error's number, the file that was to be linked, the path that it was to get. (For a directory, no file.)"""
Done = tuple["str | None", int, list[Problem]]
"""Of a part: a file that is not as it should be, and then nothing of it was linked; how many were linked; what did not
work."""
Result = tuple["Problem | None", list[list[Done]], list[list[Made]]]
"""A directory that could not be made, and then nothing was linked; of each package what became of its parts, and of the
rest. After a part with a file that is not as it should be the package's other parts are left, and if it was the first,
the rest too."""

LINK_AT = os.link in os.supports_dir_fd
"""Whether files can be linked relative to open directories, as this does it."""

_GOES_ON = frozenset(
    {errno.EEXIST, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
)
"""What concerns one file alone."""
_KIND, _REGULAR = 0o170000, 0o100000
_HANDLES = os.stat in os.supports_dir_fd
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


def carry_out(job: Job) -> Result:
    """Do one job. Raises nothing."""
    directories, packages, (prefix, platform, specials) = job
    for directory in directories:
        try:
            os.mkdir(directory)
        except FileExistsError:
            continue  # made by another package, or in the way of the files below it
        except OSError as error:
            return (error.errno or 0, "", directory), [], []
    done = [_package(parts) for parts in packages]
    if not any(specials):
        return None, done, [[] for _ in specials]
    from engine.link.files.special import make  # most jobs do without

    sound = [not parts or parts[0][0] is None for parts in done]
    rest = zip(specials, sound, strict=True)
    return None, done, [make(some, prefix, platform) if whole else [] for some, whole in rest]


def _package(parts: list[Part]) -> list[Done]:
    found: list[Done] = []
    for check, groups in parts:
        damaged = next(filter(None, map(find_damage, groups)), None) if check else None
        found.append((damaged, 0, []) if damaged is not None else _part(groups))
        if damaged is not None:
            break
    return found


def _part(groups: list[Files]) -> Done:
    problems: list[Problem] = []
    done = 0
    for group in groups:
        done += _link(group, problems)
        if problems and problems[-1][0] not in _GOES_ON:
            break
    return None, done, problems


def find_damage(group: Files) -> str | None:
    """The first file that is not there, no regular file, or not of its size."""
    directory, _, names, _, sizes = group
    if not _HANDLES:
        return _find_by_path(directory, names, sizes)
    look, kind, regular = os.stat, _KIND, _REGULAR
    name = ""
    try:
        handle = os.open(directory, _DIRECTORY)
    except OSError:
        return f"{directory}/{names[0]}"
    try:
        for name, size in zip(names, sizes):  # noqa: B905 - `strict` would be looked at for each
            facts = look(name, dir_fd=handle, follow_symlinks=False)
            if (facts.st_size != size and size is not None) or facts.st_mode & kind != regular:
                return f"{directory}/{name}"
    except OSError:
        return f"{directory}/{name}"
    finally:
        os.close(handle)
    return None


def _find_by_path(directory: str, names: list[str], sizes: list[int | None]) -> str | None:
    """The same where a directory can't be opened (Windows)."""
    for name, size in zip(names, sizes):  # noqa: B905 - as above
        path = f"{directory}/{name}"
        try:
            facts = os.lstat(path)
        except OSError:
            return path
        if (facts.st_size != size and size is not None) or facts.st_mode & _KIND != _REGULAR:
            return path
    return None


def _link(group: Files, problems: list[Problem]) -> int:
    """The hot loop: nearly every file of every package passes here. Stops at what concerns more than one file."""
    origin, place, names, new_names, _ = group
    link, done, at = os.link, 0, origin
    source = target = -1
    try:
        source = os.open(origin, _DIRECTORY)
        at = place
        target = os.open(place, _DIRECTORY)
        for name, new in zip(names, new_names or names):  # noqa: B905
            try:
                link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                done += 1
            except OSError as error:
                problems.append((error.errno or 0, f"{origin}/{name}", f"{place}/{new}"))
                if error.errno not in _GOES_ON:
                    break
    except OSError as error:
        problems.append((error.errno or 0, f"{origin}/{names[0]}" if at == origin else "", place))
    finally:
        for handle in (source, target):
            if handle >= 0:
                os.close(handle)
    return done


def _serve() -> None:
    """Work for the process that started us, as long as it lives."""
    import marshal
    import sys

    sys.path.append(sys.argv[1])  # where the rest of us is, which few jobs need
    parent = os.getppid()
    reading, writing = sys.stdin.buffer, sys.stdout.buffer
    while head := reading.read(8):
        job = marshal.loads(reading.read(int.from_bytes(head, "big")))
        if os.getppid() != parent:
            return  # nobody holds the lock on what we would write into
        result = marshal.dumps(carry_out(job))
        writing.write(len(result).to_bytes(8, "big") + result)
        writing.flush()


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started us
    _serve()
