"""The commands: what each is called and where it lives. Nothing is imported before it is used.

A command's module has two functions: ``arguments(parser)`` declares its options and ``run(args, app)`` does it and
returns the exit code; ``OPTIONS``, if it has that, is what the command sets by itself (that the active environment is
meant where none is named), and ``parse(parser, words)`` stands in for argparse's. A word of several parts ("env list")
is a command of a group. To add a command: a module and a line here.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """Where a command is implemented, and the line that ``--help`` shows for it."""

    module: str
    help: str
    """Empty: the command is for programs, and not shown to people."""


COMMANDS: dict[str, Command] = {
    "create": Command("engine.commands.create", "Create a new environment"),
    "bulk": Command("engine.commands.bulk", "Make many environments in one run"),
    "install": Command("engine.commands.install", "Install packages into an environment"),
    "update": Command("engine.commands.update", "Update packages of an environment"),
    "remove": Command("engine.commands.remove", "Remove packages, or a whole environment"),
    "rename": Command("engine.commands.rename", "Give an environment another name or place"),
    "recover": Command("engine.commands.recover", "Put right what a crash left half done in an environment"),
    "list": Command("engine.commands.list", "List the packages of an environment"),
    "env list": Command("engine.commands.env_list", "List the environments"),
    "env create": Command("engine.commands.create", "Create a new environment (the same as 'create')"),
    "env export": Command("engine.commands.env_export", "Print an environment as a file that makes it again"),
    "env config vars list": Command("engine.commands.env_vars", "List the variables that activation sets"),
    "env config vars set": Command("engine.commands.env_vars_set", "Set variables of an environment"),
    "env config vars unset": Command("engine.commands.env_vars_unset", "Take variables of an environment away"),
    "export": Command("engine.commands.env_export", "Print an environment (the same as 'env export')"),
    "env update": Command("engine.commands.env_update", "Bring an environment to what a file asks for"),
    "env remove": Command("engine.commands.env_remove", "Remove an environment"),
    "search": Command("engine.commands.search", "Search for packages (the same as 'repoquery search')"),
    "repoquery search": Command("engine.commands.search", "Search for packages"),
    "repoquery depends": Command("engine.commands.depends", "Show what a package depends on"),
    "repoquery whoneeds": Command("engine.commands.whoneeds", "Show which packages depend on a package"),
    "why": Command("engine.commands.why", "Show why a package is installed, and why it is no newer"),
    "run": Command("engine.commands.run", "Run a program in an environment"),
    "shell": Command("engine.commands.shell", "Shell integration: init, hook, activate, deactivate, reactivate"),
    "init": Command("engine.commands.init", "Make a shell ready (the same as 'shell init')"),
    "activate": Command("engine.commands.activate", "Activate an environment (needs an initialised shell)"),
    "deactivate": Command("engine.commands.activate", "Deactivate the environment (needs an initialised shell)"),
    "ps": Command("engine.commands.ps", "List the processes that 'run' started (the same as 'ps list')"),
    "ps list": Command("engine.commands.ps", "List the processes that 'run' started"),
    "ps stop": Command("engine.commands.ps_stop", "Stop processes that 'run' started, by number or label"),
    "completer": Command("engine.commands.completer", ""),
    "info": Command("engine.commands.info", "Show versions, directories, channels and virtual packages"),
    "config": Command("engine.commands.config", "Show and change the configuration"),
    "config list": Command("engine.commands.config_list", "Show the values that count, and where they come from"),
    "config sources": Command("engine.commands.config_sources", "Show which configuration files were read"),
    "config describe": Command("engine.commands.config_describe", "Show what the configuration keys mean"),
    "config get": Command("engine.commands.config_get", "Show what one configuration file says of a key"),
    "config set": Command("engine.commands.config_set", "Set a key in a configuration file"),
    "config append": Command("engine.commands.config_append", "Add values to the end of a list"),
    "config prepend": Command("engine.commands.config_prepend", "Add values to the beginning of a list"),
    "config remove": Command("engine.commands.config_remove", "Take a value out of a list"),
    "config remove-key": Command("engine.commands.config_remove_key", "Take a key out of a configuration file"),
    "notices": Command("engine.commands.notices", "Show what the channels want their users to know"),
    "compare": Command("engine.commands.compare", "Compare an environment with another, or with a file"),
    "self-update": Command("engine.commands.self_update", "Say how to update whipsnake itself"),
    "package extract": Command("engine.commands.package_extract", "Take a package archive apart"),
    "package compress": Command("engine.commands.package_compress", "Make a package archive of a directory"),
    "package transmute": Command("engine.commands.package_transmute", "Turn .tar.bz2 into .conda, or the other way"),
    "constructor": Command("engine.commands.constructor", "Unpack what an installer brought (used by constructor)"),
    "auth login": Command("engine.commands.auth_login", "Remember who you are at a server"),
    "auth logout": Command("engine.commands.auth_logout", "Forget who you are at a server"),
    "clean": Command("engine.commands.clean", "Remove what the package cache does not need"),
}

ALIASES: dict[str, str] = {"uninstall": "remove", "upgrade": "update", "diff": "compare"}
"""Other names that people know."""
