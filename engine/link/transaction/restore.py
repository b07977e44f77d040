"""Brings back files of surviving packages that a removed package had overwritten (CEP 32, "Removing a package").

A path that is in the records of both is made anew from the survivor's unpacked package, if the cache still has it;
else the file is kept as it is. Of several survivors the last in link order has the path.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.errors import LinkError, StorageError
from engine.events import Notice, Report
from engine.link.files.modes import Modes
from engine.link.packages.linker import PackageLinker
from engine.link.packages.settle import pieces
from engine.link.plan.claims import Claims
from engine.link.plan.noarch import PythonInfo
from engine.link.plan.package_plan import plan_package
from engine.link.plan.paths_json import read_entry_points, read_paths
from engine.link.request import LinkRequest, PrefixTarget
from engine.model.records import PrefixRecord


def restore(
    request: LinkRequest,
    staging: str,
    *,
    removed: Sequence[PrefixRecord],
    survivors: Sequence[PrefixRecord],
    python: PythonInfo | None,
    report: Report,
) -> list[str]:
    """Stage the files in question, unless a new package brings them; returns their paths."""
    gone = {path for record in removed for path in record.files}
    owners: dict[str, PrefixRecord] = {}
    for record in link_order(survivors):
        owners.update((path, record) for path in gone.intersection(record.files))
    by_record: dict[str, list[str]] = {}
    for path, record in sorted(owners.items()):
        if not os.path.lexists(os.path.join(staging, path)):
            by_record.setdefault(record.name, []).append(path)
    target = PrefixTarget(request.prefix, staging, request.baked, request.platform, python)
    restored: list[str] = []
    for record in survivors:
        paths = by_record.get(record.name, [])
        if paths:
            restored += _restore_package(record, paths, target, request, report)
    return restored


def _restore_package(
    record: PrefixRecord, paths: list[str], target: PrefixTarget, request: LinkRequest, report: Report
) -> list[str]:
    directory = record.extracted_package_dir or (record.link.source if record.link else "")
    try:
        entries = read_paths(directory, record.dist)
        scripts = read_entry_points(directory, record.dist) if record.noarch_type == "python" else ()
        plan = plan_package(0, record, entries, scripts, target.python)
        mode = Modes(target.staging, request.options, report).choose(directory)
        linker = PackageLinker(plan, directory, target, Claims(), mode)
        return [path for path in paths if _restore_path(linker, path)]
    except (LinkError, StorageError, OSError) as error:
        report(
            Notice(
                "warning",
                f"{paths[0]}{' and others' if len(paths) > 1 else ''} of {record.dist} stay as a removed package left "
                f"them, because {record.dist} is not in the package cache any more ({error}).",
            )
        )
        return []


def _restore_path(linker: PackageLinker, path: str) -> bool:
    for target, make in pieces(linker, path, linker.claims):
        if target == path and make is not None:
            os.makedirs(os.path.dirname(os.path.join(linker.target.staging, path)), exist_ok=True)
            make()
            return True
    return False


def link_order(records: Sequence[PrefixRecord]) -> list[PrefixRecord]:
    """Dependencies before those that need them, by name where nothing decides; cycles are cut anywhere."""
    by_name = {record.name: record for record in sorted(records, key=lambda record: record.name)}
    found: dict[str, PrefixRecord] = {}
    stack = [(record, iter(_needs(record))) for record in reversed(by_name.values())]
    under_way = set[str]()
    while stack:
        record, needs = stack[-1]
        under_way.add(record.name)
        needed = next((name for name in needs if name in by_name and name not in under_way), None)
        if needed is not None and needed not in found:
            stack.append((by_name[needed], iter(_needs(by_name[needed]))))
        elif needed is None:
            stack.pop()
            found.setdefault(record.name, record)
    return list(found.values())


def _needs(record: PrefixRecord) -> list[str]:
    return [text.split()[0] for text in record.depends if text.strip()]
