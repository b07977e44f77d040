"""``clean``: what the package cache does not need goes, and people hear how much that was."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from engine.commands.app import App
from engine.commands.change import confirm
from engine.commands.options import add_flag, add_general_options, add_value
from engine.environment.environments import known_environments, read_installed
from engine.environment.healing import healed
from engine.errors import UsageError
from engine.fetch.cache.clean import CleanRequest, Garbage, find_garbage, remove_garbage
from engine.link.transaction.staging import interrupted_in
from engine.ui.text import human_bytes, plural, table

_NOUNS = {
    "index": "Index cache",
    "package": "Unpacked packages",
    "tarball": "Package archives",
    "lock": "Lock files",
    "trash": "Trash",
    "bytecode": "Byte-compiled files that no environment uses",
    "leftover": "Leftovers of interrupted runs",
    "pkgs_dir": "Whole package caches",
}


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options."""
    group = parser.add_argument_group("clean options")
    add_flag(group, "-a", "--all", dest="clean_all", help="index cache, lock files, unused packages and archives")
    add_flag(group, "-i", "--index-cache", dest="clean_index", help="the index cache")
    add_flag(group, "-p", "--packages", dest="clean_packages", help="packages that no environment uses")
    add_flag(group, "-t", "--tarballs", dest="clean_tarballs", help="the archives that packages came in")
    add_flag(group, "-l", "--locks", dest="clean_locks", help="lock files that nobody holds")
    add_flag(group, "--trash", dest="clean_trash", help="files that could not be removed when they should have been")
    add_flag(group, "-f", "--force-pkgs-dirs", dest="clean_force", help="the whole package caches (not part of --all)")
    add_general_options(parser)
    add_value(parser, "-r", "--root-prefix", dest="root_prefix", metavar="PATH", help="where envs/ and pkgs/ are")


def run(args: Namespace, app: App) -> int:
    """Find, show, ask, remove."""
    request = _request(vars(args), app)
    if (request.trash or request.everything) and not app.config.dry_run:
        _heal_all(request.prefixes, app)
    found = find_garbage(request)
    _show(found, app)
    app.out.result(dry_run=app.config.dry_run, success=True)
    if not found:
        return 0
    if app.config.dry_run:
        app.out.line("Dry run: nothing was removed.")
        return 0
    if app.asks and not _confirmed(whole=request.force_pkgs_dirs):
        app.out.line("Nothing was removed.")
        return 0
    freed, failures = remove_garbage(found)
    for failure in failures:
        app.out.warning(str(failure))
    app.out.result(bytes_freed=freed)
    app.out.line(f"Freed {human_bytes(freed)}.")
    return 1 if failures else 0


def _confirmed(*, whole: bool) -> bool:
    """Where nobody can answer (an image is built): yes, since everything can be had again. Not for whole caches."""
    return confirm("Remove these", default=not whole, unanswered=None if whole else True)


def _request(asked: dict[str, object], app: App) -> CleanRequest:
    config = app.config
    prefixes = tuple(known_environments(config))
    names = ("all", "index", "packages", "tarballs", "locks", "trash", "force")
    wanted = {name: bool(asked.get(f"clean_{name}")) for name in names}
    if not any(wanted.values()):
        raise UsageError("Nothing was named that could be cleaned.", hint="`whipsnake clean --all` is the usual form.")
    return CleanRequest(
        pkgs_dirs=config.pkgs_dirs,
        root_prefix=config.root_prefix,
        prefixes=prefixes,
        places=_places(prefixes, app) if wanted["all"] or wanted["trash"] else (),
        user_cache=os.path.join(app.environ.get("XDG_CACHE_HOME") or os.path.join(config.home, ".cache"), "conda"),
        owned_files=lambda prefix: {path for record in read_installed(prefix) for path in record.files},
        everything=wanted["all"],
        index=wanted["index"],
        packages=wanted["packages"],
        tarballs=wanted["tarballs"],
        locks=wanted["locks"],
        trash=wanted["trash"],
        force_pkgs_dirs=wanted["force"],
    )


def _bases(prefixes: Sequence[str], app: App) -> set[str]:
    """The directories that environments lie in."""
    return {*map(os.path.dirname, prefixes), *app.config.envs_dirs}


def _places(prefixes: Sequence[str], app: App) -> tuple[str, ...]:
    """Where runs without a cache that were killed may have left something."""
    from engine.delivery.cacheless import places_of  # here, since most forms of `clean` don't ask

    return tuple(sorted({place for base in _bases(prefixes, app) for place in places_of(base)}))


def _heal_all(prefixes: Sequence[str], app: App) -> None:
    """What crashes left at environments, and beside them, is part of the trash."""
    for prefix in sorted({*prefixes, *interrupted_in(_bases(prefixes, app))}):
        healed(prefix, app.out.warning)


def _show(found: Sequence[Garbage], app: App) -> None:
    if not found:
        app.out.line("There is nothing to clean.")
    rows = []
    for kind, noun in _NOUNS.items():
        items = [item for item in found if item.kind == kind]
        if items:
            size = sum(item.bytes for item in items)
            rows.append((noun, plural(len(items), "item"), human_bytes(size)))
    for line in table(rows, right=frozenset({1, 2})):
        app.out.line(line)
    app.out.result(
        items=[{"kind": item.kind, "path": item.path, "bytes": item.bytes} for item in found],
        **_in_condas_words(found),
    )


def _in_condas_words(found: Sequence[Garbage]) -> dict[str, object]:
    """The keys of conda's ``clean --json``."""
    answer: dict[str, object] = {}
    for key, kind in (("packages", "package"), ("tarballs", "tarball")):
        sizes: dict[str, dict[str, int]] = {}
        for item in found:
            if item.kind == kind:
                directory, name = os.path.split(item.path)
                sizes.setdefault(directory, {})[name] = item.bytes
        answer[key] = {
            "pkg_sizes": sizes,
            "pkgs_dirs": {directory: list(names) for directory, names in sizes.items()},
            "total_size": sum(item.bytes for item in found if item.kind == kind),
            "warnings": [],
        }
    for key, kinds in (("index_cache", ("index",)), ("tempfiles", ("trash", "leftover")), ("locks", ("lock",))):
        answer[key] = [item.path for item in found if item.kind in kinds]
    return answer
