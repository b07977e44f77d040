"""Menu entries (CEP 11) of the packages that come and go: when they are made and removed.

Rule of this file: they follow the change of the prefix and are no part of it. What an entry looks like is said by a
file of the package, so those of packages that go are planned before the change, and removed after it. Few packages
have any, so nothing that makes them is imported before one is met.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from engine.events import Report, silent
from engine.link.plan.noarch import python_info
from engine.link.prefix.records import read_records
from engine.link.request import LinkRequest
from engine.model.platform import is_of_system
from engine.model.records import PrefixRecord
from engine.system.home import home_directory

if TYPE_CHECKING:
    from engine.menu.apply import Planned
    from engine.menu.place import MenuPlace


def menus_to_remove(request: LinkRequest, names: Collection[str] | None = None) -> list[Planned]:
    """The entries of installed packages (None: of all), while their files are there. For one user and for all."""
    records = _with_menus(request)
    files = _files(records, names)
    if not files:
        return []
    from engine.menu.apply import plan_menus

    here = _place(request, records)
    places = (msgspec.structs.replace(here, system=system) for system in (False, True))
    return [plan for place in places for plan in plan_menus(place, files, silent)]


def change_menus(request: LinkRequest, old: list[Planned], report: Report) -> None:
    """After the change: the old entries go, those of the packages in ``request.link`` come."""
    if old:
        from engine.menu.apply import remove_menus

        remove_menus(old, request.prefix, report)
    records = _with_menus(request)
    files = _files(records, {record.name for record in request.link})
    if files:
        from engine.menu.apply import make_menus, plan_menus

        planned = plan_menus(_place(request, records), files, report)
        make_menus(planned, report, run_code=request.options.run_link_scripts)


def _with_menus(request: LinkRequest) -> tuple[PrefixRecord, ...]:
    """What is installed, if menu entries are wanted and possible. Nearly always there is no ``Menu`` to look into."""
    prefix = request.prefix
    wanted = request.options.shortcuts and request.baked == prefix and is_of_system(request.platform, sys.platform)
    return read_records(prefix) if wanted and os.path.isdir(os.path.join(prefix, "Menu")) else ()


def _files(records: tuple[PrefixRecord, ...], names: Collection[str] | None) -> list[str]:
    found = (record for record in records if names is None or record.name in names)
    return [path for record in found for path in record.files if path.lower().startswith("menu/")]


def _place(request: LinkRequest, records: tuple[PrefixRecord, ...]) -> MenuPlace:
    from engine.menu.apply import for_all_users
    from engine.menu.place import MenuPlace

    options = request.options
    python = next((python_info(record, request.platform) for record in records if record.name == "python"), None)
    root = options.root_prefix or request.prefix
    return MenuPlace(
        prefix=request.prefix,
        base_prefix=root,
        platform=request.platform,
        home=home_directory(),
        environ=options.environ,
        system=for_all_users(root, request.platform),
        program=options.program,
        python=python.version if python else "N.A",
        site_packages=python.site_packages if python else "",
    )
