"""``list``: the packages of an environment, also those that pip installed."""

from __future__ import annotations

import re
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.commands.list_columns import TITLES, USUAL, cells, columns, full_records
from engine.commands.options import add_flag, add_general_options, add_prefix_options, add_value
from engine.config.channels import channel_names
from engine.environment.environments import Installed, existing_prefix, installed_by_pip, read_installed
from engine.errors import UsageError
from engine.link.prefix.history import Revision, read_history
from engine.model.url import strip_secrets
from engine.specfile.text import EXPLICIT_MARK
from engine.ui.text import human_bytes, table, width

if TYPE_CHECKING:
    from engine.commands.app import App

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}

_PYPI = "pypi"
_PYPI_BASE_URL = "https://pypi.org/"
_PYTHON_PLATFORMS = {
    "linux": "linux", "osx": "darwin", "win": "win32", "64": "x86_64", "32": "x86", "arm64": "arm64",
}  # fmt: skip
"""How Python calls the parts of a subdir: micromamba shows packages of pip with its ``sys.platform`` and machine."""


class Row(NamedTuple):
    """One package as every form of the list needs it."""

    name: str
    version: str
    build: str
    build_number: int
    channel: str
    base_url: str
    platform: str
    url: str
    md5: str
    sha256: str

    @property
    def dist(self) -> str:
        """``name-version-build``."""
        return f"{self.name}-{self.version}-{self.build}"


def arguments(parser: ArgumentParser) -> None:
    """micromamba's options."""
    parser.add_argument("regex", nargs="?", default="", metavar="REGEX", help="only packages whose name matches")
    flags = parser.add_argument_group("list options")
    add_flag(flags, "-f", "--full-name", dest="full_name", help="the whole name must match")
    add_flag(flags, "--no-pip", dest="no_pip", help="leave away what pip installed")
    add_flag(flags, "--reverse", dest="reverse", help="from Z to A")
    add_flag(flags, "--explicit", dest="explicit", help="the address of each package")
    add_flag(flags, "--md5", dest="md5", help="with the MD5 digest, for --explicit")
    add_flag(flags, "--sha256", dest="sha256", help="with the SHA-256 digest, for --explicit")
    add_flag(flags, "-c", "--canonical", dest="canonical", help="channel/platform::name-version-build")
    add_flag(flags, "-e", "--export", dest="export", help="name=version=build")
    add_flag(flags, "--revisions", dest="revisions", help="what was done to the environment, and when")
    add_value(flags, "--fields", dest="list_columns", metavar="COLUMNS", help="these columns, joined by commas")
    add_flag(flags, "--size", dest="size", help="what each package and the environment take on the disk")
    add_flag(flags, "--auth", dest="auth", help="leave tokens and passwords in the addresses of --explicit")
    add_flag(flags, "--show-channel-urls", dest="show_channel_urls", help=SUPPRESS)
    add_general_options(parser)
    add_prefix_options(parser)


def run(args: Namespace, app: App) -> int:
    """Print the form that was asked for; the earlier of revisions, explicit, canonical, export wins."""
    prefix = existing_prefix(app.config, app.out.warning)
    asked = vars(args)
    if asked.get("explicit") and asked.get("md5") and asked.get("sha256"):
        raise UsageError("Only one of --md5 and --sha256 can be used at the same time.")
    if asked.get("revisions"):
        _say_what_is_passed_over(asked, app)
        _show_revisions(read_history(prefix), app)
        return 0
    fields = columns(asked.get("list_columns"), size=bool(asked.get("size")))
    rows = _matching(_rows(prefix, app, with_pip=not asked.get("no_pip"), auth=bool(asked.get("auth"))), args)
    sizes = _sizes(prefix) if "size" in fields else {}
    app.out.result(packages=[{**_as_json(row), **_size_json(row, sizes)} for row in rows])
    _say_what_is_passed_over(asked, app)
    if _is_plain(asked) or fields == USUAL:
        app.out.data("\n".join(_lines(prefix, rows, asked, app.config.platform)))
    else:
        app.out.data("\n".join(_wide_lines(prefix, rows, fields, sizes)))
    return 0


def _is_plain(asked: dict[str, object]) -> bool:
    return any(asked.get(form) for form in ("explicit", "canonical", "export"))


def _sizes(prefix: str) -> dict[str, int]:
    from engine.environment.sizes import environment_size, package_sizes  # rarely asked for

    packages = package_sizes(prefix)
    return {**packages, "": environment_size(prefix, packages)}


def _size_json(row: Row, sizes: dict[str, int]) -> dict[str, int]:
    return {"size": sizes.get(row.name, 0)} if sizes else {}


def _wide_lines(prefix: str, rows: Sequence[Row], fields: Sequence[str], sizes: dict[str, int]) -> Iterable[str]:
    records = full_records(prefix)
    found = []
    for row in rows:
        known = {
            "name": row.name,
            "version": row.version,
            "build": row.build,
            "build_number": row.build_number,
            "channel_name": row.channel,
            "dist_str": f"{row.channel}/{row.platform}::{row.dist}",
        }
        if sizes:
            known["size"] = sizes.get(row.name, 0)
        found.append(cells(fields, known, {} if row.channel == _PYPI else records.get(row.name, {})))
    header, *lines = table([tuple(TITLES[field] for field in fields), *found])
    rule = "─" * max(map(width, [header, *lines]))
    total = [f"Size of the environment: {human_bytes(sizes[''])}"] if sizes else []
    return [f"List of packages in environment: {prefix}", *total, "", header, rule, *lines]


def _say_what_is_passed_over(asked: dict[str, object], app: App) -> None:
    """Only one form can be printed."""
    forms = [name for name in ("revisions", "explicit", "canonical", "export") if asked.get(name)]
    for name in forms[1:]:
        app.out.warning(f"Option --{name} is ignored, since --{forms[0]} was also given.")


def _matching(rows: Iterable[Row], args: Namespace) -> list[Row]:
    asked = vars(args)
    text = f"^{args.regex}$" if asked.get("full_name") else args.regex
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"Could not understand the regular expression {text!r}: {error}.") from error
    found = [row for row in rows if not args.regex or pattern.search(row.name)]
    return sorted(found, key=lambda row: row.name, reverse=bool(asked.get("reverse")))


def _rows(prefix: str, app: App, *, with_pip: bool, auth: bool) -> list[Row]:
    installed = read_installed(prefix)
    names = channel_names({record.channel_url for record in installed}, app.config)
    rows = [_row(record, names[record.channel_url], auth=auth) for record in installed]
    if with_pip:
        rows += _pip_rows(prefix, installed, app)
    return rows


def _row(record: Installed, channel: str, *, auth: bool) -> Row:
    return Row(
        name=record.name,
        version=record.version,
        build=record.build,
        build_number=record.build_number,
        channel=channel,
        base_url=record.channel_url,
        platform=record.subdir or record.platform or "",
        url=(record.url or "") if auth else strip_secrets(record.url or ""),
        md5=record.md5 or "",
        sha256=record.sha256 or "",
    )


def _pip_rows(prefix: str, installed: Sequence[Installed], app: App) -> list[Row]:
    found = installed_by_pip(prefix, installed, app.config.platform)
    where = _python_platform(app.config.platform)
    return [Row(record.name, record.version, "pypi_0", 0, _PYPI, _PYPI_BASE_URL, where, "", "", "") for record in found]


def _python_platform(subdir: str) -> str:
    return "win32-AMD64" if subdir == "win-64" else "-".join(_PYTHON_PLATFORMS.get(p, p) for p in subdir.split("-", 1))


def _as_json(row: Row) -> dict[str, object]:
    """The keys of micromamba's and conda's ``list --json``."""
    return {
        "base_url": row.base_url,
        "build_number": row.build_number,
        "build_string": row.build,
        "channel": row.channel,
        "dist_name": row.dist,
        "md5": row.md5,
        "name": row.name,
        "platform": row.platform,
        "sha256": row.sha256,
        "url": row.url,
        "version": row.version,
    }


def _lines(prefix: str, rows: Sequence[Row], asked: dict[str, object], platform: str) -> Iterable[str]:
    if asked.get("explicit"):
        # The two lines make it a file that `create --file` takes (CEP 23), as with conda.
        return [f"# platform: {platform}", EXPLICIT_MARK, *(line for row in rows if (line := _explicit(row, asked)))]
    if asked.get("canonical"):
        return [f"{row.channel}/{row.platform}::{row.dist}" for row in rows]
    if asked.get("export"):
        return [f"{row.name}={row.version}={row.build}" for row in rows]
    header, *lines = table(
        [("Name", "Version", "Build", "Channel"), *((row.name, row.version, row.build, row.channel) for row in rows)]
    )
    rule = "─" * max(map(width, [header, *lines]))
    return [f"List of packages in environment: {prefix}", "", header, rule, *lines]


def _explicit(row: Row, asked: dict[str, object]) -> str:
    """The address, with a digest where one is asked for and known; what pip installed has none."""
    digest = row.md5 if asked.get("md5") else row.sha256 if asked.get("sha256") else ""
    return f"{row.url}#{digest}" if digest else row.url


def _show_revisions(history: Sequence[Revision], app: App) -> None:
    blocks = [(number, block) for number, block in enumerate(history) if block.linked or block.unlinked]
    app.out.result(
        packages=[
            {"date": block.date, "install": list(block.linked), "remove": list(block.unlinked), "rev": number}
            for number, block in blocks
        ]
    )
    for number, block in blocks:
        changes = [*(f"-{dist}" for dist in block.unlinked), *(f"+{dist}" for dist in block.linked)]
        app.out.data("\n".join([f"{block.date} (rev {number})", *changes, "", ""]))
