"""The table of configuration keys: what each is called, holds, defaults to, and where it may be set.

Rule of this file: data only. A key has the name, the default and the environment variables that micromamba gives
it; those that only conda knows have conda's. `schema.Config` has one field for each key of this table, and a test
keeps both in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal[
    "bool", "int", "float", "text", "path", "choice", "texts", "paths", "map", "multimap", "records"
]
"""``texts`` and ``paths`` are lists; ``map`` is name → text, ``multimap`` name → list, ``records`` a list of maps."""


class Key(msgspec.Struct, frozen=True):
    """One configuration key."""

    name: str
    kind: Kind
    default: object
    doc: str
    env: str = ""
    """A variable of another name that sets it too, and is stronger."""
    conda: bool = False
    """Whether ``CONDA_<NAME>`` sets it too, and is stronger than ``MAMBA_<NAME>``."""
    rc: bool = True
    """Whether rc files may set it."""
    only_option: bool = False
    """Whether neither rc files nor variables may set it: only the command line of each single command."""
    home_only: bool = False
    """Whether the rc files of the target prefix have no say, since they are found with its help."""
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other names in rc files, as conda has them."""
    minimum: int | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that set it, the strongest first."""
        if self.only_option:
            return ()
        names = (self.env, f"CONDA_{self.name.upper()}" if self.conda else "", f"MAMBA_{self.name.upper()}")
        return tuple(name for name in names if name)


PRIORITIES: Final = ("strict", "flexible", "disabled")
CHECKS: Final = ("enabled", "warn", "disabled")
CONFLICTS: Final = ("clobber", "warn", "prevent")
DEFAULTS: Final = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
CONDA_FORGE: Final = ("https://conda.anaconda.org/conda-forge",)
LOG_LEVELS: Final = ("off", "critical", "error", "warning", "info", "debug", "trace")

GROUPS: Final[Mapping[str, tuple[Key, ...]]] = {
    "Basic": (
        Key("root_prefix", "path", "", "where envs/ and pkgs/ are", rc=False),
        Key("target_prefix", "path", None, "the environment to work on", rc=False),
        Key("relocate_prefix", "path", None, "the path to bake into files, if it is not the target prefix", rc=False),
        Key("envs_dirs", "paths", (), "where environments that have a name are looked for", home_only=True),
        Key("pkgs_dirs", "paths", (), "package caches: all read, the first writable one written", conda=True),
        Key("platform", "text", "", "the subdir to install packages of", aliases=("subdir",), env="CONDA_SUBDIR"),
        Key("register_envs", "bool", True, "list new environments in environments.txt", conda=True),
    ),
    "Channels": (
        Key("channels", "texts", ("conda-forge",), "Define the list of channels",
            conda=True, aliases=("channel",)),
        Key("channel_alias", "text", "https://conda.anaconda.org", "what the name of a channel is added to"),
        Key("default_channels", "texts", DEFAULTS, "what the channel 'defaults' stands for"),
        Key("custom_channels", "map", {}, "channel name → the address above it"),
        Key("custom_multichannels", "multimap", {}, "name → the channels that it stands for"),
        Key("mirrored_channels", "multimap", {}, "channel name → addresses of its mirrors"),
        Key("channel_relations_max_depth", "int",
            10, "how far channels are followed that channels name (CEP 42; 0: not at all)", minimum=0),
        Key("override_channels_enabled", "bool", True, "whether --override-channels is allowed"),
        Key("override_channels", "bool", False, "use only the channels of the command line", rc=False),
        Key("allowlist_channels", "texts", (), "unless empty: the only channels allowed",
            conda=True, aliases=("whitelist_channels",)),
        Key("denylist_channels", "texts", (), "channels that must not be used", conda=True),
        Key("channel_settings", "records", (), "settings for single channels"),
        Key("show_anaconda_channel_warnings", "bool", True, "warn where Anaconda's commercial channels are used"),
    ),
    "Repodata": (
        Key("repodata_use_zst", "bool", True, "ask for compressed indexes"),
        Key("repodata_has_zst", "texts", CONDA_FORGE, "accepted, without effect: who has them is found out"),
        Key("use_sharded_repodata", "bool", True, "use sharded indexes where there are any"),
        Key("repodata_shards_ttl", "int", 86400, "seconds that a missing shard index is remembered for", minimum=0),
        Key("repodata_shards_threads", "int", 0, "shards to fetch at once (0: as seems fit)", minimum=0),
        Key("local_repodata_ttl", "int",
            1, "seconds that an index is good for (0: always ask, 1: obey the server)", minimum=0),
        Key("retry_clean_cache", "bool", False, "fetch the index anew if there is no solution", rc=False),
    ),
    "Network": (
        Key("offline", "bool", False, "use only what is cached"),
        Key("ssl_verify", "text", "<system>", "'<system>', '<false>' or the path of certificates"),
        Key("cacert_path", "text", "", "certificates to use unless ssl_verify is off"),
        Key("ssl_no_revoke", "bool", False, "accepted, without effect: OpenSSL asks no revocation lists"),
        Key("client_ssl_cert", "text", None, "our own certificate", conda=True, aliases=("client_cert",)),
        Key("client_ssl_cert_key", "text", None, "the key of our own certificate",
            conda=True, aliases=("client_cert_key",)),
        Key("proxy_servers", "map", {}, "scheme or scheme://host → proxy"),
        Key("remote_connect_timeout_secs", "float", 10.0, "seconds that a connection may take to be made", minimum=0),
        Key("remote_read_timeout_secs", "float", 60.0, "seconds without a byte that mean a dead connection",
            conda=True, minimum=0),
        Key("remote_backoff_factor", "float", 3.0, "how fast the pauses between retries grow", minimum=0),
        Key("remote_max_retries", "int", 3, "how often a failed request is made again", minimum=0),
    ),
    "Solver": (
        Key("channel_priority", "choice", "flexible", "how channels rank against each other", choices=PRIORITIES),
        Key("no_pin", "bool", False, "ignore pinned packages", rc=False),
        Key("no_py_pin", "bool", False, "let python's minor version change"),
        Key("pinned_packages", "texts", (), "specifications that every solution keeps to"),
        Key("add_pip_as_python_dependency", "bool", True, "python brings pip"),
        Key("prefix_data_interoperability", "bool",
            False, "a package replaces what pip installed under its name", conda=True),
        Key("allow_uninstall", "bool", True, "packages may go when others come"),
        Key("allow_downgrade", "bool", False, "packages may get older when others come"),
        Key("order_solver_request", "bool", True, "accepted, without effect: the order never matters"),
        Key("create_default_packages", "texts", (), "what every new environment gets", conda=True),
        Key("exclude_newer", "text", "", "pass over packages that are newer", conda=True, aliases=("cooldown",)),
        Key("exclude_newer_package", "map", {}, "package → its own exclude_newer, false for none",
            conda=True, aliases=("cooldown_exclude",)),
        Key("override_virtual_packages", "map", {}, "virtual package → version (null: none)",
            aliases=("virtual_packages",)),
    ),
    "Extract, Link & Install": (
        Key("download_threads", "int", 5, "packages to download at once (0: as seems fit)", minimum=0),
        Key("no_cache", "bool", False, "use no package cache: unpack straight into the environment"),
        Key("extract_threads", "int", 0, "packages to unpack at once (0: one a core; -1: one less; 1: in threads)"),
        Key("link_threads", "int", 0, "packages to link at once (0: as seems fit)"),
        Key("allow_softlinks", "bool", False, "link softly where hard links can't be made"),
        Key("always_copy", "bool", False, "copy every file", aliases=("copy",)),
        Key("always_softlink", "bool", False, "link softly everywhere", aliases=("softlink",)),
        Key("safety_checks", "choice", "warn", "what to do about damaged cached packages", conda=True, choices=CHECKS),
        Key("extra_safety_checks", "bool", False, "check the digest of every file", conda=True),
        Key("path_conflict", "choice", "clobber", "where packages have the same file: prevent refuses, others warn",
            conda=True, choices=CONFLICTS),
        Key("verify_artifacts", "bool", False, "check signatures (they can't be: true is refused)"),
        Key("trusted_channels", "texts", (), "accepted, without effect: signatures are not checked"),
        Key("lock_timeout", "int", 0, "seconds to wait for another process (0: as long as it takes)", minimum=0),
        Key("use_lockfiles", "bool", True, "lock what several processes share"),
        Key("compile_pyc", "bool", True, "byte-compile Python packages"),
        Key("skip_run_link_scripts", "bool", False, "run no link scripts"),
        Key("shortcuts", "bool", True, "make menu entries"),
        Key("use_uv", "bool", False, "install the pip part of a file with uv"),
        Key("protect_frozen_envs", "bool", True, "leave frozen environments alone (CEP 22)",
            rc=False, only_option=True),
        Key("envvars_force_uppercase", "bool", True, "an environment's variables have names in capitals", conda=True),
    ),
    "Output, Prompt and Flow Control": (
        Key("always_yes", "bool", False, "ask nothing", aliases=("yes",)),
        Key("quiet", "bool", False, "print nothing"),
        Key("json", "bool", False, "print one JSON object"),
        Key("dry_run", "bool", False, "say what would be done, and do nothing", rc=False),
        Key("download_only", "bool", False, "fetch packages into the cache, link nothing", rc=False),
        Key("verbose", "int", 0, "how much to say", rc=False, minimum=0),
        Key("log_level", "choice", "warning", "how much to log", choices=LOG_LEVELS),
        Key("log_backtrace", "int", 0, "accepted, without effect: nothing is kept back", minimum=0),
        Key("log_pattern", "text", "", "accepted, without effect: log lines look the same"),
        Key("changeps1", "bool", True, "show the active environment in the prompt"),
        Key("env_prompt", "text", "({default_env}) ", "how the active environment is shown in the prompt"),
        Key("auto_activate_base", "bool", False, "activate base when a shell starts", aliases=("auto_activate",)),
        Key("shell_completion", "bool", True, "complete words in the shell"),
        Key("debug", "bool", False, "show what happens inside", rc=False),
        Key("mamba_repodata_parsing", "bool", True, "accepted, without effect: there is one parser"),
        Key("experimental_matchspec_parsing", "bool", False, "accepted, without effect: there is one parser", rc=False),
    ),
    "Config sources": (
        Key("rc_files", "paths", (), "the only rc files to read", rc=False),
        Key("no_rc", "bool", False, "read no rc file", rc=False),
        Key("no_env", "bool", False, "ignore environment variables", rc=False),
    ),
}  # fmt: skip
"""All keys, under the headings that `config list --groups` shows."""

KEYS: Final = tuple(key for keys in GROUPS.values() for key in keys)

BY_NAME: Final = {key.name: key for key in KEYS}
