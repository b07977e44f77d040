"""Why a package is installed and no newer, as lines. Pure: values in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.model.records import PrefixRecord, RepoDataRecord
from engine.query.chains import Standing, Step
from engine.ui.text import plural

if TYPE_CHECKING:
    from engine.solve.transaction import Change
    from engine.solve.why import WhyVersion

MAX_CHAINS = 5
MAX_CHANGES = 8
_VERBS = {"upgrade": "becomes newer", "downgrade": "becomes older", "change": "changes", "reinstall": "is put in again"}


def standing_lines(stands: Standing) -> Iterator[str]:
    """Who asked for a package, and who needs it."""
    yield "Why it is installed:"
    for spec in stands.requested:
        yield f"  - {spec} was asked for"
    for chain in stands.chains[:MAX_CHAINS]:
        yield f"  - {_chain_text(chain)}"
    if len(stands.chains) > MAX_CHAINS:
        more = plural(len(stands.chains) - MAX_CHAINS, "more package")
        yield f"    … and through {more} of those that need it"
    if stands.is_orphan:
        names = ", ".join(step.name for step in stands.needed_by)
        tail = f"; only {names} needs it, which nobody asked for either" if names else ", and nothing needs it"
        yield f"  - nobody asked for it{tail}"


def _chain_text(chain: Sequence[Step]) -> str:
    """``pandas 2.1 (asked for) → numpy >=1.26``: each package in the words of the one before."""
    first = chain[0]
    return " → ".join([f"{first.name} {first.version} (asked for)", *(step.needs for step in chain[:-1])])


def version_lines(record: PrefixRecord, answer: WhyVersion) -> Iterator[str]:
    """Why the version is what it is."""
    newest = answer.newest
    if newest is None:
        yield "No channel has this package any more."
    elif answer.verdict == "newest":
        yield _newest_line(record, newest)
    else:
        yield f"The newest is {newest.version}."
        yield from _VERDICTS[answer.verdict](record, answer)
    if answer.left_out:
        names = " and ".join(answer.left_out)
        yield f"({names} has more of them, which are not looked at because of strict channel priority.)"


def _newest_line(record: PrefixRecord, newest: RepoDataRecord) -> str:
    if newest.version != record.version:
        return f"It is newer than all that the channels have (the newest there is {newest.version})."
    if newest.build_number > record.build_number:
        return f"It is the newest, though there are later builds of it, such as {newest.build}."
    return "It is the newest."


def _held_lines(record: PrefixRecord, answer: WhyVersion) -> Iterator[str]:
    yield f"It can't be had together with what is there{_held_by(answer)}:"
    yield from answer.story
    if answer.remedies:
        yield "It could be had, if you"
        yield from (f"  - {text}" for text in answer.remedies)


def _held_by(answer: WhyVersion) -> str:
    return f"; held back by {' and '.join(answer.held_by)}" if answer.held_by else ""


def _free_lines(record: PrefixRecord, answer: WhyVersion) -> Iterator[str]:
    name = record.name
    version = answer.newest.version if answer.newest else ""
    yield f"Nothing holds it back: `whipsnake install {name}={version}` brings it."
    yield from _change_lines("Then, too", answer.changes)


def _outweighed_lines(record: PrefixRecord, answer: WhyVersion) -> Iterator[str]:
    yield "It could be had, but others would be older then, and what was asked for comes first:"
    yield from _change_lines("With it", answer.changes)
    if answer.story:
        yield f"Together they can't be had{_held_by(answer)}:"
        yield from answer.story


def _change_lines(title: str, changes: Sequence[Change]) -> Iterator[str]:
    if changes:
        yield f"{title}:"
    for change in changes[:MAX_CHANGES]:
        yield f"  - {_change_text(change)}"
    if len(changes) > MAX_CHANGES:
        yield f"    … and {len(changes) - MAX_CHANGES} more"


def _change_text(change: Change) -> str:
    if change.old is None or change.new is None:
        record = change.new or change.old
        what = "comes in" if change.new else "goes"
        return f"{change.name} {record.version if record else ''} {what}"
    if change.old.version == change.new.version:
        return f"{change.name} {change.old.version} {change.old.build} becomes {change.new.build}"
    return f"{change.name} {change.old.version} {_VERBS[change.kind]}: {change.new.version}"


_VERDICTS = {"held": _held_lines, "free": _free_lines, "outweighed": _outweighed_lines}
