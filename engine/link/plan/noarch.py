"""Where the files of Python packages go. Pure. Rule: the python *record* alone decides, so nobody waits for Python.

CEP 17 and CEP 20: ``site-packages/`` and ``python-scripts/`` of a ``noarch: python`` package (in any subdir) are
moved to where the environment's Python looks. The record's ``python_site_packages_path`` is hostile input.
"""

from __future__ import annotations

import re

import msgspec

from engine.errors import LinkError
from engine.model.platform import default_site_packages, is_windows, scripts_dir
from engine.model.records import PackageRecord, RepoDataRecord

_MAJOR_MINOR = re.compile(r"(\d+)\.(\d+)")


class PythonInfo(msgspec.Struct, frozen=True):
    """What must be known of an environment's Python to place files for it."""

    version: str
    """Major and minor, as ``3.12``."""
    site_packages: str
    """Relative to the prefix, forward slashes, no slash at the end."""
    executable: str
    """Relative to the prefix; names the minor version, as scripts of entry points do (``bin/python3.12``)."""
    scripts: str
    """Directory of scripts, relative to the prefix."""
    record: RepoDataRecord | None = None
    """The package that it comes from, where that is known."""

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def minor(self) -> int:
        return int(self.version.partition(".")[2])


def python_info(record: PackageRecord, platform: str) -> PythonInfo:
    """The facts of a ``python`` record; raises `LinkError` if it sends files out of the prefix (CEP 17)."""
    found = _MAJOR_MINOR.match(record.version)
    if not found:
        raise LinkError(f"Could not link for {record.dist}: expected a version like 3.12, found {record.version!r}")
    version = f"{found[1]}.{found[2]}"
    site = record.python_site_packages_path
    return PythonInfo(
        version=version,
        site_packages=checked_site_packages(site, record.dist) if site else default_site_packages(platform, version),
        executable="python.exe" if is_windows(platform) else f"bin/python{version}",
        scripts=scripts_dir(platform),
        record=record if isinstance(record, RepoDataRecord) else None,
    )


def checked_site_packages(path: str, dist: str) -> str:
    """``path`` without a slash at its end; raises `LinkError` unless it is relative and stays in the prefix."""
    parts = path.rstrip("/").split("/")
    bad = any(part in ("", ".", "..") for part in parts) or "\\" in path or "\0" in path or ":" in parts[0]
    if bad or parts[0].lower() == "conda-meta":
        raise LinkError(
            f"Could not link for {dist}: its python_site_packages_path must be a relative path inside the prefix, "
            f"found {path!r}",
            hint="The package is broken (CEP 17): choose another build of it, and tell its maintainers.",
        )
    return "/".join(parts)


def noarch_target(path: str, python: PythonInfo) -> str:
    """Where a file of a ``noarch: python`` package goes, relative to the prefix."""
    if path.startswith("site-packages/"):
        return python.site_packages + path[len("site-packages") :]
    if path.startswith("python-scripts/"):
        return python.scripts + path[len("python-scripts") :]
    return path
