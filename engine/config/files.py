"""rc files: where they are looked for, in which order, and how one is read.

The search list is micromamba's (conda's with ``.mambarc`` and its like added), the weakest place first. A file
that can't be read or parsed is an error here, which names the line: silently passing over a company's channel
settings would fetch packages from elsewhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from engine.config.roots import user_directory
from engine.config.values import Place, expand_variables
from engine.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from engine.plain_yaml import Node, YamlError

_CONDA_NAMES: Final = (".condarc", "condarc", "condarc.d")
_MAMBA_NAMES: Final = (".mambarc", "mambarc", "mambarc.d")
_PREFIX_NAMES: Final = (*_CONDA_NAMES, ".mambarc")
_UNIX_SYSTEM: Final = ("/etc/conda", "/var/lib/conda")
_WINDOWS_SYSTEM: Final = ("C:/ProgramData/conda",)
_MAX_SIZE: Final = 16 * 1024 * 1024
"""More than any rc file needs; a mistaken path (an image, a log) shall not fill the memory."""


class Setting(msgspec.Struct, frozen=True):
    """One key of one file, as YAML gave it, variables expanded."""

    value: object
    place: Place


class RcFile(msgspec.Struct, frozen=True):
    """What one file says."""

    path: str
    settings: Mapping[str, Setting]


def early_places(root_prefix: str, home: str, environ: Mapping[str, str]) -> list[str]:
    """Where to look before the target prefix is known, the weakest first; each place once, where it is weakest."""
    config_home = user_directory("XDG_CONFIG_HOME", ".config", home, environ)
    system = _WINDOWS_SYSTEM if os.name == "nt" else _UNIX_SYSTEM
    places = [f"{where}/{name}" for where in (*system, root_prefix) for name in _PREFIX_NAMES]
    places += _named(_CONDA_NAMES, f"{config_home}/conda", f"{home}/.conda")
    places.append(f"{home}/.condarc")
    places += _named(_CONDA_NAMES, environ.get("CONDA_PREFIX"))
    places.append(environ.get("CONDARC", ""))
    places += _named(_MAMBA_NAMES, f"{config_home}/mamba", f"{home}/.mamba")
    places += [f"{home}/.mambarc", environ.get("MAMBARC", "")]
    return list(dict.fromkeys(place.replace("/", os.sep) for place in places if place))


def prefix_places(target_prefix: str) -> list[str]:
    """Where to look in the target prefix; these are the strongest."""
    return [place.replace("/", os.sep) for place in _named(_PREFIX_NAMES, target_prefix)]


def _named(names: Iterable[str], *directories: str | None) -> Iterator[str]:
    return (f"{directory}/{name}" for directory in directories if directory for name in names)


def read_places(places: Iterable[str], environ: Mapping[str, str]) -> list[RcFile]:
    """The files that exist at the places, in order; a directory stands for its ``*.yml`` and ``*.yaml``."""
    return [rc for place in places for rc in _read_place(place, environ)]


def _read_place(place: str, environ: Mapping[str, str]) -> Iterator[RcFile]:
    try:
        mode = os.stat(place).st_mode
    except OSError:
        return  # most places don't exist; one that may not be searched can hold no setting of ours
    if stat.S_ISREG(mode):
        yield read_rc_file(place, environ)
    elif stat.S_ISDIR(mode):
        for name in sorted(os.listdir(place)):
            if name.endswith((".yml", ".yaml")) and os.path.isfile(f"{place}/{name}"):
                yield read_rc_file(os.path.join(place, name), environ)


def read_rc_file(path: str, environ: Mapping[str, str]) -> RcFile:
    """Read one file; raises `ConfigError` if it is not YAML or no mapping, `StorageError` if it can't be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except OSError as error:
        raise StorageError.from_os_error(f"read the configuration file {path}", error) from error
    if len(data) > _MAX_SIZE:
        raise ConfigError(f"{path}: the file is larger than {_MAX_SIZE} bytes, expected a configuration file")
    return RcFile(path, _settings(path, data, environ) if data.strip() else {})


def _settings(path: str, data: bytes, environ: Mapping[str, str]) -> dict[str, Setting]:
    from engine.plain_yaml import YamlError

    try:
        root = _parse(data, environ)
    except YamlError as error:
        raise _not_yaml(path, error) from error
    if root is None:
        return {}
    if not isinstance(root.value, dict):
        raise ConfigError(f"{path}, line {root.line}: found {root.noun}, expected keys and values ('channels: …')")
    return {
        name: Setting(_expanded(node.plain(), environ), Place(path, node.line))
        for name, node in root.value.items()
        if node.value is not None
    }


def _parse(data: bytes, environ: Mapping[str, str]) -> Node | None:
    """The document; where it is one only with its variables filled in (``[${NAME}]``), that one (micromamba)."""
    from engine.plain_yaml import YamlError, parse_yaml

    try:
        return parse_yaml(data)
    except YamlError:
        if b"${" not in data:
            raise
        try:
            return parse_yaml(expand_variables(data.decode("utf-8", "replace"), environ))
        except YamlError:
            pass  # the first complaint is about what people see in the file
        raise


def _expanded(value: object, environ: Mapping[str, str]) -> object:
    """The value with variables expanded in every text. After parsing, so that no variable can change the structure."""
    if isinstance(value, str):
        return expand_variables(value, environ)
    if isinstance(value, list):
        return [_expanded(item, environ) for item in value]
    if isinstance(value, dict):
        return {key: _expanded(item, environ) for key, item in value.items()}
    return value


def _not_yaml(path: str, error: YamlError) -> ConfigError:
    where = f"{path}, line {error.line}" if error.line else path
    where += f", column {error.column}" if error.column else ""
    return ConfigError(
        f"{where}: the file is not valid YAML: {error.reason}",
        hint="Mend the file, or run with --no-rc to leave all configuration files aside.",
        data={"source": path, "line": error.line},
    )
