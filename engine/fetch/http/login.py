"""Keeping and forgetting logins in mamba's ``authentication.json``, so that mamba finds ours and we find its.

Rule of this file: the file is replaced in one step, only its owner may read it, and entries of others stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import msgspec

from engine.errors import ConfigError, StorageError
from engine.fetch.http.auth import Credential
from engine.fetch.http.credential_files import entry_of
from engine.system.file_io import temporary, write_all

_ANYTHING = msgspec.json.Decoder(dict[str, Any])


def store_login(path: str, place: str, credential: Credential) -> None:
    """Remember who we are at ``place``. Raises `ConfigError` for a broken file, `StorageError`."""
    entries = _read(path)
    entries[place] = msgspec.to_builtins(entry_of(credential))
    _write(path, entries)


def remove_login(path: str, place: str) -> bool:
    """Forget who we are at ``place``; whether anything was known. Raises the same errors."""
    entries = _read(path)
    known = entries.pop(place, None) is not None
    if known:
        _write(path, entries)
    return known


def remove_all_logins(path: str) -> None:
    """Forget everything. Raises `StorageError`."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StorageError.from_os_error(f"remove {path}", error) from error


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return _ANYTHING.decode(file.read() or b"{}")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError.from_os_error(f"read {path}", error) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"Could not change {path}: it is no JSON object", hint="Mend or remove the file; nothing was changed in it."
        ) from error


def _write(path: str, entries: dict[str, Any]) -> None:
    """Replace the file (what a soft link leads to, if it is one); 4 spaces, as mamba writes it."""
    path = os.path.realpath(path)
    data = msgspec.json.format(msgspec.json.encode(entries), indent=4)
    aside = temporary(path)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _write_private(aside, data, lambda: os.replace(aside, path))
    except OSError as error:
        raise StorageError.from_os_error(f"write {path}", error) from error


def _write_private(path: str, data: bytes, then: Callable[[], None]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        then()
    except BaseException:
        os.unlink(path)
        raise
