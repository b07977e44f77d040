"""What a healthy server answers: a pure function of the request's headers and of one file (RFC 9110, RFC 9111)."""

from __future__ import annotations

import email.utils
import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

_TYPES = {".json": "application/json", ".zst": "application/zstd", ".conda": "application/octet-stream"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass(frozen=True)
class Options:
    """How the server behaves when nothing fails."""

    ranges: bool = True
    etags: bool = True
    last_modified: bool = True
    cache_control: str | None = None
    latency: float = 0.0
    bandwidth: int = 0


class Asked(Protocol):
    """The part of a request that decides the answer."""

    path: str
    headers: dict[str, str]


@dataclass
class Answer:
    """Status, headers and a body: either bytes or a stretch of an open file. Closes the file as a context."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    file: BinaryIO | None = None
    start: int = 0
    size: int = 0

    @classmethod
    def of_text(cls, status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
        return cls(status, {"Content-Type": "text/plain", **(headers or {})}, data=text.encode())

    @property
    def length(self) -> int | None:
        """The length of the body; None where there can't be one."""
        if self.status in (204, 304):
            return None
        return len(self.data) if self.file is None else self.size

    def read(self) -> bytes:
        """The body."""
        if self.file is None:
            return self.data
        self.file.seek(self.start)
        return self.file.read(self.size)

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()


def answer(directory: Path, request: Asked, options: Options) -> Answer:
    """The file asked for, whole or in part, or why not."""
    path = _inside(directory, request.path)
    if path is None or not path.is_file():
        return Answer.of_text(404, "not found")
    facts = describe(path, options)
    if _is_fresh(request.headers, facts):
        return Answer(304, facts)
    size = path.stat().st_size
    span = _span(request.headers, facts, size) if options.ranges else None
    if span is None:
        return Answer(200, facts, file=path.open("rb"), size=size)
    start, end = span
    if start >= end:
        return Answer.of_text(416, "no such range", {"Content-Range": f"bytes */{size}"})
    facts["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Answer(206, facts, file=path.open("rb"), start=start, size=end - start)


def describe(path: Path, options: Options) -> dict[str, str]:
    """The headers that belong to a file; empty if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return {}
    headers = {"Content-Type": _TYPES.get(path.suffix, "application/octet-stream")}
    if options.etags:
        headers["ETag"] = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    if options.last_modified:
        headers["Last-Modified"] = email.utils.formatdate(int(status.st_mtime), usegmt=True)
    if options.cache_control is not None:
        headers["Cache-Control"] = options.cache_control
    if options.ranges:
        headers["Accept-Ranges"] = "bytes"
    return headers


def _inside(directory: Path, path: str) -> Path | None:
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return None if "\0" in clean else directory.joinpath(*clean.split("/")[1:])


def _is_fresh(headers: Mapping[str, str], facts: Mapping[str, str]) -> bool:
    """Whether the client's copy is the file as it is now; an ETag counts for more than a date."""
    tags = headers.get("if-none-match")
    if tags is not None and "ETag" in facts:
        return tags.strip() == "*" or facts["ETag"] in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    since = headers.get("if-modified-since")
    return since is not None and since == facts.get("Last-Modified")


def _span(headers: Mapping[str, str], facts: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """The stretch [start, end) asked for, empty if the file has no such; None where all of it is to be sent."""
    condition = headers.get("if-range")
    match = _RANGE.match(headers.get("range", ""))
    if match is None or (condition is not None and condition not in (facts.get("ETag"), facts.get("Last-Modified"))):
        return None
    first, last = match.groups()
    if first:
        return int(first), min(int(last) + 1 if last else size, size)
    return (max(0, size - int(last)), size) if last else None
