"""What a dead process left half done at an environment is put right before anybody looks at it.

Rule of this file: it costs next to nothing where all is well, for it stands before every command on an environment.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import StorageError
from engine.link.prefix.meta import is_in_work


def healed(prefix: str, say: Callable[[str], None]) -> str:
    """The prefix, after what a dead process left half done there was undone or finished. ``say`` is told what was done,
    or why it can't be."""
    if is_in_work(prefix):
        from engine.link.transaction.recover import heal  # here, since it is hardly ever needed

        try:
            note = heal(prefix)
        except StorageError as error:  # not ours to heal: who only looks can do that all the same
            note = f"A change of {prefix} was cut short, and could not be undone now. {error.message}"
        if note:
            say(note)
    return prefix
