"""The one rc file that a command changes: which it is, how it is read, and how it is replaced in one step."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Literal

from engine.config.edit import CannotEdit, Document
from engine.config.schema import Config
from engine.errors import ConfigError, StorageError, UsageError
from engine.model.url import absolute_path
from engine.plain_yaml import YamlError

Where = Literal["user", "env", "system"]


def rc_path(config: Config, where: Where, file: str = "") -> str:
    """The file that is meant: ``file``, else ``.condarc`` of the user, the environment or the system (micromamba)."""
    if file:
        return absolute_path(file, config.cwd, config.home)
    if where == "system":
        return "C:/ProgramData/conda/.condarc" if os.name == "nt" else "/etc/conda/.condarc"
    if where == "env":
        if config.target_prefix is None:
            raise UsageError("No environment was named, and none is active.", hint="Name one with -n or -p.")
        return os.path.join(config.target_prefix, ".condarc")
    return os.path.join(config.home, ".condarc")


def read_document(path: str, *, must_exist: bool) -> Document:
    """The file's text, ready to be edited; an empty one if there is none and there need not be one."""
    try:
        with open(path, encoding="utf-8", newline="") as file, _described(path):
            return Document(file.read())
    except FileNotFoundError as error:
        if must_exist:
            raise ConfigError(f"There is no configuration file at {path}.") from error
        return Document("")
    except OSError as error:
        raise StorageError.from_os_error(f"read the configuration file {path}", error) from error


@contextlib.contextmanager
def editing(path: str) -> Iterator[Document]:
    """The file as a document; what was changed in it is written when all went well, in one step."""
    document = read_document(path, must_exist=False)
    before = str(document)
    with _described(path):
        yield document
    if str(document) != before or not os.path.exists(path):
        _write(os.path.realpath(path), str(document))


@contextlib.contextmanager
def _described(path: str) -> Iterator[None]:
    try:
        yield
    except YamlError as error:
        where = f"{path}, line {error.line}" if error.line else path
        raise ConfigError(f"{where}: the file is not valid YAML: {error.reason}", hint="Mend it by hand.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the file is no UTF-8 text: {error.reason}", hint="Mend it by hand.") from error
    except CannotEdit as error:
        raise ConfigError(
            f"Could not change {path} and keep its comments: {error}.", hint="Change it by hand; nothing was written."
        ) from error


def _write(path: str, text: str) -> None:
    """Replace the file. It may hold tokens, so others never get to see more of it than before."""
    aside = f"{path}.whipsnake-{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else None
        try:
            with os.fdopen(
                os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if mode else 0o666), "wb"
            ) as file:
                if mode is not None:
                    os.chmod(aside, mode)
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(aside)
            raise
    except OSError as error:
        raise StorageError.from_os_error(f"write the configuration file {path}", error) from error
