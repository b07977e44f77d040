"""What is pinned: by the environment's own ``conda-meta/pinned``, and by the configuration."""

from __future__ import annotations

import os

from engine.config import Config
from engine.errors import PrefixError, StorageError, WhipsnakeError
from engine.model.match_spec import MatchSpec
from engine.planning.solving import parse_pins


def pins_of(config: Config, prefix: str) -> tuple[MatchSpec, ...]:
    """What is pinned in an environment, by its own file and by the configuration; raises `ConfigError` for nonsense."""
    if config.no_pin:
        return ()
    configured = config.sources.get("pinned_packages", ("the configuration",))
    return (
        *parse_pins(read_pins(prefix), f"{prefix}/conda-meta/pinned"),
        *parse_pins(config.pinned_packages, ", ".join(dict.fromkeys(configured))),
    )


def read_pins(prefix: str) -> list[str]:
    """The lines of ``conda-meta/pinned`` (conda's and mamba's file of pins); none if there is none."""
    path = os.path.join(prefix, "conda-meta", "pinned")
    try:
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip() and not line.startswith("#")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError | UnicodeDecodeError) -> WhipsnakeError:
    if isinstance(error, OSError):
        return StorageError.from_os_error(f"read {path}", error)
    return PrefixError(f"Could not read {path}: it is no text in UTF-8 (byte {error.start})")
