"""The making of a `Config`: find the root prefix, read the rc files, merge each key, complete what hangs together.

Rule of this file: every fact comes in by argument, except which files exist and what they say. The order matters:
rc files lie in the root prefix, name the ``envs_dirs`` in which the target prefix is found, and lie in that too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from engine.config.accepted import ACCEPTED
from engine.config.files import RcFile, early_places, prefix_places, read_places, read_rc_file
from engine.config.keys import BY_NAME, KEYS, Key
from engine.config.merge import Inputs, Merged, merge
from engine.config.prefixes import PrefixContext, asked_prefix, name_notice
from engine.config.roots import find_root_prefix, real_path
from engine.config.schema import Config
from engine.config.values import COMMAND_LINE
from engine.errors import ConfigError, OptionError
from engine.model.channel import NO_DEFAULTS
from engine.model.platform import InvalidPlatform, parse_subdir
from engine.model.url import absolute_path


def load_config(
    options: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    home: str,
    cwd: str,
    target_prefix: str | None = None,
    install_prefix: str = sys.prefix,
) -> Config:
    """Everything that is configured: options over environment over rc files over defaults.

    ``options`` hold what the command line said, by key; what is no key is passed over, but for ``env_name`` and the
    two ``use_…_prefix_fallback`` of `prefixes.asked_prefix`. ``target_prefix`` is given by callers who know better.
    Raises `ConfigError` naming file and line, `UsageError` for options that contradict each other.
    """
    return _Loader(options, environ, home, cwd).load(target_prefix, install_prefix)


class _Loader:
    """One reading of the configuration."""

    def __init__(self, options: Mapping[str, object], environ: Mapping[str, str], home: str, cwd: str) -> None:
        self.options, self.all_environ, self.home, self.cwd = options, environ, home, cwd
        first = Inputs(options, environ)
        self.no_env = bool(merge(BY_NAME["no_env"], first).value)
        self.environ: Mapping[str, str] = {} if self.no_env else environ
        self.rc_files: list[RcFile] = []
        self.values: dict[str, object] = {}
        self.sources: dict[str, tuple[str, ...]] = {}
        self.notices: list[str] = []

    def load(self, target_prefix: str | None, install_prefix: str) -> Config:
        """Read and complete everything."""
        asked = self.options.get("root_prefix")
        root, source = find_root_prefix(
            str(asked) if asked else None, self.all_environ, home=self.home, cwd=self.cwd, install_prefix=install_prefix
        )
        named_files = self._named_files()
        self._read_early(root, named_files)
        self.context = self._prefix_context(root)
        target = target_prefix or asked_prefix(self.options, self.environ, self.context)
        notice = name_notice(self.options, target)
        self.notices += [notice] if notice else []
        if target and not named_files and not self._no_rc():
            self.rc_files += self._new_files(prefix_places(target))
        for key in KEYS:
            if key.name not in self.values:
                self._put(key.name, merge(key, self._inputs()))
            if key.only_option:
                self._tell_of_no_effect(key)
        self._complete(root, source, target)
        return self._config()

    # --- files

    def _inputs(self) -> Inputs:
        return Inputs(self.options, self.environ, self.rc_files)

    def _no_rc(self) -> bool:
        return bool(merge(BY_NAME["no_rc"], Inputs(self.options, self.environ)).value)

    def _named_files(self) -> Sequence[str]:
        """What ``--rc-file`` names."""
        files = self.options.get("rc_files") or ()
        named = [files] if isinstance(files, str) else [str(file) for file in files if file]  # type: ignore[attr-defined]
        if named and self._no_rc():
            raise ConfigError(f"Cannot read {named[0]}: rc files are switched off", hint="Leave --no-rc away.")
        return [absolute_path(file, self.cwd, self.home) for file in named]

    def _read_early(self, root: str, named_files: Sequence[str]) -> None:
        if named_files:
            # The first one named is the strongest, as in micromamba.
            self.rc_files = [read_rc_file(path, self.all_environ) for path in reversed(named_files)]
        elif not self._no_rc():
            self.rc_files = self._new_files(early_places(root, self.home, self.all_environ))

    def _new_files(self, places: Sequence[str]) -> list[RcFile]:
        """The files at places that were not read yet: the root prefix may also be the active or the target one."""
        known = {rc.path for rc in self.rc_files}
        found = read_places((place for place in places if place not in known), self.all_environ)
        return [rc for rc in found if rc.path not in known]

    # --- values

    def _put(self, name: str, merged: Merged) -> None:
        self.values[name] = merged.value
        if merged.sources:
            self.sources[name] = merged.sources

    def _path(self, path: object) -> str:
        return real_path(str(path), home=self.home, cwd=self.cwd)

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self.values[name]
        assert isinstance(value, tuple)
        return value

    def _prefix_context(self, root: str) -> PrefixContext:
        """``envs_dirs``, which must be known before the target prefix is."""
        self._put("envs_dirs", merge(BY_NAME["envs_dirs"], self._inputs()))
        listed = [*self._environment_dirs(), *self._texts("envs_dirs")]
        dirs = list(dict.fromkeys(self._path(path) for path in listed if path))
        for path in dirs:
            self._refuse_file("envs_dirs", path)
        self.values["envs_dirs"] = tuple(dict.fromkeys([*dirs, os.path.join(root, "envs")]))
        return PrefixContext(
            root_prefix=root,
            envs_dirs=self._texts("envs_dirs"),
            home=self.home,
            cwd=self.cwd,
            active_prefix=self.all_environ.get("CONDA_PREFIX") or None,
        )

    def _environment_dirs(self) -> list[str]:
        """``$CONDA_ENVS_DIRS`` or ``$CONDA_ENVS_PATH``, a list like ``$PATH``; one of them, not both."""
        found = [name for name in ("CONDA_ENVS_DIRS", "CONDA_ENVS_PATH") if self.environ.get(name)]
        if len(found) > 1:
            raise ConfigError(
                # micromamba's words
                "The `CONDA_ENVS_DIRS` and `CONDA_ENVS_PATH` environment variables are both set, "
                "but only one must be declared.",
                hint="Unset $CONDA_ENVS_PATH.",
            )
        if not found:
            return []
        self.sources["envs_dirs"] = (f"${found[0]}", *self.sources.get("envs_dirs", ()))
        return self.environ[found[0]].split(os.pathsep)

    def _refuse_file(self, key: str, path: str) -> None:
        if os.path.exists(path) and not os.path.isdir(path):
            raise ConfigError(f"The key '{key}' lists {path}, which is a file, expected a directory")

    def _tell_of_no_effect(self, key: Key) -> None:
        """A key that only an option may set stands in a file or in the environment, as conda would have it."""
        variables = (f"CONDA_{key.name.upper()}", f"MAMBA_{key.name.upper()}")
        found = [f"${name}" for name in variables if self.environ.get(name)]
        found += [str(rc.settings[key.name].place) for rc in self.rc_files if key.name in rc.settings]
        self.notices += [f"{place}: '{key.name}' has no effect here, only on the command line" for place in found]

    # --- keys that depend on others

    def _complete(self, root: str, root_source: str, target: str | None) -> None:
        values = self.values
        values["root_prefix"], values["target_prefix"] = root, target
        if root_source != "default":
            self.sources["root_prefix"] = (root_source,)
        relocate = values["relocate_prefix"]
        values["relocate_prefix"] = absolute_path(str(relocate), self.cwd, self.home) if relocate else None
        values["pkgs_dirs"] = self._pkgs_dirs(root)
        values["platform"] = self._platform()
        values["channels"] = self._channels()
        self._complete_network()
        self._complete_flags()

    def _pkgs_dirs(self, root: str) -> tuple[str, ...]:
        listed = self._texts("pkgs_dirs") or (f"{root}/pkgs", f"{self.home}/.mamba/pkgs")
        dirs = tuple(dict.fromkeys(self._path(path) for path in listed))
        for path in dirs:
            self._refuse_file("pkgs_dirs", path)
        return dirs

    def _platform(self) -> str:
        text = str(self.values["platform"])
        if not text:
            from engine.system.machine import host_platform

            return host_platform()
        try:
            return parse_subdir(text)
        except InvalidPlatform as error:
            source = self.sources.get("platform", ("default",))[0]
            kind = OptionError if source == COMMAND_LINE else ConfigError
            raise kind(f"{source}: the key 'platform' is {text!r}: {error.reason}", hint=error.hint) from error

    def _channels(self) -> tuple[str, ...]:
        """The list without ``nodefaults``; only the command line's own where that word or the flag is on it."""
        asked = self._asked_channels()
        override = bool(self.values["override_channels"])
        if override and not self.values["override_channels_enabled"]:
            self.notices.append("--override-channels has no effect: 'override_channels_enabled' is false")
            override = self.values["override_channels"] = False
        only_asked = override or NO_DEFAULTS in asked
        texts = asked if only_asked else self._texts("channels")
        if only_asked:
            self.sources["channels"] = (COMMAND_LINE,) * max(1, len(texts))
        return tuple(dict.fromkeys(text for text in texts if text != NO_DEFAULTS))

    def _asked_channels(self) -> tuple[str, ...]:
        only_options = Inputs({"channels": self.options.get("channels")}, {})
        merged = merge(BY_NAME["channels"], only_options)
        return merged.value if merged.sources and isinstance(merged.value, tuple) else ()

    def _complete_network(self) -> None:
        values = self.values
        values["ssl_verify"] = self._ssl_verify(str(values["ssl_verify"]))
        for name in ("client_ssl_cert", "client_ssl_cert_key"):
            if values[name]:
                values[name] = absolute_path(str(values[name]), self.cwd, self.home)
        if values["client_ssl_cert_key"] and not values["client_ssl_cert"]:
            raise ConfigError("The key 'client_ssl_cert_key' is set without 'client_ssl_cert', expected both")

    def _ssl_verify(self, text: str) -> str:
        """One of ``<false>``, ``<system>`` and a path. ``$REQUESTS_CA_BUNDLE`` stands in where nothing else is said."""
        if text.lower() in {"false", "no", "off", "0", "<false>"}:
            return "<false>"
        path = str(self.values["cacert_path"])
        if not path and text.lower() not in {"", "true", "yes", "on", "1", "<true>", "<system>", "truststore"}:
            path = text
        path = path or self.environ.get("REQUESTS_CA_BUNDLE", "")
        return absolute_path(path, self.cwd, self.home) if path else "<system>"

    def _complete_flags(self) -> None:
        values = self.values
        if values["always_copy"] and values["always_softlink"]:
            raise ConfigError("'always_copy' and 'always_softlink' are both set, expected at most one of them")
        if "log_level" not in self.sources and values["verbose"]:
            values["log_level"] = ("info", "debug", "trace")[min(int(str(values["verbose"])), 3) - 1]
        values["rc_files"] = tuple(rc.path for rc in self.rc_files)

    def _unknown_keys(self) -> tuple[tuple[str, str], ...]:
        known = {name for key in KEYS for name in (key.name, *key.aliases)} | ACCEPTED.keys()
        return tuple(
            (str(setting.place), name)
            for rc in self.rc_files
            for name, setting in rc.settings.items()
            if name not in known and not name.startswith("plugins")
        )

    def _config(self) -> Config:
        environ = self.environ
        return Config(
            **self.values,  # type: ignore[arg-type]
            home=self.home,
            cwd=self.cwd,
            active_prefix=self.context.active_prefix,
            ci=environ.get("CI", "").lower() not in {"", "0", "false", "no", "off"},
            netrc=environ.get("NETRC") or f"{self.home}/.netrc",
            proxy_environ=_proxies(environ),
            asked_channels=self._asked_channels(),
            sources=self.sources,
            unknown_keys=self._unknown_keys(),
            notices=tuple(self.notices),
        )


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Proxies by environment variables, lower case before upper case.

    ``HTTP_PROXY`` is passed over where a web server runs us (``REQUEST_METHOD`` is set): there the other side of the
    connection can set it, by a header called ``Proxy``.
    """
    found: dict[str, str] = {}
    for name in ("http", "https", "all", "no"):
        upper = "" if name == "http" and "REQUEST_METHOD" in environ else environ.get(f"{name.upper()}_PROXY", "")
        value = environ.get(f"{name}_proxy") or upper
        if value:
            found[name] = value
    return found
