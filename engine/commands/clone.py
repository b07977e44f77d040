"""``create --clone`` and what ``rename`` shares with it: an environment as another one is."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping

from engine.commands.app import App
from engine.config import Config
from engine.config.prefixes import place_of, prefix_context, resolve_target_prefix
from engine.environment.healing import healed
from engine.environment.requested import specs_of, with_requested
from engine.errors import PrefixError, UsageError
from engine.link.prefix.meta import META, is_environment
from engine.link.prefix.present import read_prefix
from engine.link.prefix.removed import plain_record
from engine.request import InstallRequest

_COPIED = ("state", "pinned")
"""Of ``conda-meta``: what users said about the environment."""


def clone_request(args: Namespace, prefix: str, app: App) -> InstallRequest:
    """What makes ``prefix`` a copy of the environment that ``--clone`` names: the same packages, from the cache or from
    where they came, and all files that belong to none."""
    if args.specs or vars(args).get("file_specs"):
        raise UsageError("Cannot use --clone together with package specs.")
    source = source_of(str(args.clone), app)
    if os.path.realpath(source) == os.path.realpath(prefix):
        raise UsageError(f"Could not clone {source}: the new environment would be the same.")
    return copy_request(source, prefix, app, replace=False, files=kept_files(source))


def source_of(text: str, app: App) -> str:
    """The environment that a name or a path means; healed. Raises `PrefixError` if there is none."""
    found = healed(place_named(text, app), app.out.warning)
    if is_environment(found):
        return found
    hint = "`whipsnake env list` shows the environments."
    if is_path(text):
        raise PrefixError(f"Source prefix '{found}' is no environment (it has no conda-meta/history).", hint=hint)
    raise PrefixError(f"Could not find environment to clone: {text}", hint=hint)


def place_named(text: str, app: App) -> str:
    """What a name or a path means; nothing need be there."""
    context = prefix_context(app.config)
    if is_path(text):
        return resolve_target_prefix(context, path=text) or text
    return place_of(text, context)


def is_path(text: str) -> bool:
    """Whether a word is a path and not a name."""
    return os.sep in text or text in (".", "..", "~")


def copy_request(
    source: str, prefix: str, app: App, *, replace: bool, files: Mapping[str, bytes], moves: bool = False
) -> InstallRequest:
    """The request for a copy with the same packages, asked for in the same words."""
    present = read_prefix(source)
    records = with_requested(present.records, present.history)
    return InstallRequest(
        mode="create",
        prefix=prefix,
        exact=tuple(map(plain_record, records)),
        exact_requested={record.name: specs_of(record) for record in records if specs_of(record)},
        replace=replace,
        clone_of=source,
        moves=moves,
        command=app.command,
        files=files,
    )


def kept_files(source: str) -> dict[str, bytes]:
    """Variables and pins."""
    found = {}
    for name in _COPIED:
        path = os.path.join(source, META, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found[f"{META}/{name}"] = file.read()
    return found


def is_active(prefix: str, config: Config) -> bool:
    """Whether the shell that we were called from has it activated."""
    return config.active_prefix is not None and os.path.realpath(config.active_prefix) == os.path.realpath(prefix)
