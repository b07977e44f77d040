"""From `Entry` to `Order`: what one environment shall hold, where it shall be, and a digest by which to know it again.

Rule of this file: it understands one entry at a time, so that what is wrong with one is an error of that one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from engine.bulk.manifest import Entry
from engine.config import Config
from engine.config.channels import configured_channels, with_file_channels
from engine.config.prefixes import check_file_name, check_place, place_of, prefix_context
from engine.errors import PrefixError, UsageError
from engine.inputs import Asked, Fetch, gather, with_default_packages
from engine.model.channel import Channel, absolute_path
from engine.model.url import strip_secrets
from engine.planning.pins import pins_of
from engine.system.machine import Machine


class OrderContext(msgspec.Struct, frozen=True):
    """What is the same for all entries of a run."""

    config: Config
    environ: Mapping[str, str]
    machine: Callable[[str], Machine]
    """The machine of a platform."""
    fetch: Fetch
    directory: str = ""
    """Where environments with a name go; "" means where the configuration says."""
    name_by_stem: bool = False
    no_deps: bool = False
    only_deps: bool = False


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One environment, understood."""

    label: str
    """What it is called in tables: its name, or else its prefix."""
    prefix: str
    source: str
    asked: Asked
    config: Config
    machine: Machine
    channels: tuple[Channel, ...]
    no_deps: bool = False
    only_deps: bool = False
    pins_platform: bool = False
    """Whether the platform is another than the configured one, and has to be noted in the environment."""
    solve_key: str = ""
    """The same for orders that a solver can't tell apart."""
    digest: str = ""
    """Of all that was asked for, the pip part and variables included; not of the place."""

    @property
    def is_listed(self) -> bool:
        """Whether all packages are given by address, so that there is nothing to solve."""
        return bool(self.asked.explicit) and not self.asked.specs


def understand(entry: Entry, context: OrderContext) -> Order:
    """Read the files of an entry. Raises what reading them raises, `UsageError` and `PrefixError` for its place."""
    config, machine = context.config, context.machine(context.config.platform)
    if entry.platform and entry.platform != config.platform:
        config = msgspec.structs.replace(config, platform=entry.platform)
        machine = context.machine(entry.platform)
    asked = gather(entry.specs, entry.files, config, context.environ, context.fetch)
    if asked.is_empty and not asked.pip_parts:
        raise UsageError(f"Nothing is asked for in {entry.source}.", hint="List packages under `dependencies:`.")
    config = with_file_channels(config, _channel_texts(entry, asked))
    asked = with_default_packages(asked, config.create_default_packages)
    name = entry.name or ("" if entry.prefix else _name(entry, asked, context))
    prefix = _place(entry, name, context)
    config = msgspec.structs.replace(config, target_prefix=prefix)
    order = Order(
        label=name or os.path.basename(prefix),
        prefix=prefix,
        source=entry.source,
        asked=asked,
        config=config,
        machine=machine,
        channels=configured_channels(config),
        no_deps=context.no_deps,
        only_deps=context.only_deps,
        pins_platform=config.platform != context.config.platform or bool(context.config.sources.get("platform")),
    )
    return _digested(order)


def _channel_texts(entry: Entry, asked: Asked) -> tuple[str, ...]:
    """The entry's own channels, then its files'; the manifest's only where there are neither."""
    return (*entry.channels, *asked.channels) or entry.default_channels


def _name(entry: Entry, asked: Asked, context: OrderContext) -> str:
    if asked.name and not context.name_by_stem:
        return asked.name
    path = entry.files[0].partition("?")[0]
    return os.path.splitext(os.path.basename(path))[0]


def _place(entry: Entry, name: str, context: OrderContext) -> str:
    config = context.config
    if entry.prefix:
        prefix = entry.prefix
    elif context.directory:
        prefix = os.path.join(absolute_path(context.directory, config.cwd, config.home), check_file_name(name))
    else:
        prefix = place_of(check_file_name(name), prefix_context(config))
    check_place(prefix)
    if prefix == config.root_prefix:
        raise PrefixError(
            f"Could not make an environment at {prefix}: that is the root prefix, which may not be overwritten.",
            hint="Choose another name or prefix.",
        )
    return prefix


def check_clashes(orders: Sequence[Order]) -> None:
    """Raise `UsageError` if two orders are for the same place: neither could be right."""
    seen: dict[str, Order] = {}
    for order in orders:
        place = os.path.realpath(order.prefix)
        other = seen.setdefault(place, order)
        if other is not order:
            raise UsageError(
                f"Two environments would be made at {order.prefix}: {other.source} and {order.source}",
                hint="Give them different names in a manifest, or use --name-by stem to call each as its file.",
            )


# --- digests


def _digested(order: Order) -> Order:
    solve_key = _hash(_solver_facts(order))
    whole = _hash([solve_key, *_other_facts(order)])
    return msgspec.structs.replace(order, solve_key=solve_key, digest=whole)


def _hash(facts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()


def _solver_facts(order: Order) -> dict[str, object]:
    """All that decides which packages are chosen, but for the index and the machine."""
    asked, config = order.asked, order.config
    return {
        "specs": [str(spec) for spec in asked.specs],
        "explicit": [(strip_secrets(one.url), one.md5, one.sha256) for one in asked.explicit],
        "channels": [channel.public_url for channel in order.channels],
        "platform": config.platform,
        "pins": [str(pin) for pin in pins_of(config, order.prefix)],
        "priority": config.channel_priority,
        "newer": [config.exclude_newer, config.exclude_newer_package, config.channel_settings],
        "add_pip": config.add_pip_as_python_dependency,
        "virtual": config.override_virtual_packages,
        "deps": [order.no_deps, order.only_deps],
    }


def _other_facts(order: Order) -> Iterator[object]:
    asked = order.asked
    yield asked.variables
    if asked.pip_parts:
        yield "uv" if asked.use_uv else "pip"
    for part in asked.pip_parts:
        yield part.lines
        yield from _included(part.lines, part.directory)


def _included(lines: Sequence[str], directory: str) -> Iterator[str]:
    """The content of requirements files that the lines name (``-r FILE``, ``-c FILE``); "" for what can't be read."""
    for line in lines:
        for option in ("-r", "-c", "--requirement", "--constraint"):
            rest = line[len(option) :].lstrip(" =") if line.startswith(option) else ""
            if rest:
                yield _content(os.path.join(directory, rest))


def _content(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
