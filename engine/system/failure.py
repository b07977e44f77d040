"""An error as a value, for other processes of ours. Rule: what only its own process can hold stays behind."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.errors import ExitCode, ResourceError, WhipsnakeError


class Failure(msgspec.Struct, frozen=True):
    """An error, without what only its own process can hold."""

    kind: str
    message: str
    hint: str | None = None
    data: Mapping[str, Any] = {}
    code: int = ExitCode.FAILURE

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """What is to be told of an error; one that is not meant for users is a bug of ours, told with its traceback."""
        error = ResourceError.of(error) or error
        if isinstance(error, WhipsnakeError):
            data = msgspec.to_builtins(error.data, enc_hook=str)
            return cls(type(error).__name__, error.message, error.hint, data, error.exit_code)
        text = f"whipsnake has a fault: {type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        return cls("InternalError", text, "Please report it, with what --json says of it.", {"traceback": trace}, 70)

    def error(self) -> Exception:
        """The error itself, to be raised here; of a bug its traceback."""
        kind = _kinds(WhipsnakeError).get(self.kind)
        if kind is None:
            return RuntimeError(f"in a process that helped:\n{self.data.get('traceback', self.message)}")
        error = kind.__new__(kind)
        WhipsnakeError.__init__(error, self.message, hint=self.hint, data=self.data)
        return error


def _kinds(root: type[WhipsnakeError]) -> dict[str, type[WhipsnakeError]]:
    found = {root.__name__: root}
    for kind in root.__subclasses__():
        found.update(_kinds(kind))
    return found
