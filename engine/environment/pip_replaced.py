"""What pip had installed goes where a conda package of the same name came (``prefix_data_interoperability``).

Rule of this file: it runs when the conda packages are in place, and only deletes: what the distribution's own RECORD
lists, below the environment, and no conda package owns. Stopped half-way, the environment works, and holds left-overs.
"""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
from collections.abc import Collection, Iterator

from engine.environment.environments import read_installed
from engine.environment.pypi import PypiRecord, find_distributions
from engine.model.platform import default_site_packages


def drop_replaced_in(prefix: str, names: Collection[str]) -> list[PypiRecord]:
    """`drop_replaced` in an environment where packages with these names were just installed."""
    installed = read_installed(prefix)
    python = next((record for record in installed if record.name == "python"), None)
    if python is None or not names:
        return []
    site = python.python_site_packages_path or default_site_packages(python.subdir or "", python.version)
    return drop_replaced(prefix, site, names, {path for record in installed for path in record.files})


def drop_replaced(prefix: str, site_packages: str, names: Collection[str], owned: Collection[str]) -> list[PypiRecord]:
    """Delete distributions that have one of ``names`` and are not among the ``owned`` files; tells which.

    All paths are in the prefix, with slashes. What can't be deleted stays.
    """
    wanted = {normal_name(name) for name in names}
    kept = {os.path.normpath(os.path.join(prefix, path)) for path in owned}
    dropped = []
    for directory, record in find_distributions(prefix, site_packages, owned):
        if normal_name(record.name) in wanted:
            _delete(prefix, directory, kept)
            dropped.append(record)
    return dropped


def normal_name(name: str) -> str:
    """A distribution's name as names are compared (PyPA's "Names and normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _delete(prefix: str, directory: str, kept: Collection[str]) -> None:
    emptied = set()
    for path in _listed(prefix, directory):
        if path not in kept:
            _unlink(path)
            emptied.add(os.path.dirname(path))
    shutil.rmtree(directory, ignore_errors=True)
    for folder in sorted(emptied, key=len, reverse=True):
        _remove_empty(folder, os.path.dirname(directory))


def _listed(prefix: str, directory: str) -> Iterator[str]:
    """The files in RECORD that are in the prefix, as absolute paths."""
    home = os.path.dirname(directory)
    root = os.path.join(os.path.normpath(prefix), "")
    try:
        with open(os.path.join(directory, "RECORD"), encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return
    for row in rows:
        path = os.path.normpath(os.path.join(home, row[0])) if row else ""
        if path.startswith(root):
            yield path


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _remove_empty(folder: str, stop: str) -> None:
    """Remove empty directories upwards, below ``stop``."""
    while folder.startswith(stop + os.sep):
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)
