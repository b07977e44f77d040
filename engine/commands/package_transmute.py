"""``package transmute``: turn a package of one format into one of the other."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options
from engine.commands.package_options import absolute, add_compression_options, level_for, threads_of
from engine.fetch.archive.tool import ending_of, transmute_archive

if TYPE_CHECKING:
    from engine.commands.app import App

_OTHER = {".conda": ".tar.bz2", ".tar.bz2": ".conda"}


def arguments(parser: ArgumentParser) -> None:
    """micromamba's."""
    parser.add_argument("infile", metavar="ARCHIVE", help="the package; the other one appears beside it")
    add_compression_options(parser)
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """Write the other one."""
    archive = absolute(args.infile, app)
    ending = ending_of(archive)
    destination = archive[: -len(ending)] + _OTHER[ending]
    level = level_for(_OTHER[ending], args)
    app.out.line(f"Transmuting {archive} to {destination}")
    transmute_archive(archive, destination, level, threads_of(args))
    app.out.result(success=True, path=destination)
    return 0
