"""A helper process (`engine.system.helpers`) that makes the files of archives in a prefix (direct mode).

Rule of this file: the work is that of `engine.link.packages.making` on what `engine.fetch.packages.spooled` reads; here
they meet.
"""

from __future__ import annotations

from contextlib import closing
from typing import BinaryIO

import msgspec

from engine.fetch.packages.spooled import Spooled, reopened
from engine.link.packages.making import Made, Maker, Making
from engine.link.prefix.disk import storage
from engine.system.helper import serve


class Job(msgspec.Struct, frozen=True):
    """An archive, and what becomes of its files."""

    spooled: Spooled
    making: Making


def work(job: Job, _: BinaryIO) -> Made:
    """Make the files. Raises `LinkError`, `FetchError` and `StorageError`."""
    with storage(f"link {job.making.dist} into {job.making.target.prefix}"), closing(reopened(job.spooled)) as payload:
        return Maker(job.making, payload).run()


def main() -> None:
    """The program."""
    serve(Job, work)
