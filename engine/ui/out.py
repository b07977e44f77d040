"""Where a command's words go: text on standard output, or one JSON object, never both.

Rule of this file: it alone writes to the process's streams. Results go to standard output, warnings and errors to
standard error. With ``--json`` every result is a key of one object, printed at the end, also after a failure.
"""

from __future__ import annotations

import sys
from typing import Any, TextIO

from engine.errors import Interrupted, StorageError, WhipsnakeError
from engine.model.url import mask_secrets
from engine.ui.streams import silence
from engine.ui.text import plain


class Out:
    """The voice of one command."""

    def __init__(
        self, *, json: bool = False, quiet: bool = False, stdout: TextIO | None = None, stderr: TextIO | None = None
    ) -> None:
        self.json = json
        self.quiet = quiet
        self._out = stdout or sys.stdout
        self._err = stderr or sys.stderr
        self._result: dict[str, Any] = {}
        self._document: list[Any] | None = None
        self._history: list[dict[str, str]] = []
        self._indent: int | None = 4
        self.program = "whipsnake"
        """What advice calls us: a link called micromamba is what its user has to type."""

    def configure(self, *, json: bool, quiet: bool) -> None:
        """Take over what the configuration says (a variable or an rc file may ask for JSON too)."""
        self.json, self.quiet = self.json or json, self.quiet or quiet

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches standard output."""
        return self._out.isatty()

    @property
    def stream(self) -> TextIO:
        """Standard output, for those who draw."""
        return self._out

    def line(self, text: str = "") -> None:
        """Print a line that people read; nothing with ``--json`` or ``--quiet``."""
        if not (self.json or self.quiet):
            self._write(text + "\n")

    def data(self, text: str) -> None:
        """Print what was asked for, even with ``--quiet`` (a list, an export, shell code)."""
        if not self.json:
            self._write(text if text.endswith("\n") else text + "\n")

    def code(self, text: str) -> None:
        """Print what a program reads, as it is."""
        self._write(text)

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            raise  # whoever read us has seen enough, which is no error
        except OSError as error:
            silence(self._out.fileno())
            raise StorageError.from_os_error("write to standard output", error) from error

    def use_lines(self) -> None:
        """From now on each JSON object is one line (NDJSON), for those who read while we work."""
        self._indent = None

    def event(self, **keys: Any) -> None:
        """Print one JSON object at once, before that of the end."""
        if self.json:
            self._write(self._encoded(keys) + "\n")

    def _encoded(self, value: object) -> str:
        return _as_json(value, getattr(self._out, "encoding", None) or "utf-8", self._indent)

    def result(self, **keys: Any) -> None:
        """Add keys to the JSON object."""
        self._result.update(keys)

    def document(self, items: list[Any]) -> None:
        """Answer with a list instead of the JSON object (as conda does in places), unless something goes wrong."""
        self._document = items

    def warning(self, text: str) -> None:
        """Say something on standard error that is no failure."""
        text = self._advice(text)
        if self.json:
            self._result.setdefault("warnings", []).append(text)
            self._log("warning", text)
        elif not self.quiet:
            self._err.write(f"warning: {plain(text)}\n")

    def debug(self, text: str) -> None:
        """Say on standard error what goes on inside, for those who asked for it."""
        if self.json:
            self._log("debug", text)
        elif not self.quiet:
            self._err.write(f"debug: {plain(text)}\n")

    def error(self, error: WhipsnakeError) -> None:
        """Say what went wrong, and what can be done."""
        if self.json:
            self.result(**{**error.data, **_described(error, error.hint and self._advice(error.hint))})
            self._log("critical", error.message)
        else:
            if isinstance(error, Interrupted) and self._err.isatty():
                self._err.write("\n")  # behind the ^C that the terminal shows, maybe in the line of a question
            self._out.flush()
            self._err.write(f"error: {plain(error.message)}\n")
            if error.hint:
                self._err.write(f"  hint: {plain(self._advice(error.hint))}\n")

    def _advice(self, hint: str) -> str:
        return hint.replace("`whipsnake ", f"`{self.program} ")

    def bug(self, error: Exception, words: list[str]) -> None:
        """Own up to a fault of whipsnake itself. The traceback goes into the report, not over the user."""
        from engine.ui.bug_report import write_report

        path = write_report(error, words)
        where = f" A report is in {path}: please send it to us." if path else ""
        text = f"whipsnake has a fault: {type(error).__name__}: {mask_secrets(str(error))}."
        if self.json:
            self.result(error=text, message=text, exception_name="InternalError", report=path)
        else:
            self._err.write(f"error: {plain(text)}{where}\n")

    def _log(self, level: str, text: str) -> None:
        """What micromamba would have logged; its users look for messages there."""
        self._history.append({"level": level, "message": text, "source": "whipsnake"})

    def close(self, *, success: bool) -> None:
        """Print the JSON object, if there is to be one."""
        if self.json and success and self._document is not None:
            self._write(self._encoded(self._document) + "\n")
        elif self.json and (self._result or not success):
            keys = self._result if success else {**self._result, "success": False}
            if "success" in keys:  # and is no document of its own, as an export is
                keys = {"log_history": self._history, **keys}
            self._write(self._encoded(keys) + "\n")
        else:
            self._write("")


def _as_json(value: object, encoding: str, indent: int | None) -> str:
    """JSON for people; with escapes instead of what the stream, or UTF-8 itself, has no bytes for."""
    import msgspec

    try:
        text = msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=indent or 0).decode()
        text.encode(encoding)
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(value, order="deterministic"), indent=indent)
    return text


def _described(error: WhipsnakeError, hint: str | None) -> dict[str, object]:
    """An error in the keys that conda's users know (``exception_name``, ``message``, ``error``)."""
    return {
        "error": str(error.message),
        "message": error.message,
        "exception_name": type(error).__name__,
        "hint": hint,
    }
