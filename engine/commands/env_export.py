"""``env export`` and ``export``: an environment as a file that makes it again."""

from __future__ import annotations

import os
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from engine.commands.options import add_flag, add_general_options, add_prefix_options, add_switch, add_value
from engine.config.channels import channel_names, configured_channels
from engine.environment.environments import (
    Installed,
    environment_name,
    existing_prefix,
    installed_by_pip,
    read_installed,
)
from engine.environment.export import (
    Exported,
    Package,
    environment_json,
    environment_yaml,
    explicit_text,
    list_text,
    package_spec,
)
from engine.environment.export_lock import Locked, conda_lock_text, pixi_lock_text
from engine.environment.state import environment_variables, read_state
from engine.errors import ParseError, UsageError
from engine.link.prefix.disk import write_atomic
from engine.link.prefix.history import read_history, requested_specs
from engine.model.match_spec import MatchSpec
from engine.model.url import mask_secrets, strip_secrets

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.model.records import PrefixRecord

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}

Format = Literal["environment-yaml", "environment-json", "explicit", "requirements", "conda-lock-v1", "rattler-lock-v6"]

_FORMATS: Mapping[str, Format] = {
    "environment-yaml": "environment-yaml",
    "yaml": "environment-yaml",
    "yml": "environment-yaml",
    "environment-json": "environment-json",
    "json": "environment-json",
    "explicit": "explicit",
    "requirements": "requirements",
    "reqs": "requirements",
    "txt": "requirements",
    "conda-lock-v1": "conda-lock-v1",
    "conda-lock": "conda-lock-v1",
    "rattler-lock-v6": "rattler-lock-v6",
    "pixi-lock-v6": "rattler-lock-v6",
}
"""conda's names of formats, and their short ones."""


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options, and those that conda's ``export`` has besides."""
    group = parser.add_argument_group("export options")
    add_flag(group, "-e", "--explicit", dest="explicit", help="the address of each package")
    add_switch(group, ["--no-md5"], ["--md5"], dest="no_md5", help="without digests (--md5: with them)")
    add_switch(group, ["--no-build", "--no-builds"], ["--build"], dest="no_build", help="without build strings")
    add_flag(group, "--override-platforms", dest="ignored", help=SUPPRESS)  # conda's; an export is for one platform
    add_flag(group, "--channel-subdir", dest="channel_subdir", help="with channel and platform of each package")
    add_flag(group, "--ignore-channels", dest="ignore_channels", help="without the channels of packages")
    add_flag(group, "--from-history", dest="from_history", help="only what was asked for, in those words")
    add_flag(group, "--no-pip", dest="no_pip", help="leave away what pip installed")
    add_value(group, "-f", "--file", dest="file", metavar="FILE", help="write there instead of printing")
    add_value(group, "--format", dest="format", choices=sorted(_FORMATS), metavar="FORMAT", help=_formats_text())
    channels = parser.add_argument_group("channel options")
    text = "name this channel too, before the others"
    add_value(channels, "-c", "--channel", dest="channels", action="append", metavar="CHANNEL", help=text)
    add_flag(channels, "--override-channels", dest="override_channels", help="name only the channels given here")
    add_general_options(parser)
    add_prefix_options(parser)


def _formats_text() -> str:
    return f"one of {', '.join(dict.fromkeys(_FORMATS.values()))}"


def run(args: Namespace, app: App) -> int:
    """Print or write the form that was asked for."""
    asked = vars(args)
    kind = _format(asked, app)
    export = _Export(existing_prefix(app.config, app.out.warning), asked, app)
    file = asked.get("file")
    if kind == "environment-json" and not file:
        app.out.json = True
        app.out.result(**environment_json(export.environment()))
        return 0
    text = export.text(kind)
    if file:
        path = os.path.join(app.config.cwd, os.path.expanduser(file))
        write_atomic(path, text.encode())
        app.out.result(success=True, file=path, format=kind)
        app.out.line(f"Wrote {path}.")
    else:
        app.out.json = False  # the text is the answer: there is no JSON of it
        app.out.data(text)
    return 0


def _format(asked: Mapping[str, object], app: App) -> Format:
    """--explicit before --format before the file's name before --json."""
    if asked.get("explicit"):
        if app.config.json and not asked.get("file"):
            app.out.json = False
            app.out.warning("--json is ignored, for an explicit list is no JSON.")
        return "explicit"
    if asked.get("format"):
        return _FORMATS[str(asked["format"])]
    if asked.get("file"):
        return _format_of(str(asked["file"]))
    return "environment-json" if app.config.json else "environment-yaml"


def _format_of(file: str) -> Format:
    name = os.path.basename(file).lower()
    if name.endswith(("-lock.yml", "-lock.yaml")):
        return "conda-lock-v1"
    if name == "pixi.lock":
        return "rattler-lock-v6"
    if name.endswith((".yml", ".yaml")):
        return "environment-yaml"
    if name.endswith(".json"):
        return "environment-json"
    if name in ("explicit.txt", "requirements.txt", "spec.txt"):
        return "explicit" if name == "explicit.txt" else "requirements"
    raise UsageError(
        f"Could not tell from the name {file!r} in which format to write.", hint="Say it with --format, or --explicit."
    )


class _Export:
    """One environment on its way into a file."""

    def __init__(self, prefix: str, asked: Mapping[str, object], app: App) -> None:
        self.prefix, self.asked, self.app = prefix, asked, app
        self.installed = read_installed(prefix)
        self._names = channel_names({record.channel_url for record in self.installed}, app.config)

    def text(self, kind: Format) -> str:
        """All of it in one of the formats."""
        make: dict[Format, Callable[[], str]] = {
            "environment-yaml": lambda: environment_yaml(self.environment()),
            "environment-json": lambda: _json_text(environment_json(self.environment())),
            "explicit": self._explicit,
            "conda-lock-v1": lambda: self._lock(conda_lock_text),
            "rattler-lock-v6": lambda: self._lock(pixi_lock_text),
            "requirements": lambda: list_text(self._specs(self._exported()), self.app.config.platform),
        }
        return make[kind]()

    def environment(self) -> Exported:
        """What an environment.yml says."""
        records = self._exported()
        return Exported(
            name=environment_name(self.prefix, self.app.config) or os.path.basename(self.prefix),
            prefix=self.prefix,
            channels=tuple(self._channels(records)),
            dependencies=tuple(self._specs(records)),
            pip=() if self.asked.get("no_pip") else tuple(self._requirements()),
            variables=environment_variables(read_state(self.prefix)),
        )

    def _exported(self) -> list[Installed]:
        """The records that the file speaks of."""
        if not self.asked.get("from_history"):
            return self.installed
        return [record for record in self.installed if record.name in self._history]

    @cached_property
    def _history(self) -> dict[str, str]:
        return requested_specs(read_history(self.prefix))

    def _specs(self, records: Sequence[Installed]) -> list[str]:
        if self.asked.get("from_history"):
            history = self._history
            return [readable_spec(history[record.name]) for record in records]
        return [
            package_spec(
                self._package(record),
                build=not self.asked.get("no_build"),
                md5=self.asked.get("no_md5") is False,
                channel=bool(self.asked.get("channel_subdir")) and not self.asked.get("ignore_channels"),
            )
            for record in records
        ]

    def _package(self, record: Installed) -> Package:
        return Package(
            name=record.name,
            version=record.version,
            build=record.build,
            channel=self._names[record.channel_url],
            subdir=record.subdir or record.platform or "",
            url=strip_secrets(record.url or ""),
            md5=record.md5 or "",
            sha256=record.sha256 or "",
        )

    def _channels(self, records: Sequence[Installed]) -> list[str]:
        """The channels of the packages, in the order of the configuration (it is their priority), others after them."""
        config = self.app.config
        given = [channel.name for channel in configured_channels(config, config.asked_channels)]
        if config.override_channels:
            return given
        used = {self._names[record.channel_url] for record in records} - {""}
        configured = [channel.name for channel in configured_channels(config) if channel.name in used]
        return list(dict.fromkeys([*given, *configured, *sorted(used)]))

    def _requirements(self) -> list[str]:
        found = installed_by_pip(self.prefix, self.installed, self.app.config.platform)
        return [f"{record.name}=={record.version}" for record in found]

    def _lock(self, make: Callable[[Sequence[Locked], str, Sequence[str]], str]) -> str:
        from engine.link.prefix.records import read_records
        from engine.solve.order import link_order

        self._warn_of_pip("a lock file")
        records = link_order(read_records(self.prefix))
        channels = dict.fromkeys(record.channel_url for record in self.installed if record.channel_url)
        return make([_locked(record) for record in records], self.app.config.platform, list(channels))

    def _warn_of_pip(self, where: str) -> None:
        if not self.asked.get("no_pip") and (requirements := self._requirements()):
            self.app.out.warning(f"What pip installed is not in {where}: {', '.join(requirements)}.")

    def _explicit(self) -> str:
        from engine.link.prefix.records import read_records
        from engine.solve.order import link_order

        names = [record.name for record in link_order(read_records(self.prefix))]
        by_name = {record.name: self._package(record) for record in self.installed}
        self._warn_of_pip("an explicit list")
        return explicit_text(
            (by_name[name] for name in names), self.app.config.platform, digests=not self.asked.get("no_md5")
        )


def _locked(record: PrefixRecord) -> Locked:
    import msgspec

    said = msgspec.json.decode(record.raw, type=dict[str, object]) if record.raw else {}
    return Locked(
        name=record.name,
        version=record.version,
        build=record.build,
        build_number=record.build_number,
        url=record.url,
        md5=record.md5 or "",
        sha256=record.sha256 or "",
        depends=record.depends,
        constrains=record.constrains,
        license=str(said.get("license") or ""),
        noarch=record.noarch_type or "",
        size=record.size,
        timestamp_ms=record.timestamp_ms,
        python_site_packages_path=record.python_site_packages_path or "",
    )


def readable_spec(text: str) -> str:
    """A spec of a history in the form that people write; without secrets."""
    if "[" in text:
        try:
            spec = MatchSpec.parse(text)
        except ParseError:
            return mask_secrets(text)
        plain = spec.to_conda_build_form()
        if MatchSpec.parse(plain) == spec:
            return plain
    return mask_secrets(text)


def _json_text(document: Mapping[str, object]) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(document), indent=4).decode() + "\n"
