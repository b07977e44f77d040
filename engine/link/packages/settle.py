"""Puts contested paths right. Rule: the tree is what linking one package after the other, in link order, would give.

Runs once, alone, after all packages are linked. Each contested path is cleared and made anew by its claimants in
their order, each pushing aside what the ones before it put there. (One thing is not pushed aside: a directory that
is needed where an earlier package has a soft link to one. Files go through the link then, as with conda and mamba;
but links of several packages must not add up to a way out of the prefix, or into ``conda-meta``.)
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from engine.errors import LinkError, StorageError
from engine.events import Notice, Report
from engine.link.packages.linker import PackageLinker
from engine.link.plan.claims import Claims
from engine.link.plan.package_plan import PackagePlan, PlannedPath
from engine.link.prefix.disk import leads_inside, remove_tree


def settle(
    claims: Claims, linkers: Callable[[int], PackageLinker], report: Report, *, prevent: bool = False
) -> dict[int, list[str]]:
    """Decide all contested paths and warn once for each pair of packages; with ``prevent`` that is a `LinkError`.

    ``linkers`` makes a package's linker again. Returns, for each package that took part, the contested paths that
    it has in the end; its `Linked` has been brought up to date.
    """
    contested = claims.contested()
    if not contested:
        return {}
    taking_part = {index: linkers(index) for index in sorted(set().union(*contested.values()))}
    owners: dict[str, int] = {}
    pairs: dict[tuple[int, int], list[str]] = {}
    try:
        for key, indices in contested.items():
            _settle_one(key, [taking_part[index] for index in sorted(indices)], claims, owners, pairs)
    except OSError as error:
        raise StorageError.from_os_error("put files in place that several packages bring", error) from error
    _update_losses(taking_part, owners, contested, claims)
    for (winner, loser), paths in sorted(pairs.items()):
        text = _warning(taking_part[winner].plan, taking_part[loser].plan, paths)
        if prevent:
            raise LinkError(text.rpartition(" Those of ")[0], hint=PREVENTED)
        report(Notice("warning", text))
    return {index: [path for path, owner in owners.items() if owner == index] for index in taking_part}


PREVENTED = "The configuration says `path_conflict: prevent`; nothing was changed."


def _warning(winner: PackagePlan, loser: PackagePlan, paths: list[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return (
        f"{winner.record.dist} and {loser.record.dist} bring the same files: {paths[0]}{more}. "
        f"Those of {winner.record.dist} are kept."
    )


def _settle_one(
    key: str,
    linkers: list[PackageLinker],
    claims: Claims,
    owners: dict[str, int],
    pairs: dict[tuple[int, int], list[str]],
) -> None:
    _clear(os.path.join(linkers[0].target.staging, key))
    for linker in linkers:
        index = linker.plan.index
        for target, make in pieces(linker, key, claims):
            check_way(linker.target.staging, target, linker.plan.record.dist)
            for loser, path in _push_aside(linker.target.staging, target, owners, make is None):
                if loser != index:
                    pairs.setdefault((index, loser), []).append(path)
            if make is not None:
                make()
                owners[target] = index


def pieces(linker: PackageLinker, key: str, claims: Claims) -> Iterator[tuple[str, Callable[[], None] | None]]:
    """What a package puts at ``key`` or below it, with the way to make it; None makes a directory."""
    plan, start = linker.plan, f"{key}/"

    def inside(target: str) -> bool:
        folded = claims.folded(target)
        return folded == key or folded.startswith(start)

    for path in plan.directories:
        if inside(path):
            yield path, None
    for group in plan.groups:
        for name in group.names:
            target = f"{group.target}/{name}" if group.target else name
            if inside(target):
                source = f"{group.source}/{name}" if group.source else name
                yield target, _call(linker.place, source, target)
    others: tuple[tuple[list[PlannedPath], Callable[[PlannedPath], None]], ...] = (
        (plan.copies, linker.copy),
        (plan.softlinks, linker.make_special),
        (plan.rewrites, linker.make_special),
    )
    for paths, make in others:
        yield from ((path.target, _call(make, path)) for path in paths if inside(path.target))
    for entry in plan.scripts:
        for target, data in linker.script_files(entry):
            if inside(target):
                yield target, _call(linker.write_script, target, data)


def _call(make: Callable[..., None], *args: object) -> Callable[[], None]:
    return lambda: make(*args)


def check_way(root: str, target: str, dist: str) -> None:
    """Raise `LinkError` if soft links that are there would take ``target`` out of ``root``."""
    parts = target.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        full = os.path.join(root, *parts[:count])
        if os.path.islink(full) and os.path.isdir(full) and not leads_inside(full, root):
            raise LinkError(
                f"Could not link {dist}: its file {target} would go through the soft link {'/'.join(parts[:count])} of "
                "another package, which leads to where no package may write",
                hint="This is a fault of the packages, or an attack: don't install them together.",
            )


def _push_aside(staging: str, target: str, owners: dict[str, int], directory: bool) -> Iterator[tuple[int, str]]:
    """Make room for ``target`` and its parents; yields whose paths had to go."""
    parts = target.split("/")
    upto = len(parts) if directory else len(parts) - 1
    for count in range(1, upto + 1):
        parent = "/".join(parts[:count])
        full = os.path.join(staging, parent)
        if not os.path.isdir(full):  # follows soft links: see the rule
            yield from _drop(parent, owners)
            _clear(full)
            os.mkdir(full)
    if not directory:
        yield from _drop(target, owners)
        _clear(os.path.join(staging, target))


def _drop(target: str, owners: dict[str, int]) -> Iterator[tuple[int, str]]:
    """Forget who has ``target`` and what is below it."""
    for path in [path for path in owners if path == target or path.startswith(f"{target}/")]:
        yield owners.pop(path), path


def _clear(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(mode):
        remove_tree(path)
    else:
        os.unlink(path)


def _update_losses(
    linkers: dict[int, PackageLinker], owners: dict[str, int], contested: dict[str, set[int]], claims: Claims
) -> None:
    """Each package's list of what it lost, by the end result rather than by who came first."""
    for index, linker in linkers.items():
        lost = linker.done.lost
        lost.clear()
        for key in contested:
            for target, make in pieces(linker, key, claims):
                if make is not None and owners.get(target) != index:
                    lost.add(target)
                    linker.done.written.pop(target, None)
