"""The options that commands share, in micromamba's words (its `common_options`).

Rule of this file: an option is declared once; its destination is the configuration key that it sets. Nothing has
a default here (`SUPPRESS`): what the command line does not say, `engine.config` decides.
"""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser, Namespace, _ArgumentGroup
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Options: TypeAlias = ArgumentParser | _ArgumentGroup


def add_flag(parser: Options, *names: str, dest: str, help: str, value: object = True) -> None:
    """A flag that sets ``dest`` to ``value``."""
    parser.add_argument(*names, action="store_const", const=value, dest=dest, default=SUPPRESS, help=help)


def add_switch(parser: Options, yes: Sequence[str], no: Sequence[str], *, dest: str, help: str) -> None:
    """A pair of flags: ``yes`` sets ``dest`` to True, ``no`` to False."""
    add_flag(parser, *yes, dest=dest, help=help)
    add_flag(parser, *no, dest=dest, help=f"the opposite of {yes[0]}", value=False)


def add_value(parser: Options, *names: str, dest: str, help: str, **more: Any) -> None:
    """An option with a value."""
    parser.add_argument(*names, dest=dest, default=SUPPRESS, help=help, **more)


def one_of(*names: str) -> Callable[[str], str]:
    """The names in any case; or a number, which micromamba's parser takes for the name at its place."""

    def named(text: str) -> str:
        return names[int(text)] if text.isdecimal() and int(text) < len(names) else text.lower()

    return named


_LOG_LEVELS = ("trace", "debug", "info", "warning", "error", "critical", "off")
_PRIORITIES = ("disabled", "flexible", "strict")
_CHECKS = ("disabled", "warn", "enabled")
"""In micromamba's order: see `one_of`."""


def add_general_options(parser: ArgumentParser) -> None:
    """What every command understands."""
    files = parser.add_argument_group("configuration options")
    add_value(files, "--rc-file", dest="rc_files", action="append", metavar="FILE", help="use only these rc files")
    add_flag(files, "--no-rc", dest="no_rc", help="read no rc file")
    add_flag(files, "--no-env", dest="no_env", help="ignore environment variables")
    group = parser.add_argument_group("global options")
    group.add_argument(
        "-v", "--verbose", action="count", dest="verbose", default=SUPPRESS, help="say more (twice: still more)"
    )
    add_value(
        group, "--log-level", dest="log_level", type=one_of(*_LOG_LEVELS), choices=_LOG_LEVELS, help="how much to log"
    )
    add_flag(group, "-q", "--quiet", dest="quiet", help="print nothing; implies --yes")
    add_flag(group, "-y", "--yes", dest="always_yes", help="ask nothing")
    add_flag(group, "--json", dest="json", help="print one JSON object; implies --yes")
    add_flag(group, "--offline", dest="offline", help="use only what is cached")
    add_flag(group, "--dry-run", dest="dry_run", help="say what would be done, and do nothing")
    add_flag(group, "--download-only", dest="download_only", help="fetch packages into the cache, link nothing")
    text = "write what happened when to a file for Perfetto or chrome://tracing"
    add_value(group, "--trace", dest="trace", metavar="FILE", help=text)
    add_flag(group, "--use-uv", dest="use_uv", help="install the pip part of a file with uv")
    add_flag(group, "--debug", dest="debug", help=SUPPRESS)
    add_value(group, "--console", dest="ignored", help=SUPPRESS)  # conda's; there is one way to show things
    for flag in ("--print-config-only", "--print-context-only"):
        add_flag(group, flag, dest="print_config_only", help=SUPPRESS)


def add_prefix_options(parser: ArgumentParser) -> None:
    """Which environment."""
    group = parser.add_argument_group("prefix options")
    add_value(group, "-r", "--root-prefix", dest="root_prefix", metavar="PATH", help="where envs/ and pkgs/ are")
    add_value(group, "-p", "--prefix", dest="target_prefix", metavar="PATH", help="the environment's directory")
    add_value(group, "--relocate-prefix", dest="relocate_prefix", metavar="PATH", help="bake this path into files")
    add_value(group, "-n", "--name", dest="env_name", metavar="NAME", help="the environment's name")


def add_network_options(parser: ArgumentParser) -> None:
    """How to reach servers."""
    group = parser.add_argument_group("network options")
    add_value(group, "--ssl-verify", dest="ssl_verify", metavar="PATH", help="'<system>', '<false>' or a CA bundle")
    add_flag(group, "--ssl-no-revoke", dest="ssl_no_revoke", help="check no certificate revocation (Windows)")
    add_value(group, "--cacert-path", dest="cacert_path", metavar="PATH", help="a CA bundle")
    text = "seconds that a cached index is good for (0: always ask, 1: obey the server)"
    add_value(group, "--repodata-ttl", dest="local_repodata_ttl", type=int, metavar="N", help=text)
    add_flag(
        group, "--retry-clean-cache", dest="retry_clean_cache", help="if there is no solution, fetch anew and retry"
    )


class _Priority(Action):
    """``--strict-channel-priority`` and its like may not contradict ``--channel-priority``."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        value = self.const or values
        before = getattr(namespace, self.dest, value)
        if before != value:
            parser.error(f"{option} asks for channel priority {value!r}, but {before!r} was asked for before")
        setattr(namespace, self.dest, value)


def add_channel_options(parser: ArgumentParser) -> None:
    """Where packages come from."""
    group = parser.add_argument_group("channel options")
    text = "a channel (name, URL or path); the first has the highest priority"
    add_value(group, "-c", "--channel", dest="channels", action="append", metavar="CHANNEL", help=text)
    add_flag(group, "--override-channels", dest="override_channels", help="use only the channels given here")
    add_value(
        group, "--channel-priority", dest="channel_priority", action=_Priority, type=one_of(*_PRIORITIES),
        choices=_PRIORITIES,
        help="how channels rank against each other",
    )  # fmt: skip
    for flag, kind in (("--strict-channel-priority", "strict"), ("--no-channel-priority", "disabled")):
        text = f"the same as --channel-priority {kind}"
        add_value(group, flag, dest="channel_priority", action=_Priority, nargs=0, const=kind, help=text)
    add_value(group, "--channel-alias", dest="channel_alias", metavar="URL", help="what a channel's name is added to")


def add_link_options(parser: ArgumentParser) -> None:
    """What may run while packages are linked or removed."""
    add_switch(
        parser, ["--skip-run-link-scripts"], ["--run-link-scripts"], dest="skip_run_link_scripts",
        help="run no pre- and post-link scripts",
    )  # fmt: skip
    add_frozen_option(parser)


def add_install_options(parser: ArgumentParser) -> None:
    """All that create and install have in common."""
    parser.add_argument(
        "specs", nargs="*", metavar="SPECS", help="what to install: specifications, URLs, local packages"
    )
    text = "read specifications from a file (environment.yml, @EXPLICIT or a list; '-': standard input)"
    add_value(parser, "-f", "--file", dest="file_specs", action="append", metavar="FILE", help=text)
    add_general_options(parser)
    add_prefix_options(parser)
    add_network_options(parser)
    add_channel_options(parser)
    add_solve_options(parser)
    add_linking_options(parser)
    add_conda_options(parser)


def add_conda_options(parser: ArgumentParser) -> None:
    """What conda's users are used to, and micromamba has other words for."""
    group = parser.add_argument_group("conda's options")
    add_flag(group, "-k", "--insecure", dest="ssl_verify", help="the same as --ssl-verify '<false>'", value="<false>")
    text = "use cached indexes, however old they are"
    add_flag(group, "-C", "--use-index-cache", dest="local_repodata_ttl", help=text, value=_FOR_EVER)
    text = "the same as --channel local"
    group.add_argument(
        "--use-local", dest="channels", action="append_const", const="local", default=SUPPRESS, help=text
    )
    add_flag(group, "--no-lock", dest="use_lockfiles", help="lock nothing", value=False)
    text = "packages may bring the same files, whatever 'path_conflict' says"
    add_flag(group, "--clobber", dest="path_conflict", help=text, value="clobber")
    # There is one solver, it knows which index to ask for, and a file's content says of which kind it is.
    for flag in ("--solver", "--repodata-fn", "--format", "--env-spec", "--environment-specifier"):
        add_value(group, flag, dest="ignored", help=SUPPRESS)


_FOR_EVER = 10**10
"""Seconds."""


def add_solve_options(parser: ArgumentParser) -> None:
    """What the solver may do."""
    group = parser.add_argument_group("solver options")
    add_switch(group, ["--no-pin"], ["--pin"], dest="no_pin", help="ignore pinned packages")
    add_switch(group, ["--no-py-pin"], ["--py-pin"], dest="no_py_pin", help="let python's minor version change")
    add_switch(group, ["--allow-uninstall"], ["--no-allow-uninstall"], dest="allow_uninstall", help="packages may go")
    add_switch(
        group, ["--allow-downgrade"], ["--no-allow-downgrade"], dest="allow_downgrade", help="packages may get older"
    )
    text = "pass over packages newer than this: 7d, 3d12h, 2026-04-01, 2026-04-01T12:00:00Z"
    add_value(group, "--exclude-newer", dest="exclude_newer", metavar="DATE|DURATION", help=text)
    add_value(group, "--platform", dest="platform", metavar="SUBDIR", help="for another platform than this one")
    add_flag(group, "--no-deps", dest="no_deps", help="leave the dependencies away")
    add_flag(group, "--only-deps", dest="only_deps", help="install only the dependencies")
    add_value(
        group,
        "--category",
        dest="categories",
        action="extend",
        nargs="+",  # micromamba's takes several, too
        metavar="NAME",
        help="which groups of a lock file (default: main)",
    )


def add_update_options(parser: ArgumentParser) -> None:
    """What is to become of installed packages (conda's words)."""
    group = parser.add_argument_group("options about installed packages")
    text = "leave installed packages as they are"
    add_flag(group, "--freeze-installed", "--no-update-deps", dest="freeze_installed", help=text)
    add_flag(group, "--force-reinstall", dest="force_reinstall", help="put packages in again that are there")
    add_flag(group, "--update-deps", dest="update_deps", help="update what they need as well")
    text = "do nothing if what is asked for is there, without looking for something newer"
    add_flag(group, "-S", "--satisfied-skip-solve", dest="skip_satisfied", help=text)


def add_frozen_option(parser: Options) -> None:
    """CEP 22: never the default."""
    text = "change the environment although it is marked as frozen"
    add_flag(parser, "--override-frozen", dest="protect_frozen_envs", value=False, help=text)


def add_linking_options(parser: ArgumentParser) -> None:
    """How files get into the prefix."""
    group = parser.add_argument_group("link options")
    add_link_options(parser)
    add_switch(group, ["--pyc"], ["--no-pyc"], dest="compile_pyc", help="byte-compile Python packages")
    add_switch(
        group, ["--allow-softlinks"], ["--no-allow-softlinks"], dest="allow_softlinks",
        help="link softly where hard links can't be made",
    )  # fmt: skip
    add_switch(
        group, ["--always-softlink"], ["--no-always-softlink"], dest="always_softlink", help="link softly everywhere"
    )
    add_switch(group, ["--always-copy", "--copy"], ["--no-always-copy"], dest="always_copy", help="copy every file")
    add_switch(
        group, ["--no-cache"], ["--cache"], dest="no_cache",
        help="use no package cache: unpack straight into the environment, leave nothing else",
    )  # fmt: skip
    text = "seconds to wait for another process (0: as long as it takes)"
    add_value(group, "--lock-timeout", dest="lock_timeout", type=int, metavar="N", help=text)
    add_switch(group, ["--shortcuts"], ["--no-shortcuts"], dest="shortcuts", help="make menu entries")
    text = "check cached files"
    add_value(group, "--safety-checks", dest="safety_checks", type=one_of(*_CHECKS), choices=_CHECKS, help=text)
    add_switch(
        group, ["--extra-safety-checks"], ["--no-extra-safety-checks"], dest="extra_safety_checks",
        help="check the digest of every file",
    )  # fmt: skip
    for flag in ("--verify-artifacts", "--mamba-repodata-parsing"):
        add_flag(group, flag, dest=flag[2:].replace("-", "_"), help=SUPPRESS)
    add_flag(group, "--no-mamba-repodata-parsing", dest="mamba_repodata_parsing", help=SUPPRESS, value=False)
    add_value(group, "--trusted-channels", dest="trusted_channels", action="extend", nargs="+", help=SUPPRESS)
