"""What a record says of a package's files: ``files`` and ``paths_data`` of ``conda-meta`` (CEP 32), as JSON.

Rule of this file: of one package, nearly all of that text is the same in every prefix. So it is made with room for the
entries of what was written for one prefix, and the rest can be kept and need not be said, or even read, again.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Sequence

import msgspec

from engine.link.linked import Linked, Written
from engine.link.plan.package_plan import PackagePlan
from engine.link.prefix.records import END, FILES
from engine.model.records import InstalledPath

_encode = msgspec.json.encode
_MIDDLE = b',"paths_data":{"paths":['


class Gaps(msgspec.Struct, frozen=True, array_like=True):
    """Where a text of lists has room, and for what."""

    size: int
    """Of the text, in bytes."""
    places: list[int]
    """After so many bytes of the text, an entry is to be put in."""
    entries: list[InstalledPath]
    """Those entries: rewritten files and scripts, which get the digest of what was written."""

    def filled(self, linked: Linked) -> list[bytes]:
        """The JSON of the entries, for one prefix in which all of the package was linked."""
        return [_encode(_filled(entry, linked.written.get(entry.path))) for entry in self.entries]


def _filled(entry: InstalledPath, new: Written | None) -> InstalledPath:
    if new is None:  # it had nothing to be replaced
        return msgspec.structs.replace(entry, sha256_in_prefix=entry.sha256)
    if new.kind:
        return msgspec.structs.replace(entry, sha256=new.sha256, sha256_in_prefix=new.sha256, size_in_bytes=new.size)
    return msgspec.structs.replace(entry, sha256_in_prefix=new.sha256)


class Lists(msgspec.Struct, frozen=True):
    """The text with its gaps."""

    text: bytes
    gaps: Gaps

    def filled(self, linked: Linked) -> bytes:
        """The whole text for a prefix."""
        parts, start = [], 0
        for place, entry in zip(self.gaps.places, self.gaps.filled(linked), strict=True):
            parts += [self.text[start:place], entry]
            start = place
        return b"".join([*parts, self.text[start:]])


def lists_with_gaps(plan: PackagePlan, linked: Linked) -> Lists:
    """The lists of a package that was just linked. They serve other prefixes if nothing of it was lost."""
    paths = installed_paths(plan, linked)
    changing = {path.target for path in plan.rewrites} - linked.lost
    changing.update(target for target, new in linked.written.items() if new.kind)
    numbers = [number for number, path in enumerate(paths) if path.path in changing] if changing else []
    parts = [FILES, _encode(_names(paths)), _MIDDLE]
    places: list[int] = []
    size, start = sum(map(len, parts)), 0
    for number in [*numbers, len(paths)]:
        comma = b"," if 0 < start < len(paths) else b""
        between = _together(paths[start:number])
        part = comma + between + (b"," if between and number < len(paths) else b"")
        parts.append(part)
        size += len(part)
        places.append(size)
        start = number + 1
    parts.append(END)
    gaps = Gaps(size + len(END), places[:-1], [paths[number] for number in numbers])
    return Lists(b"".join(parts), gaps)


def listed(paths: Sequence[InstalledPath]) -> bytes:
    """The text of all entries of a package, scripts and byte-compiled files among them."""
    return b"".join([FILES, _encode(_names(paths)), _MIDDLE, _together(paths), END])


def _together(paths: Sequence[InstalledPath]) -> bytes:
    return _encode(paths)[1:-1]


def _names(paths: Sequence[InstalledPath]) -> list[str]:
    return [path.path for path in paths if path.path_type != "directory"]


def installed_paths(plan: PackagePlan, linked: Linked) -> list[InstalledPath]:
    """The entries of ``paths_data``: those of the package in its order, then scripts, then byte-compiled files."""
    written, lost = linked.written, linked.lost
    compiled = set(linked.compiled)
    found: list[InstalledPath] = []
    for path in plan.paths:
        entry, target = path.entry, path.target
        plain = entry.path_type == "hardlink" and target not in lost and target not in compiled
        new = written.get(target)
        found.append(
            InstalledPath(
                path=target,
                path_type=entry.path_type,
                sha256=entry.sha256,
                sha256_in_prefix=new.sha256 if new else entry.sha256 if plain else None,
                size_in_bytes=entry.size_in_bytes,
                prefix_placeholder=entry.prefix_placeholder or None,
                file_mode=entry.file_mode if entry.prefix_placeholder else None,
                no_link=True if entry.no_link else None,
            )
        )
    found += (
        InstalledPath(
            path=target, path_type=new.kind, sha256=new.sha256, sha256_in_prefix=new.sha256, size_in_bytes=new.size
        )
        for target, new in written.items()
        if new.kind
    )
    known = {path.target for path in plan.paths} if compiled else set()
    found += (InstalledPath(path=target, path_type="pyc_file") for target in linked.compiled if target not in known)
    return found
