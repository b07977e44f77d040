"""A registry of container images as a channel: a token, the manifest, then the layer that is the file.

Rule of this file: it speaks the registry's protocol and nothing else; names are `engine.fetch.http.oci_names`. A token
is asked for once for each repository, without a name unless we are known to the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from engine.errors import NetworkError
from engine.fetch.http.client import ANSWERS, HttpClient, HttpResponse
from engine.fetch.http.local import LocalResponse
from engine.fetch.http.oci_names import Reference, challenge_of, reference_of
from engine.fetch.http.response import Headers
from engine.model.url import mask_secrets

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LONGEST = 4 << 20
"""Of a manifest or token, in bytes (the specification's own limit for manifests)."""
_REFUSED = frozenset({401})
Kind = TypeVar("Kind")


class _Layer(msgspec.Struct, frozen=True):
    digest: str
    media_type: str = msgspec.field(default="", name="mediaType")


class _Manifest(msgspec.Struct, frozen=True):
    layers: tuple[_Layer, ...] = ()


class _Token(msgspec.Struct, frozen=True):
    token: str = ""
    access_token: str = ""


class Registries:
    """The registries of one run."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._tokens: dict[tuple[str, str], str] = {}
        """By registry and repository."""

    async def ask(self, url: str, headers: Mapping[str, str]) -> HttpResponse | LocalResponse:
        """The file that an ``oci://`` address means; 404 if the registry has none. Raises as `HttpClient.ask`."""
        reference = reference_of(url)
        if reference is None:
            return LocalResponse(url, 404, Headers())
        answer = await self._ask(reference, reference.manifest, {"Accept": _MANIFEST})
        if answer.status != 200:
            return answer
        manifest = _decoded(await _read(answer), _Manifest, url)
        digest = next((layer.digest for layer in manifest.layers if layer.media_type == reference.media_type), None)
        if digest is None:
            return LocalResponse(url, 404, Headers())
        return await self._ask(reference, reference.blob(digest), headers)

    async def _ask(self, reference: Reference, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Ask, with a token if one is there; where the registry wants another one, get it and ask again."""
        place = (reference.registry, reference.repository)
        token = self._tokens.get(place)
        answer = await self._client.ask(url, headers, ANSWERS | _REFUSED, authorization=token)
        if answer.status != 401:
            return answer
        challenge = challenge_of(answer.headers.get("WWW-Authenticate", ""))
        await answer.give_back()
        if challenge is not None:
            token = self._tokens[place] = await self._token(challenge, reference)
        return await self._client.ask(url, headers, authorization=token)

    async def _token(self, challenge: dict[str, str], reference: Reference) -> str:
        """Ask who the registry says to ask (the token authentication of the distribution specification)."""
        scope = challenge.get("scope") or f"repository:{reference.repository}:pull"
        query = {"service": challenge["service"]} if "service" in challenge else {}
        realm = challenge["realm"]
        if _scheme(realm) != "https" and not reference.registry.startswith("http:"):
            raise NetworkError(
                f"Could not fetch from {mask_secrets(reference.registry)}: it asks for a login at {realm}",
                hint="A login over anything but https would show it to everybody on the way.",
            )
        joint = "&" if "?" in realm else "?"
        answer = await self._client.ask(f"{realm}{joint}{urlencode({**query, 'scope': scope})}", {}, {200})
        found = _decoded(await _read(answer), _Token, realm)
        return f"Bearer {found.token or found.access_token}"


def _scheme(realm: str) -> str:
    """That of an address which a registry chose; empty if it is none."""
    try:
        return urlsplit(realm).scheme
    except ValueError:
        return ""


async def _read(answer: HttpResponse) -> bytes:
    data = bytearray()
    try:
        async for chunk in answer.chunks():
            data += chunk
            if len(data) > _LONGEST:
                raise NetworkError(f"Could not fetch {mask_secrets(answer.url)}: the answer has no end")
    finally:
        await answer.give_back()
    return bytes(data)


def _decoded(data: bytes, kind: type[Kind], url: str) -> Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NetworkError(
            f"Could not fetch {mask_secrets(url)}: this is no answer of a registry",
            hint="Check the address of the channel or mirror; it begins with oci://.",
        ) from error
