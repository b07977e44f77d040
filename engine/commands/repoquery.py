"""What ``search`` and the three ``repoquery`` commands share: where they look, and how an answer is printed.

Words, layout and JSON keys are micromamba's; so is the exit code 0 where nothing is found.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.commands.options import (
    add_channel_options,
    add_flag,
    add_general_options,
    add_network_options,
    add_prefix_options,
    add_value,
)
from engine.commands.report import record_json
from engine.commands.rows import (
    as_rows,
    installed_records,
    names_of_channels,
    query_channels,
    remote_rows,
    resolve_spec,
)
from engine.errors import UsageError
from engine.model.match_spec import MatchSpec
from engine.model.platform import default_site_packages
from engine.model.records import RepoDataRecord
from engine.model.shards import with_json
from engine.query.catalog import Catalog
from engine.query.graph import Graph, Node
from engine.query.search import suggestions
from engine.ui.query import PackageRow, tree_lines

if TYPE_CHECKING:
    from engine.commands.app import App
    from engine.fetch.index.shard_walk import Wanted
    from engine.solve.task import Rows

OPTIONS = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True}


def query_arguments(parser: ArgumentParser) -> None:
    """The options of all queries."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="what to look for: names may have * in them")
    flags = parser.add_argument_group("query options")
    add_flag(flags, "-t", "--tree", dest="tree", help="show the answer as a tree")
    add_flag(flags, "--recursive", dest="recursive", help="all the way, not only the first step")
    add_flag(flags, "-i", "--info", "--pretty", dest="pretty", help="show all that is known of a package (for search)")
    add_flag(flags, "--remote", dest="remote", help="look in the channels")
    add_flag(flags, "--local", dest="local", help="look in the environment")
    add_value(flags, "--platform", dest="platform", metavar="SUBDIR", help="for another platform than this one")
    add_general_options(parser)
    add_prefix_options(parser)
    add_network_options(parser)
    add_channel_options(parser)


class Query:
    """One question: its words, its specs, and the catalog that is asked."""

    def __init__(self, kind: str, args: Namespace, app: App, *, local: bool) -> None:
        """``local``: where to look if no option says; naming a channel means that one looks there."""
        self.kind, self.app, self.asked = kind, app, vars(args)
        self.config = app.config  # read before the first word is printed, for it may say that none shall be
        self.words: Sequence[str] = args.specs
        self.specs = [resolve_spec(text, app) for text in self.words]
        self.is_local = self._is_local(local)
        self.catalog = Catalog(self._local_rows() if self.is_local else self._remote_rows())

    @property
    def text(self) -> str:
        """The question as it was typed."""
        return " ".join(self.words)

    @property
    def names_channel(self) -> bool:
        """Whether the command line names a channel."""
        return bool(self.app.options.get("channels"))

    def one_spec(self) -> MatchSpec:
        """The only spec; `UsageError` if there are more."""
        if len(self.specs) != 1:
            raise UsageError(f"Only one query supported for '{self.kind}'.")
        return self.specs[0]

    def _is_local(self, default: bool) -> bool:
        local, remote = bool(self.asked.get("local")), bool(self.asked.get("remote"))
        if local and remote:
            raise UsageError("Only one of --local and --remote can be used at the same time.")
        return local or (default and not remote and not self.names_channel)

    def _local_rows(self) -> Sequence[Rows]:
        self.app.out.line("Using local repodata...")
        prefix, records = installed_records(self.app)
        self.app.out.line(f"Loaded current active prefix: {prefix}")
        return as_rows(records, self.app)

    def _remote_rows(self) -> Sequence[Rows]:
        channels = query_channels(self.app, self.specs)
        self.app.out.line("Getting repodata from channels...")
        rows: list[Rows] = list(remote_rows(self.app, channels, self._wanted()))
        return rows if self.kind == "search" else [*rows, *as_rows((), self.app)]

    def _wanted(self) -> Wanted | None:
        """What of the channels is needed for the answer: who needs something may be anybody."""
        from engine.fetch.index.shard_walk import Wanted

        wanted = None if self.kind == "whoneeds" else Wanted.of(self.specs)
        return msgspec.structs.replace(wanted, deep=self.kind == "depends") if wanted else None

    # --- answers ---------------------------------------------------------------------------------------------

    def answer_json(self, records: Sequence[RepoDataRecord], root: RepoDataRecord | None = None) -> None:
        """The one JSON object. ``root`` is where a graph begins, if the answer is one."""
        names = names_of_channels(self.app, records)
        result: dict[str, object] = {
            "msg": "" if records else self._nothing(),
            "status": "OK",
            "pkgs": [fact(record, names) for record in records],
        }
        if self.kind != "search" and records:
            result["graph_roots"] = [fact(root, names) if root else self.text]
        if not records and (meant := suggestions(self.catalog, self.specs)):
            result["did_you_mean"] = meant
        self.app.out.result(query={"query": self.text, "type": self.kind}, result=result)

    def answer_nothing(self) -> None:
        """Say that there is nothing, and what could be tried."""
        out = self.app.out
        if out.json:
            self.answer_json(())
            return
        out.data(self._nothing())
        if meant := suggestions(self.catalog, self.specs):
            out.data(f"Did you mean {_either(meant)}?")
        if self.is_local and self.kind != "search":
            out.data("Try looking remotely with '--remote'.")
        if not self.is_local and not self.names_channel:
            out.data("Try looking in a different channel with '-c, --channel'.")

    def _nothing(self) -> str:
        return f'No entries matching "{self.text}" found'

    def answer_tree(self, graph: Graph) -> None:
        """A graph as a tree. One without edges stands below the question, as micromamba has it."""
        labels = [label(node) for node in graph.nodes]
        if not graph.edges[0]:
            self.app.out.data("\n".join([self.text, f"  └─ {labels[0]}"]))
            return
        names = [node.name for node in graph.nodes]
        lines = tree_lines(labels, names, graph.edges, colours=self.app.out.is_terminal)
        self.app.out.data("\n".join(lines))

    def row(self, record: RepoDataRecord, names: dict[str, str], depends: str | None = None) -> PackageRow:
        """A record as a line of a table."""
        channel = names.get(record.channel, record.channel)
        return PackageRow(record.name, record.version, record.build, channel, record.subdir, depends=depends)


def node_records(graph: Graph) -> list[RepoDataRecord]:
    """The records of a graph; a dependency that nothing meets is one with nothing but a name, as in micromamba."""
    return [node.record or RepoDataRecord(name=node.name, version="") for node in graph.nodes]


def label(node: Node) -> str:
    """``name[version]``."""
    return f"{node.name}[{node.record.version}]" if node.record and node.record.version else node.name


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def fact(record: RepoDataRecord, names: dict[str, str]) -> dict[str, object]:
    """A record in the keys of ``--json``, its channel by name; a python always says where its modules go."""
    found = {**record_json(with_json(record)), "channel": names.get(record.channel, record.channel)}
    if record.name == "python" and not record.python_site_packages_path and record.version:
        found["python_site_packages_path"] = default_site_packages(record.subdir, record.version)
    return found
