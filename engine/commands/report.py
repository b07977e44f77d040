"""A plan and its outcome, as the values that `engine.ui` prints and ``--json`` carries. Rule: no decisions here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.model.records import RepoDataRecord
from engine.model.url import mask_secrets, strip_secrets
from engine.ui.plan import PlanRow, PlanSection, PlanView
from engine.ui.text import human_bytes, one_line

if TYPE_CHECKING:
    from engine.request import Held, Plan
    from engine.solve.transaction import Change

_SECTIONS = {
    "install": "Install",
    "remove": "Remove",
    "change": "Change",
    "reinstall": "Reinstall",
    "upgrade": "Upgrade",
    "downgrade": "Downgrade",
}
"""Kinds of change in the order that they are shown in."""


def plan_view(plan: Plan) -> PlanView:
    """What the table shows."""
    request = plan.request
    names = plan.channel_names
    changes = plan.transaction.changes
    return PlanView(
        prefix=request.prefix,
        updating=tuple(mask_secrets(spec) for specs in plan.requested.values() for spec in specs),
        removing=tuple(map(str, request.remove)),
        sections=tuple(
            _section(title, [change for change in changes if change.kind == kind], plan, names)
            for kind, title in _SECTIONS.items()
            if any(change.kind == kind for change in changes)
        ),
        download_bytes=sum(record.size or 0 for record in plan.to_fetch),
    )


def _section(title: str, changes: Sequence[Change], plan: Plan, names: Mapping[str, str]) -> PlanSection:
    ordered = sorted(changes, key=lambda change: change.name)
    return PlanSection(title, tuple(row for change in ordered for row in _rows(change, plan, names)), len(changes))


def _rows(change: Change, plan: Plan, names: Mapping[str, str]) -> Iterable[PlanRow]:
    if change.old is not None and change.kind != "reinstall":
        yield _row("-", change.old, names, "")
    if change.new is not None:
        mark = "o" if change.kind == "reinstall" else "+"
        yield _row(mark, change.new, names, _size(change.new, plan))


def _size(record: RepoDataRecord, plan: Plan) -> str:
    if record.fn in plan.cached:
        return "Cached"
    return human_bytes(record.size) if record.size else ""


def _row(mark: str, record: RepoDataRecord, names: Mapping[str, str], size: str) -> PlanRow:
    url = strip_secrets(record.channel).rstrip("/")
    return PlanRow(mark, record.name, record.version, record.build, names.get(url, short_channel(url)), size)


def short_channel(url: str) -> str:
    """A channel's address without what everybody knows."""
    return url.removeprefix("https://conda.anaconda.org/")


def plan_json(plan: Plan, *, dry_run: bool) -> dict[str, object]:
    """``actions``, ``prefix``, ``dry_run``: micromamba's and conda's keys for what is (to be) done.

    As in micromamba, there are no ``actions`` where an environment is as it was asked to be, and what would be empty
    (apart from ``FETCH``) is left away.
    """
    transaction = plan.transaction
    names = plan.channel_names
    found = no_actions(plan.request.prefix, dry_run=dry_run)
    if transaction.is_empty and plan.request.mode != "create":
        return found
    lists = {"LINK": transaction.link, "UNLINK": transaction.remove}
    actions = {
        "FETCH": [record_json(record, names) for record in plan.to_fetch],
        **{key: [record_json(record, names) for record in records] for key, records in lists.items() if records},
        "PREFIX": plan.request.prefix,
    }
    return {"actions": actions, **found}


def no_actions(prefix: str, *, dry_run: bool) -> dict[str, object]:
    """What is said of every change, also of none."""
    return {"prefix": prefix, "dry_run": dry_run, "success": True}


def fetch_json(packages: int = 0, downloads: int = 0, size: int = 0, repodata_size: int = 0) -> dict[str, int]:
    """``fetch``: where packages came from, and how many bytes came over the network."""
    return {
        "packages": packages,
        "cache_hits": packages - downloads,
        "downloads": downloads,
        "bytes": size,
        "repodata_bytes": repodata_size,
    }


def held_lines(held: Sequence[Held]) -> Iterable[str]:
    """What stays older than it could be, and why."""
    for one in held:
        if one.why is None:
            continue
        from engine.ui.why import version_lines  # most plans hold nothing back

        yield f"{one.record.name} stays at {one.record.version}:"
        yield from (f"  {one_line(line)}" for line in version_lines(one.record, one.why))
        yield ""
    rest = [one for one in held if one.why is None]
    if rest:
        shown = ", ".join(f"{one.record.name} {one.record.version} (newest: {one.newest.version})" for one in rest[:8])
        more = f" and {len(rest) - 8} more" if len(rest) > 8 else ""
        yield f"Not the newest: {shown}{more}. `whipsnake why NAME` tells why."
        yield ""


def held_json(held: Held) -> dict[str, object]:
    """The same as plain values."""
    why = {"verdict": held.why.verdict, "story": list(held.why.story)} if held.why else {}
    name, version = held.record.name, held.record.version
    return {"name": name, "version": version, "newest": held.newest.version, **why}


def record_json(record: RepoDataRecord, names: Mapping[str, str] | None = None) -> dict[str, object]:
    """A package in the keys of micromamba's ``actions`` (its `PackageInfo` as JSON), and conda's (its dist).

    ``names`` are the short names of channels, by address.
    """
    base_url = strip_secrets(record.channel).rstrip("/")
    said = msgspec.json.decode(record.raw, type=dict[str, object]) if record.raw else {}
    fields: dict[str, object] = {
        "name": record.name,
        "version": record.version,
        "build": record.build,
        "build_string": record.build,
        "build_number": record.build_number,
        "channel": (names or {}).get(base_url, base_url),
        "base_url": base_url,
        "dist_name": f"{record.name}-{record.version}-{record.build}",
        "platform": record.subdir,
        "url": strip_secrets(record.url),
        "subdir": record.subdir,
        "fn": record.fn,
        "size": record.size or 0,
        "timestamp": record.timestamp_ms,
        "license": said.get("license") or "",
        "track_features": ",".join(sorted(record.feature_names)),
        "depends": list(record.depends),
        "constrains": list(record.constrains),
    }
    optional = {
        "md5": record.md5,
        "sha256": record.sha256,
        "noarch": record.noarch_type,
        "python_site_packages_path": record.python_site_packages_path,
    }
    return {**fields, **{key: value for key, value in optional.items() if value}}
