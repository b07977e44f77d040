"""Who brings which path. Rule: the later package in link order wins, whatever the threads' timing (CEP 32; conda and
rattler decide so too).

Packages are linked as they arrive, several at once, into one empty tree. Each *claims* its directories and files
before it makes them; the first claim of a path is free to make it. Whoever finds a path already claimed (the same
file, or a file where a directory is needed, or the other way about) leaves it, and the path is noted as contested.
Contested paths are few; `engine.link.packages.settle` puts them right, one after the other in link order, when all
packages are there. So nobody ever waits, looks a file up or removes anything while linking.

One lock serves all: a package claims whole directories of names under it, which takes microseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable


class Claims:
    """The claims of all packages on one tree. ``fold`` makes the key of a path (case-insensitive file systems)."""

    def __init__(self, fold: Callable[[str], str] | None = None) -> None:
        self._fold = fold
        self._lock = threading.RLock()
        self._files: dict[str, int] = {}
        self._dirs: dict[str, int] = {}
        self._taken: set[str] = set()
        """All of both, and perhaps more: what is not in here is free."""
        self._whole: list[tuple[list[str], int]] = []
        """Files of packages that got all of theirs, not in `_files` yet: nobody asks for them one by one, as a rule."""
        self._contested: dict[str, set[int]] = {}
        self.made: set[str] = set()
        """Directories that exist by now."""

    def claim_dirs(self, directories: Iterable[str], index: int) -> set[str]:
        """Claim directories (parents first); returns those that can't be had, because a file is there or above."""
        blocked: set[str] = set()
        files, fold = self._files, self._fold
        with self._lock:
            for directory in directories:
                key = fold(directory) if fold else directory
                free = key not in self._taken
                if free:
                    self._taken.add(key)
                elif key not in self._dirs:
                    self._tell_apart()
                self._dirs.setdefault(key, index)
                if directory.rpartition("/")[0] in blocked:
                    blocked.add(directory)
                elif not free and key in files:
                    self.contest(key, index)
                    blocked.add(directory)
        return blocked

    def claim_file(self, path: str, index: int) -> bool:
        """Claim one file or soft link; False if another package has the path."""
        key = self._fold(path) if self._fold else path
        with self._lock:
            if key not in self._taken:
                self._taken.add(key)
                self._files[key] = index
                return True
            self._tell_apart()
            if self._files.setdefault(key, index) == index and key not in self._dirs:
                return True
            self.contest(key, index)
        return False

    def claim_all(self, paths: list[str], index: int) -> bool:
        """Claim all files of a package at once; False (and nothing claimed) unless nobody has any of them."""
        if self._fold:
            return False
        with self._lock:
            before = len(self._taken)
            self._taken.update(paths)
            free = len(self._taken) == before + len(paths)
            if free:
                self._whole.append((paths, index))
        return free

    def _tell_apart(self) -> None:
        """Note of each file whose it is."""
        for paths, index in self._whole:
            self._files.update(dict.fromkeys(paths, index))
        self._whole.clear()

    def claim_names(self, directory: str, names: list[str], index: int) -> list[str]:
        """Claim many files of one directory; returns the names that may be made (``names`` itself if all)."""
        if self._fold:
            return [name for name in names if self.claim_file(f"{directory}/{name}" if directory else name, index)]
        files, dirs = self._files, self._dirs
        start = f"{directory}/" if directory else ""
        paths = [start + name for name in names]
        with self._lock:
            self._tell_apart()
            self._taken.update(paths)
            lost = {path for path in paths if files.setdefault(path, index) != index or path in dirs}
            for path in lost:
                self.contest(path, index)
        return [name for name in names if start + name not in lost] if lost else names

    def contest(self, key: str, index: int) -> None:
        """Note that ``index`` did not get the (folded) path ``key``."""
        with self._lock:
            self._contested.setdefault(key, set()).add(index)

    def contested(self) -> dict[str, set[int]]:
        """Contested path (as folded) → the packages in question. A path below another one is left to that."""
        found: dict[str, set[int]] = {}
        self._tell_apart()
        for key, indices in sorted(self._contested.items()):
            whole = {*indices, *(number for number in (self._files.get(key),) if number is not None)}
            above = next((top for top in found if key.startswith(f"{top}/")), key)
            found.setdefault(above, set()).update(whole)
            if key in self._dirs:
                found[above].update(self.below(key))
        return found

    def contested_by_package(self) -> dict[int, list[str]]:
        """Package → the contested paths (as folded) that it takes part in."""
        found: dict[int, list[str]] = {}
        for key, indices in self.contested().items():
            for index in indices:
                found.setdefault(index, []).append(key)
        return found

    def below(self, key: str) -> set[int]:
        """The packages that claim anything below a directory."""
        self._tell_apart()
        start = f"{key}/"
        return {index for table in (self._files, self._dirs) for path, index in table.items() if path.startswith(start)}

    def folded(self, path: str) -> str:
        """The key of ``path``."""
        return self._fold(path) if self._fold else path
