"""``package compress``: make a package of a directory."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options
from engine.commands.package_options import absolute, add_compression_options, level_for, threads_of
from engine.fetch.archive.tool import create_archive, ending_of

if TYPE_CHECKING:
    from engine.commands.app import App


def arguments(parser: ArgumentParser) -> None:
    """micromamba's."""
    parser.add_argument("folder", metavar="FOLDER", help="the directory, with info/index.json in it")
    parser.add_argument("dest", metavar="DEST", help="the package (name-version-build.conda or .tar.bz2)")
    add_compression_options(parser)
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """Pack it; the same files give the same bytes."""
    folder, destination = absolute(args.folder, app), absolute(args.dest, app)
    level = level_for(ending_of(destination), args)
    app.out.line(f"Compressing {folder} to {destination}")
    create_archive(folder, destination, level, threads_of(args))
    app.out.result(success=True, path=destination)
    return 0
