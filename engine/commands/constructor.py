"""``constructor``: what installers made by conda's constructor ask of us while they run.

They put archives and a list of their addresses (``pkgs/urls``) into the new root prefix, maybe with the channels'
indexes, and want each unpacked with a record beside it.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from engine.commands.options import add_flag, add_general_options, add_value
from engine.errors import CacheError, UsageError
from engine.fetch.archive.tool import extract_tarball
from engine.fetch.cache.package_cache import PackageCache
from engine.fetch.packages.unpack import UnpackOptions, unpack_file
from engine.inputs import explicit_record
from engine.model.records import RepoDataRecord
from engine.model.url import package_url_parts
from engine.specfile import ExplicitPackage

if TYPE_CHECKING:
    from engine.commands.app import App

_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")


def arguments(parser: ArgumentParser) -> None:
    """micromamba's."""
    group = parser.add_argument_group("constructor options")
    add_value(group, "-p", "--prefix", dest="constructor_prefix", metavar="PATH", help="the new root prefix")
    add_flag(group, "--extract-conda-pkgs", dest="extract_pkgs", help="unpack the packages that PATH/pkgs/urls lists")
    add_flag(group, "--extract-tarball", dest="extract_tarball", help="unpack a .tar.bz2 from standard input into PATH")
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """Do what is asked for."""
    asked = vars(args)
    if not asked.get("constructor_prefix"):
        raise UsageError("whipsnake constructor: the option --prefix is required.")
    prefix = os.path.join(app.config.cwd, os.path.expanduser(str(asked["constructor_prefix"])))
    if asked.get("extract_pkgs"):
        _extract_packages(os.path.join(prefix, "pkgs"), app)
    if asked.get("extract_tarball"):
        extract_tarball(sys.stdin.buffer, prefix)
    app.out.result(success=True, prefix=prefix)
    return 0


def _extract_packages(pkgs_dir: str, app: App) -> None:
    cache = PackageCache([pkgs_dir])
    indexes = _Indexes(os.path.join(pkgs_dir, "cache"))
    for address in _addresses(os.path.join(pkgs_dir, "urls")):
        record = _record(address, indexes)
        app.out.line(f"Extracting {record.fn}")
        unpack_file(os.path.join(pkgs_dir, record.fn), record, cache, UnpackOptions())


def _addresses(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8") as file:
            yield from (line.strip() for line in file if line.strip())
    except OSError as error:
        raise CacheError(f"Could not read the list of packages {path}: {error.strerror}") from error


def _record(address: str, indexes: _Indexes) -> RepoDataRecord:
    """What is known of a package: the channel's own words if its index is there, else its address."""
    url, _, said = address.partition("#")
    digest = said.removeprefix("sha256:").lower() if _DIGEST.fullmatch(said.removeprefix("sha256:").lower()) else ""
    record = explicit_record(
        ExplicitPackage(
            package_url_parts(url).url,
            md5=digest if len(digest) == 32 else None,
            sha256=digest if len(digest) == 64 else None,
        )
    )
    entry = indexes.entry(record)
    if entry is None:
        return record
    found = msgspec.json.decode(msgspec.json.encode(entry), type=RepoDataRecord)
    return msgspec.structs.replace(
        found,
        fn=record.fn,
        url=record.url,
        channel=record.channel,
        md5=record.md5 or found.md5,
        sha256=record.sha256 or found.sha256,
        raw=msgspec.json.encode(entry),
    )


class _Indexes:
    """The indexes that the installer brought, each read once."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._known: dict[str, dict[str, Any]] = {}

    def entry(self, record: RepoDataRecord) -> dict[str, Any] | None:
        """What the index of the package's channel says of it; None if there is no index, or nothing in it."""
        index = self._index(record.url.rpartition("/")[0] + "/")
        for key in ("packages.conda", "packages"):
            packages = index.get(key)
            if isinstance(packages, dict) and isinstance(packages.get(record.fn), dict):
                found: dict[str, Any] = packages[record.fn]
                return found
        return None

    def _index(self, address: str) -> dict[str, Any]:
        import hashlib

        name = hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()[:8] + ".json"
        if name not in self._known:
            self._known[name] = _read_index(os.path.join(self._directory, name))
        return self._known[name]


def _read_index(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise CacheError(f"Could not read the index {path}: {error}") from error
