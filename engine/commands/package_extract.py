"""``package extract``: take a package apart."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.commands.options import add_general_options
from engine.commands.package_options import absolute
from engine.fetch.archive.tool import ending_of, extract_archive

if TYPE_CHECKING:
    from engine.commands.app import App


def arguments(parser: ArgumentParser) -> None:
    """micromamba's."""
    parser.add_argument("archive", metavar="ARCHIVE", help="the package")
    parser.add_argument("dest", nargs="?", metavar="DEST", help="the directory (without one: named after the package)")
    add_general_options(parser)


def run(args: Namespace, app: App) -> int:
    """Unpack it; what is broken or unsafe leaves nothing."""
    archive = absolute(args.archive, app)
    destination = absolute(args.dest, app) if args.dest else archive.removesuffix(ending_of(archive))
    app.out.line(f"Extracting {archive} to {destination}")
    contents = extract_archive(archive, destination)
    app.out.result(success=True, path=destination, files=len(contents.files) + len(contents.softlinks))
    return 0
