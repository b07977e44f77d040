"""How a conda channel is laid out in a registry of container images (OCI distribution, as conda-oci-mirror makes it and
mamba, rattler and pixi read it). Pure.

    oci://ghcr.io/channel-mirrors/conda-forge/linux-64/xz-5.2.6-h166bdaf_0.conda
        → registry ghcr.io, repository channel-mirrors/conda-forge/linux-64/xz, tag 5.2.6-h166bdaf_0

A name that begins with ``_`` gets ``zzz`` in front; in a tag ``+``, ``!`` and ``=`` are ``__p__``, ``__e__`` and
``__eq__``. An index has the tag ``latest`` and a layer for each form of it.
"""

from __future__ import annotations

import re

import msgspec

from engine.errors import InvalidChannel, NetworkError
from engine.model.channel import split_filename
from engine.model.url import mask_secrets, split_url

_INDEXES = {
    "repodata.json": "application/vnd.conda.repodata.v1+json",
    "repodata.json.zst": "application/vnd.conda.repodata.v1+json+zst",
}
_PACKAGES = {".conda": "application/vnd.conda.package.v2", ".tar.bz2": "application/vnd.conda.package.v1"}
_LOOPBACK = ("localhost", "127.", "[::1]")


class Reference(msgspec.Struct, frozen=True):
    """Where a channel's file is in a registry."""

    registry: str
    """The registry's own address."""
    repository: str
    tag: str
    media_type: str
    """Of the layer that is the file."""

    @property
    def manifest(self) -> str:
        """The address of the manifest."""
        return f"{self.registry}/v2/{self.repository}/manifests/{self.tag}"

    def blob(self, digest: str) -> str:
        """The address of a layer."""
        return f"{self.registry}/v2/{self.repository}/blobs/{digest}"


def reference_of(url: str) -> Reference | None:
    """What an ``oci://`` address means; None for files of a channel that registries don't have (sharded indexes).

    A registry on this machine is spoken to without TLS, as docker does. Raises `NetworkError` for no such address.
    """
    parts = split_url(url)
    directory, _, fn = parts.path.strip("/").rpartition("/")
    login = f"{parts.userinfo}@" if parts.userinfo else ""
    registry = f"{'http' if parts.host.startswith(_LOOPBACK) else 'https'}://{login}{parts.host}"
    if fn in _INDEXES:
        return Reference(registry, f"{directory}/repodata.json", "latest", _INDEXES[fn])
    ending = next((end for end in _PACKAGES if fn.endswith(end)), None)
    if ending is None:
        return None
    try:
        name, version, build = split_filename(fn)
    except InvalidChannel as error:
        raise NetworkError(f"Could not fetch {mask_secrets(url)}: {error.reason}") from error
    mangled = f"zzz{name}" if name.startswith("_") else name
    return Reference(registry, f"{directory}/{mangled}", tag_of(f"{version}-{build}"), _PACKAGES[ending])


def tag_of(text: str) -> str:
    """A version and build as a tag."""
    return text.replace("+", "__p__").replace("!", "__e__").replace("=", "__eq__")


_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def challenge_of(header: str) -> dict[str, str] | None:
    """The parameters of ``WWW-Authenticate: Bearer realm="…",service="…",scope="…"``; None if it is something else."""
    kind, _, rest = header.partition(" ")
    found = dict(_CHALLENGE.findall(rest))
    return found if kind.lower() == "bearer" and "realm" in found else None
