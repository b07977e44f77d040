"""What Windows says to users who may not make soft links."""

from __future__ import annotations


def refuse(*_: object, **__: object) -> None:
    """In the place of `os.symlink`."""
    error = OSError(22, "Invalid argument")
    error.winerror = 1314  # type: ignore[attr-defined]
    raise error
