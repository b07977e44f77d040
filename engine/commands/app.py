"""What a command is given: its options, the configuration, a place to print and a way to report.

Rule of this file: everything is made when it is first asked for, so that a command pays only for what it uses.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from engine.system.home import home_directory
from engine.ui.out import Out

if TYPE_CHECKING:
    from engine.config import Config
    from engine.system.machine import Machine


class App:
    """One run of one command."""

    def __init__(
        self, options: Mapping[str, object], environ: Mapping[str, str], out: Out, words: Sequence[str] = ()
    ) -> None:
        self.options = dict(options)
        self.environ = environ
        self.out = out
        self.command = " ".join(("whipsnake", *words))
        """The command line, for histories."""

    @cached_property
    def config(self) -> Config:
        """The configuration: options over environment over rc files over defaults."""
        from engine.config import load_config

        config = load_config(self.options, self.environ, home=home_directory(), cwd=self._directory())
        self.out.configure(json=config.json, quiet=config.quiet)
        for notice in config.notices:
            self.out.warning(notice)
        return config

    def _directory(self) -> str:
        """Where relative paths begin. A shell may stand in a directory that is gone, and must be able to leave it."""
        try:
            return os.getcwd()
        except FileNotFoundError:
            return self.environ.get("PWD") or os.sep

    def reconfigure(self, config: Config) -> None:
        """Go on with another configuration (a file named channels, or the environment)."""
        self.__dict__["config"] = config

    @cached_property
    def machine(self) -> Machine:
        """The platform that packages are for, and the virtual packages that it has."""
        from engine.system.machine import detect_machine

        config = self.config
        return detect_machine(config.platform, self.environ, config.override_virtual_packages)

    @property
    def asks(self) -> bool:
        """Whether a person is to be asked before something is changed."""
        config = self.config
        return not (config.always_yes or config.quiet or config.json or config.dry_run)
