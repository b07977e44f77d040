"""What can go wrong with an answer, and for how many requests of which path."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.kit.answers import Answer

_PORTAL = "<!DOCTYPE html><html><body>Please log in to use this network.</body></html>"


@dataclass
class Fault:
    """One row of the fault table.

    ``status`` answers with that status (and ``retry_after``: seconds or an HTTP date); ``redirect`` answers 302 with
    that address; ``html`` answers 200 with a log-in page, as a captive portal does; ``body`` answers 200 with these
    bytes. ``cut_after`` ends the connection after so many bytes of the body (after ``stall`` seconds of silence), with
    ``reset`` by a reset, once those bytes have arrived; ``whole`` passes over a range and answers 200; ``at_most``
    gives no more than so many bytes of a range, as servers may; ``headers`` go in place of the answer's own;
    ``flip_at`` inverts the byte at that offset of the file; ``delay`` waits before the answer; ``bandwidth`` slows
    the body down to bytes a second. ``times`` is how many requests are hit (None: all).
    """

    path: str = "*"
    times: int | None = 1
    status: int | None = None
    retry_after: float | str | None = None
    redirect: str | None = None
    html: bool = False
    body: bytes | None = None
    cut_after: int | None = None
    stall: float = 0.0
    reset: bool = False
    whole: bool = False
    at_most: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    flip_at: int | None = None
    delay: float = 0.0
    bandwidth: int = 0
    hits: int = 0
    """How many requests it was applied to."""

    def answer(self) -> Answer | None:
        """The answer that takes the place of the real one, or None."""
        if self.status is not None:
            wait = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            return Answer.of_text(self.status, f"fault {self.status}", wait)
        if self.redirect is not None:
            return Answer.of_text(302, "elsewhere", {"Location": self.redirect})
        if self.html:
            return Answer.of_text(200, _PORTAL, {"Content-Type": "text/html"})
        return None if self.body is None else Answer(200, {}, data=self.body)

    def shorten(self, found: Answer) -> Answer:
        """The real answer as this row leaves it: a shorter part, other headers."""
        first = found.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        if self.at_most is not None and found.status == 206 and found.size > self.at_most:
            total = found.headers["Content-Range"].rpartition("/")[2]
            found.size = self.at_most
            found.headers["Content-Range"] = f"bytes {first}-{int(first) + self.at_most - 1}/{total}"
        found.headers.update(self.headers)
        return found

    def spoil(self, data: bytes, start: int) -> bytes:
        """Invert the byte at `flip_at`, where ``data`` begins at offset ``start`` of the file."""
        at = -1 if self.flip_at is None else self.flip_at - start
        if not 0 <= at < len(data):
            return data
        return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


class Faults:
    """The fault table: for each request the first row that matches and is not used up."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._rows: list[Fault] = []

    def add(self, path: str, **kinds: Any) -> Fault:
        fault = Fault(path, **kinds)
        with self.lock:
            self._rows.append(fault)
        return fault

    def take(self, path: str) -> Fault:
        """The fault for a request of ``path``, which counts it; a row without any effect if there is none."""
        for fault in self._rows:
            if fnmatchcase(path, fault.path) and (fault.times is None or fault.hits < fault.times):
                fault.hits += 1
                return fault
        return Fault()

    def clear(self) -> None:
        with self.lock:
            self._rows.clear()
