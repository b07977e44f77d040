"""The system's keyring (Secret Service, macOS Keychain, Windows Credential Manager), by the library keyring.

Rule of this file: it is asked only once a server has refused us, since a keyring may ask the user for a password; the
entries are rattler's and pixi's (service ``rattler``, the host as user name, JSON as the password).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import msgspec

from engine.fetch.http.auth import Credential, wildcards
from engine.fetch.http.credential_files import RattlerEntry

SERVICE = "rattler"
_ENTRY = msgspec.json.Decoder(RattlerEntry)

Ask = Callable[[str, str], "str | None"]
"""Service and user name → password."""


def keyring_credential(host: str, ask: Ask | None = None) -> Credential | None:
    """What the keyring has for ``host``; None if that is nothing, or there is no keyring. Blocks."""
    ask = ask or _library()
    if ask is None:
        return None
    for name in (host, *wildcards(host)):
        try:
            found = ask(SERVICE, name)
            credential = _ENTRY.decode(found).credential() if found else None
        except Exception:  # locked, no service, not ours: each backend has errors of its own
            continue
        if credential is not None:
            return credential
    return None


def _library() -> Ask | None:
    """The library's function, if it is installed (extra ``keyring``)."""
    if find_spec("keyring") is None:
        return None
    import keyring

    ask: Ask = keyring.get_password
    return ask
