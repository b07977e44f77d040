"""Every option that micromamba has on a command is understood by ours: (command, option) → accepted by the parser."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence

import pytest

from engine.commands import ALIASES, COMMANDS
from engine.commands.dispatch import make_parser
from engine.errors import UsageError

GENERAL = (
    "--rc-file F", "--no-rc", "--no-env", "-v", "--verbose", "-vv", "--log-level debug", "-q", "--quiet", "-y", "--yes",
    "--json", "--offline", "--dry-run", "--download-only", "--use-uv", "--debug", "--print-config-only",
)  # fmt: skip
PREFIX = ("-r P", "--root-prefix P", "-p P", "--prefix P", "-n N", "--name N", "--relocate-prefix P")
NETWORK = ("--ssl-verify P", "--cacert-path P", "--ssl-no-revoke", "--repodata-ttl 0", "--retry-clean-cache")
CHANNEL = (
    "-c X", "--channel X", "--override-channels", "--channel-priority strict", "--strict-channel-priority",
    "--no-channel-priority", "--channel-alias U",
)  # fmt: skip
LINK = ("--skip-run-link-scripts", "--run-link-scripts")
INSTALL = (
    *GENERAL, *PREFIX, *NETWORK, *CHANNEL, *LINK, "-f F", "--file F", "--no-pin", "--pin", "--no-py-pin", "--py-pin",
    "--pyc", "--no-pyc", "--allow-uninstall", "--no-allow-uninstall", "--allow-downgrade", "--no-allow-downgrade",
    "--allow-softlinks", "--no-allow-softlinks", "--always-softlink", "--no-always-softlink", "--always-copy", "--copy",
    "--no-always-copy", "--lock-timeout 1", "--shortcuts", "--no-shortcuts", "--safety-checks warn",
    "--extra-safety-checks", "--no-extra-safety-checks", "--verify-artifacts", "--trusted-channels X Y",
    "--mamba-repodata-parsing", "--no-mamba-repodata-parsing", "--platform win-64", "--no-deps", "--only-deps",
    "--category main dev", "--exclude-newer 7d", "-k", "--insecure", "-C", "--use-index-cache", "--use-local",
    "--no-lock", "--clobber", "--solver libmamba", "--repodata-fn current_repodata.json", "--override-frozen",
)  # fmt: skip
QUERY = (*GENERAL, *PREFIX, *NETWORK, *CHANNEL, "-t", "--tree", "--recursive", "--pretty", "--platform win-64")
EXPORT = (
    *GENERAL, *PREFIX, "-e", "--explicit", "--no-md5", "--md5", "--no-build", "--no-builds", "--build",
    "--channel-subdir", "--from-history",
)  # fmt: skip
CONFIG = (*GENERAL, *PREFIX)
RC = (*CONFIG, "--system", "--env", "--file F")
DESCRIBE = (*CONFIG, "-l", "--long-descriptions", "-g", "--groups")

TABLE: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "create": ([], (*INSTALL, "--clone E")),
    "env create": ([], (*INSTALL, "--clone E")),
    "install": (["spec"], (*INSTALL, "--freeze-installed", "--force-reinstall", "--revision 1")),
    "update": (["spec"], (*INSTALL, "--prune-deps", "--no-prune-deps", "-a", "--all")),
    "remove": (["spec"], (*GENERAL, *PREFIX, *LINK, "-a", "--all", "-f", "--force", "--prune-deps", "--no-prune-deps")),
    "env list": ([], (*GENERAL, *PREFIX)),
    "env export": ([], EXPORT),
    "export": ([], (*EXPORT, "--format explicit", "--file F", "--ignore-channels", "--override-channels", "-c X")),
    "env remove": ([], (*GENERAL, *PREFIX, *LINK)),
    "env update": ([], (*GENERAL, *PREFIX, *LINK, "-f F", "--file F", "--prune")),
    "env config vars list": ([], CONFIG),
    "env config vars set": (["A=1"], CONFIG),
    "env config vars unset": (["A"], CONFIG),
    "list": (
        [],
        (*GENERAL, *PREFIX, "-f", "--full-name", "--no-pip", "--reverse", "--explicit", "--md5", "--sha256", "-c",
         "--canonical", "-e", "--export", "--revisions"),
    ),
    "search": (["spec"], (*QUERY, "--local", "--remote")),
    "repoquery search": (["spec"], (*QUERY, "--local", "--remote")),
    "repoquery depends": (["spec"], (*QUERY, "--local", "--remote")),
    "repoquery whoneeds": (["spec"], (*QUERY, "--local", "--remote")),
    "clean": (
        [],
        (*GENERAL, "-a", "--all", "-i", "--index-cache", "-p", "--packages", "-t", "--tarballs", "-l", "--locks",
         "--trash", "-f", "--force-pkgs-dirs"),
    ),
    "config list": ([], (*DESCRIBE, "-s", "--sources", "-a", "--all", "-d", "--descriptions", "-lg")),
    "config sources": ([], CONFIG),
    "config describe": ([], DESCRIBE),
    "config get": (["k"], RC),
    "config set": (["k", "v"], RC),
    "config append": (["k", "v"], RC),
    "config prepend": (["k", "v"], RC),
    "config remove": (["k", "v"], RC),
    "config remove-key": (["k"], RC),
    "info": ([], (*GENERAL, *PREFIX, "-e", "--envs", "--base", "--licenses")),
    "package extract": (["a", "b"], GENERAL),
    "package compress": (["a", "b"], (*GENERAL, "-c 3", "--compression-level 3", "--compression-threads 2")),
    "package transmute": (["a"], (*GENERAL, "-c 3", "--compression-level 3", "--compression-threads 2")),
    "constructor": ([], (*GENERAL, "-p P", "--prefix P", "--extract-conda-pkgs", "--extract-tarball")),
    "self-update": ([], (*INSTALL, "--version 1")),
    "auth login": (["host"], ("-u u", "--username u", "-p p", "--password p", "-t t", "--token t", "-b b", "--bearer b",
                              "--password-stdin", "--token-stdin", "--bearer-stdin")),
    "auth logout": ([], ("--all",)),
}  # fmt: skip
"""Command → words that it needs, and micromamba's options on it."""


def _cases() -> Iterator[tuple[str, str]]:
    return ((command, option) for command, (_, options) in TABLE.items() for option in options)


@pytest.mark.parametrize("command", TABLE)
def test_every_option_is_accepted(command: str) -> None:
    module = importlib.import_module(COMMANDS[command].module)
    words, options = TABLE[command]
    parse = getattr(module, "parse", None)
    for option in options:
        parser = make_parser(command, module)
        given = [*option.split(" "), *words]
        found = parse(parser, given) if parse else parser.parse_intermixed_args(given)
        assert found is not None, option


def test_every_command_of_micromamba_is_there() -> None:
    names = {*COMMANDS, *ALIASES}
    wanted = {*TABLE, "run", "shell", "activate", "deactivate", "uninstall", "upgrade"}
    assert wanted <= names
    assert len(list(_cases())) > 700


def test_numbers_stand_for_names() -> None:
    parser = make_parser("create", importlib.import_module("engine.commands.create"))
    words = ["--channel-priority", "0", "--log-level=2", "--safety-checks", "Warn"]
    found = parser.parse_intermixed_args(words)
    assert (found.channel_priority, found.log_level, found.safety_checks) == ("disabled", "info", "warn")
    with pytest.raises(UsageError, match="invalid choice: '3'"):
        parser.parse_intermixed_args(["--channel-priority", "3"])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_of_every_command(name: str) -> None:
    module = importlib.import_module(COMMANDS[name].module)
    text = make_parser(name, module).format_help()
    assert text.startswith(f"usage: whipsnake {name}")
