"""A helper process (`engine.helpers`) that makes the files of archives in a prefix (direct mode).

Rule of this file: the work is that of `engine.link.making` on what `engine.fetch.spooled` reads; here they meet.
"""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from engine.errors import StorageError
from engine.fetch.spooled import Spooled, reopened
from engine.helper import serve
from engine.link.making import Made, Maker, Making


class Job(msgspec.Struct, frozen=True):
    """An archive, and what becomes of its files."""

    spooled: Spooled
    making: Making


def work(job: Job, _: BinaryIO) -> Made:
    """Make the files. Raises `LinkError`, `FetchError` and `StorageError`."""
    try:
        payload = reopened(job.spooled)
        try:
            return Maker(job.making, payload).run()
        finally:
            payload.close()
    except OSError as error:
        raise StorageError.from_os_error(f"link {job.making.dist} into {job.making.target.prefix}", error) from error


def main() -> None:
    """The program."""
    serve(Job, work)
