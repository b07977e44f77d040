"""What activating an environment means, as data. Pure: no file, process or clock is touched here.

Rule of this file: from the variables that a shell has now and from what is known of the prefixes, it says which
variables change and which scripts run, in which order. How a shell is told so is the business of the dialects.

The variables and their names are those of conda's `activate.py` and mamba's `activation.cpp` (CEP 32, "Activating
and deactivating an environment"), so that a shell may go from one tool to another in the middle of a session:

    CONDA_PREFIX, CONDA_SHLVL, CONDA_DEFAULT_ENV, CONDA_PROMPT_MODIFIER    the environment that is active now
    CONDA_PREFIX_<n>, CONDA_STACKED_<n>                                   the one at level n; level n is stacked
    __CONDA_SHLVL_<n>_<NAME>                                              what NAME was before level n + 1 set it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.shell.operations import Assign, Change, Operation
from engine.shell.prompt import default_env, modifier, prompt_stack


class PrefixFacts(msgspec.Struct, frozen=True):
    """What activation has to know of one prefix. All paths are absolute."""

    path_dirs: tuple[str, ...]
    """What belongs into PATH, first one first."""
    variables: Mapping[str, str | None] = {}
    """What the environment sets; None: it wants the variable unset."""
    activate_scripts: tuple[str, ...] = ()
    """In the order in which they run."""
    deactivate_scripts: tuple[str, ...] = ()
    """In the order in which they run."""


class Rules(msgspec.Struct, frozen=True):
    """What is the same for every environment."""

    root_prefix: str
    path_separator: str = ":"
    default_path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    """Where to look for programs if PATH isn't set at all, as in ``run --clean-env``: a shell's own default."""
    prompt_format: str | None = "({default_env}) "
    """`env_prompt` of the configuration; None where the prompt is to be left alone (`changeps1: false`)."""
    prompt_variable: str | None = None
    """The shell's variable that holds its prompt, if it has one that we may change."""
    prompt: str = ""
    """What the prompt is where that variable is not set."""


class Activator(msgspec.Struct, frozen=True):
    """A shell in its present state. Each method returns what has to be done, in order."""

    environ: Mapping[str, str]
    rules: Rules
    facts: Callable[[str], PrefixFacts]
    """What is known of a prefix; for one that is gone, only its place in PATH."""

    def activate(self, prefix: str, *, stack: bool = False) -> list[Operation]:
        """Make ``prefix`` the active environment, in place of the present one or (``stack``) on top of it.

        Activating what is active means to reactivate it, and activating what was active before means to go back,
        as in mamba.
        """
        level, current = self._level, self._current
        if level and current == prefix:
            return self.reactivate()
        if level and self.environ.get(f"CONDA_PREFIX_{level - 1}") == prefix:
            return self.deactivate()
        facts, change = self.facts(prefix), Change()
        change.activate_scripts = facts.activate_scripts
        name = default_env(prefix, self.rules.root_prefix)
        shown = self._modifier(prefix, name, level + 1, stack=stack)
        keeps_path = not level or stack
        path = self._path_with(facts) if keeps_path else self._path_without(self.facts(current), facts)
        change.set_all({"PATH": path, "CONDA_PREFIX": prefix, "CONDA_SHLVL": str(level + 1)})
        change.set_all({"CONDA_DEFAULT_ENV": name, "CONDA_PROMPT_MODIFIER": shown or None})
        if not keeps_path:
            self._leave(change, self.facts(current), level - 1)
        self._enter(change, facts, level)
        if level:
            change.variables[f"CONDA_PREFIX_{level}"] = current
        if level and stack:
            change.variables[f"CONDA_STACKED_{level + 1}"] = "true"
        return self._finished(change, shown)

    def deactivate(self) -> list[Operation]:
        """Go back to the environment that was active before, or to none. Nothing if none is active."""
        level, current = self._level, self._current
        if not level:
            return []
        # Without its predecessor (somebody unset it) a level can't be stepped down to: then leave them all.
        previous = self.environ.get(f"CONDA_PREFIX_{level - 1}") if level > 1 else None
        facts, change = self.facts(current), Change()
        if previous is None:
            shown = self._back_to_none(change, facts)
        else:
            shown = self._back_to(change, facts, previous, level - 1)
        change.deactivate_scripts = facts.deactivate_scripts
        self._restore(change, facts, level - 1)
        return self._finished(change, shown)

    def reactivate(self) -> list[Operation]:
        """Bring the active environment's PATH, prompt, variables and scripts up to date, after its packages changed.

        Its variables as well, as in conda: `env config vars set` asks people to reactivate.
        """
        level, current = self._level, self._current
        if not level:
            return []
        facts, change = self.facts(current), Change()
        name = self.environ.get("CONDA_DEFAULT_ENV") or default_env(current, self.rules.root_prefix)
        shown = self._modifier(current, name, level, stack=f"CONDA_STACKED_{level}" in self.environ)
        change.set_all({"PATH": self._path_without(facts, facts), "CONDA_SHLVL": str(level)})
        change.variables["CONDA_PROMPT_MODIFIER"] = shown or None
        change.set_all(facts.variables)
        change.deactivate_scripts, change.activate_scripts = facts.deactivate_scripts, facts.activate_scripts
        return self._finished(change, shown)

    @property
    def _current(self) -> str:
        return self.environ.get("CONDA_PREFIX", "")

    @property
    def _level(self) -> int:
        """How many environments are active. A missing, broken or orphaned CONDA_SHLVL counts as none."""
        text = self.environ.get("CONDA_SHLVL", "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and self._current else 0

    def _back_to_none(self, change: Change, old: PrefixFacts) -> str:
        change.path_first = self._path_without(old, None)
        change.set_all({"CONDA_PREFIX": None, "CONDA_SHLVL": "0"})
        change.set_all({"CONDA_DEFAULT_ENV": None, "CONDA_PROMPT_MODIFIER": None})
        return ""

    def _back_to(self, change: Change, old: PrefixFacts, previous: str, level: int) -> str:
        stacked = f"CONDA_STACKED_{level + 1}"
        facts = self.facts(previous)
        change.path_first = self._path_without(old, None if stacked in self.environ else facts)
        change.variables[f"CONDA_PREFIX_{level}"] = None
        if stacked in self.environ:
            change.variables[stacked] = None
        name = default_env(previous, self.rules.root_prefix)
        shown = self._modifier(previous, name, level, stack=f"CONDA_STACKED_{level}" in self.environ)
        change.set_all({"CONDA_PREFIX": previous, "CONDA_SHLVL": str(level)})
        change.set_all({"CONDA_DEFAULT_ENV": name, "CONDA_PROMPT_MODIFIER": shown or None})
        change.set_all(dict.fromkeys(old.variables))
        change.set_all(facts.variables)
        change.activate_scripts = facts.activate_scripts
        return shown

    def _enter(self, change: Change, facts: PrefixFacts, level: int) -> None:
        """The environment's own variables; what they overwrite is kept for the way back."""
        change.set_all(facts.variables)
        for name in facts.variables:
            if name in self.environ:
                change.variables[_saved(level, name)] = self.environ[name]

    def _leave(self, change: Change, facts: PrefixFacts, level: int) -> None:
        """Aside for another environment: scripts run, variables are as before; what was saved stays saved."""
        change.deactivate_scripts = facts.deactivate_scripts
        change.set_all({name: self.environ.get(_saved(level, name)) for name in facts.variables})

    def _restore(self, change: Change, facts: PrefixFacts, level: int) -> None:
        """On the way back: variables are as before, and nothing is saved any longer."""
        for name in facts.variables:
            saved = _saved(level, name)
            if saved in self.environ:
                change.variables[name] = self.environ[saved]
                change.variables[saved] = None
            else:
                change.variables.setdefault(name, None)

    def _finished(self, change: Change, shown: str) -> list[Operation]:
        change.prompt = self._prompt(shown)
        return change.operations()

    # PATH

    @property
    def _path(self) -> list[str]:
        path = self.environ.get("PATH") or self.rules.default_path
        return path.split(self.rules.path_separator)

    def _path_with(self, facts: PrefixFacts) -> str:
        path = self._path
        if not self._level and not any(entry.endswith("condabin") for entry in path):
            # A shell that was initialised has it already; `run` in a bare environment has not.
            slash = "\\" if self.rules.path_separator == ";" else "/"
            path.insert(0, f"{self.rules.root_prefix}{slash}condabin")
        return self.rules.path_separator.join([*facts.path_dirs, *path])

    def _path_without(self, old: PrefixFacts, new: PrefixFacts | None) -> str:
        """PATH without the old environment, the new one (if any) in front of everything else.

        Of each directory only the first is taken out: a second one is there because of a level further down.
        """
        path = self._path
        for entry in old.path_dirs:
            if entry in path:
                path.remove(entry)
        return self.rules.path_separator.join([*(new.path_dirs if new else ()), *path])

    # The prompt

    def _prompt(self, shown: str) -> Assign | None:
        """The prompt with ``shown`` in place of the present one, if the shell lets us change it."""
        variable = self.rules.prompt_variable
        if variable is None or self.rules.prompt_format is None:
            return None
        prompt = self.environ.get(variable, self.rules.prompt)
        if "POWERLINE_COMMAND" in prompt:
            return None  # powerline shows the environment by itself
        present = self.environ.get("CONDA_PROMPT_MODIFIER")
        return Assign(variable, shown + (prompt.replace(present, "") if present else prompt))

    def _modifier(self, prefix: str, name: str, level: int, *, stack: bool) -> str:
        """What the prompt is to say once ``prefix`` is the environment at ``level``."""
        if self.rules.prompt_format is None:
            return ""
        below = {number: self._name_at(number) for number in range(1, level)}
        stacked = {number for number in below if f"CONDA_STACKED_{number}" in self.environ}
        names = prompt_stack({**below, level: name}, frozenset(stacked | ({level} if stack else set())))
        return modifier(self.rules.prompt_format, prefix=prefix, name=name, stack=names)

    def _name_at(self, level: int) -> str:
        prefix = self._current if level == self._level else self.environ.get(f"CONDA_PREFIX_{level}", "")
        return default_env(prefix, self.rules.root_prefix)


def _saved(level: int, name: str) -> str:
    return f"__CONDA_SHLVL_{level}_{name}"
