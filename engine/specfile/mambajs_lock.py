"""The lock files of mambajs (JSON, ``lockVersion`` 1.x): one platform, channels with mirrors. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.specfile.lock import LockReader, pip_line
from engine.specfile.model import ExplicitPackage, SpecContext, SpecFile, invalid

_MAJOR: Final = "1."


class _Mirror(msgspec.Struct):
    url: str


class _Package(msgspec.Struct, rename={"digests": "hash"}):
    subdir: str
    channel: str
    digests: dict[str, str] = {}
    depends: tuple[str, ...] | None = None


class _PipPackage(msgspec.Struct):
    name: str
    url: str


class _Lock(msgspec.Struct, rename="camel"):
    lock_version: str
    platform: str
    packages: dict[str, _Package]
    channel_info: dict[str, list[_Mirror]] = {}
    pip_packages: dict[str, _PipPackage] = {}


def parse_mambajs_lock(text: str, source: str, directory: str, context: SpecContext) -> SpecFile:
    """Read such a file; raises `InvalidSpecFile`."""
    try:
        lock = msgspec.json.decode(text, type=_Lock)
    except (msgspec.DecodeError, RecursionError) as error:
        raise invalid(source, 0, f"it is no lock file of mambajs: {error}") from error
    if not lock.lock_version.startswith(_MAJOR):
        raise invalid(source, 0, f"the version is {lock.lock_version}, expected {_MAJOR}x")
    if lock.platform != context.platform:
        raise invalid(source, 0, f"it is for {lock.platform}, not for {context.platform}")
    reader = LockReader(source, context, directory)
    reader.needs_digests = False  # these files may lack some
    packages = [_package(reader, lock, fn, package) for fn, package in lock.packages.items()]
    pip = [pip_line(package.name, package.url) for package in lock.pip_packages.values()]
    return reader.spec_file(packages, pip)


def _package(reader: LockReader, lock: _Lock, fn: str, package: _Package) -> ExplicitPackage:
    mirrors = lock.channel_info.get(package.channel, [])
    base = mirrors[0].url if mirrors else package.channel
    if "://" not in base:
        raise invalid(reader.source, 0, f"the channel {package.channel!r} of {fn} has no address in 'channelInfo'")
    url = f"{base.rstrip('/')}/{package.subdir}/{fn}"
    found = reader.package(0, url, package.digests, package.depends or (), ())
    return found if package.depends is not None else msgspec.structs.replace(found, depends=None)
