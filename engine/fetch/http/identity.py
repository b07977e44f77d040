"""Who we are for a server, found out when it is needed: files at the first request, the keyring after a refusal."""

from __future__ import annotations

from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from engine.events import Notice, Report
from engine.fetch.http.auth import Authorised, AuthStore, Credential
from engine.fetch.http.settings import TransportSettings


class Identities:
    """The credentials of one run."""

    def __init__(self, settings: TransportSettings, report: Report) -> None:
        self._settings, self._report = settings, report
        self._store: AuthStore | None = None
        self._keyring: dict[str, Credential | None] = {}
        self._lock = anyio.Lock()

    async def authorise(self, url: str) -> Authorised:
        """``url`` ready to be asked for. Raises `ConfigError` for a file of credentials that is broken."""
        store = self._store
        if store is None:
            async with self._lock:
                store = self._store = self._store or await self._read()
        return store.authorise(url)

    async def _read(self) -> AuthStore:
        from engine.fetch.http.credential_files import read_credentials

        store, notes = await anyio.to_thread.run_sync(read_credentials, self._settings.credentials)
        for note in notes:
            self._report(Notice("warning", note))
        return store

    async def learn(self, url: str) -> bool:
        """Whether the keyring knows who we are for a server that has just refused us; it is asked once for each."""
        host = urlsplit(url).hostname or ""
        if not self._settings.keyring or self._store is None:
            return False
        async with self._lock:
            if host not in self._keyring:
                from engine.fetch.http.credential_keyring import keyring_credential

                found = self._keyring[host] = await anyio.to_thread.run_sync(keyring_credential, host)
                if found is not None:
                    self._store.add(host, found)
        return self._keyring[host] is not None
