"""Makes and removes the menu entries of packages. Rule: whatever goes wrong is a warning, and the rest goes on.

An entry is only removed if it is of this very prefix: two environments may have brought one of the same name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence

import msgspec

from engine.errors import LinkError
from engine.events import Notice, Report
from engine.menu.item import Menu, OldForm, read_menu
from engine.menu.linux import SYSTEM_DATA, linux_artifacts
from engine.menu.osx import osx_artifacts
from engine.menu.place import Artifacts, MenuPlace
from engine.menu.windows import MAKE, Shortcut, windows_artifacts

_MENU_FILE = re.compile(r"Menu/[^/]+\.json", re.IGNORECASE)
_PATIENCE = 60.0
"""Seconds that a program of the desktop, or code of a package, may take."""


class Planned(msgspec.Struct, frozen=True):
    """The entries of one file of a package."""

    where: str
    artifacts: Artifacts
    shortcuts: tuple[Shortcut, ...] = ()


def menu_files(files: Iterable[str]) -> list[str]:
    """Those among a package's files (relative to the prefix) that ask for menu entries."""
    return [path for path in files if _MENU_FILE.fullmatch(path)]


def for_all_users(base_prefix: str, platform: str) -> bool:
    """Whether entries go where all users see them: unless the installation is marked as one user's (``.nonadmin``)
    or we may not write there (CEP 11, "--mode")."""
    if os.path.exists(os.path.join(base_prefix, ".nonadmin")):
        return False
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.access("/Applications" if platform.startswith("osx-") else SYSTEM_DATA, os.W_OK)


def plan_menus(place: MenuPlace, files: Iterable[str], report: Report) -> list[Planned]:
    """What belongs to the menu files among ``files``, which must be in the prefix now."""
    found = []
    for path in menu_files(files):
        try:
            with open(os.path.join(place.prefix, path), "rb") as file:
                menu = read_menu(file.read(), path, place.platform, is_base=place.is_base)
        except OldForm as error:
            report(Notice("info" if not place.platform.startswith("win-") else "warning", error.message))
        except LinkError as error:
            report(Notice("warning", error.message))
        except OSError as error:
            report(Notice("warning", f"The menu entries of {path} were not made: {error.strerror}."))
        else:
            found.append(_planned(menu, place, path))
    return found


def _planned(menu: Menu, place: MenuPlace, where: str) -> Planned:
    if place.platform.startswith("win-"):
        artifacts, shortcuts = windows_artifacts(menu, place)
        return Planned(where, artifacts, shortcuts)
    make = osx_artifacts if place.platform.startswith("osx-") else linux_artifacts
    return Planned(where, make(menu, place))


def make_menus(planned: Sequence[Planned], report: Report, *, run_code: bool = True) -> None:
    """Make entries. ``run_code``: whether code of packages may run."""
    for plan in planned:
        made = plan.artifacts
        _try(f"make the menu entries of {plan.where}", report, lambda made=made: _make(made, run_code))  # type: ignore[misc]
        for note in made.notes:
            report(Notice("info", note))
    _shortcuts([shortcut for plan in planned for shortcut in plan.shortcuts], report)
    _refresh(planned)


def remove_menus(planned: Sequence[Planned], prefix: str, report: Report) -> None:
    """Remove the entries of ``prefix`` that are there."""
    for plan in planned:
        made = plan.artifacts
        paths = (*made.trees, *(artifact.path for artifact in made.files), *made.elsewhere)
        for path in paths:
            if os.path.lexists(path) and _is_of(path, prefix):
                _try(f"remove the menu entry {path}", report, lambda path=path: _remove(path))  # type: ignore[misc]
    shortcuts = [shortcut for plan in planned for shortcut in plan.shortcuts]
    _shortcuts([msgspec.structs.replace(shortcut, remove=True) for shortcut in shortcuts], report)
    _refresh(planned)


def _try(doing: str, report: Report, work: Callable[[], None]) -> None:
    try:
        work()
    except OSError as error:
        report(Notice("warning", f"Could not {doing}: {error.strerror or error} ({error.filename})."))
    except subprocess.SubprocessError as error:
        report(Notice("warning", f"Could not {doing}: {error}."))


def _make(made: Artifacts, run_code: bool) -> None:
    for code in made.before if run_code else ():
        _run_code(code)
    for directory in made.directories:
        os.makedirs(os.path.expandvars(directory), exist_ok=True)
    for artifact in made.files:
        os.makedirs(os.path.dirname(artifact.path), exist_ok=True)
        aside = f"{artifact.path}.whipsnake-{os.getpid()}"
        with open(aside, "wb") as file:
            file.write(artifact.content)
        os.chmod(aside, artifact.mode)
        os.replace(aside, artifact.path)
    for target, source in made.copies.items():
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
    for target, source in made.links.items():
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            os.unlink(target)
        os.symlink(source, target)


def _run_code(code: str) -> None:
    with tempfile.TemporaryDirectory(prefix="whipsnake-") as directory:
        path = os.path.join(directory, "precreate")
        with open(path, "w", encoding="utf-8") as file:
            file.write(code)
        os.chmod(path, 0o700)
        command = [path] if code.startswith("#!") else ["bash", path]
        subprocess.run(command, check=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _is_of(path: str, prefix: str) -> bool:
    """Whether an entry names ``prefix``; files whose own name tells it need not."""
    if os.path.isdir(path):
        return any(_is_of(os.path.join(path, "Contents/MacOS", name), prefix) for name in _listed(path))
    if not path.endswith(".desktop") and "/Contents/MacOS/" not in path:
        return True
    try:
        with open(path, "rb") as file:
            return prefix.encode() in file.read(1 << 20)
    except OSError:
        return False


def _listed(bundle: str) -> list[str]:
    try:
        return os.listdir(os.path.join(bundle, "Contents/MacOS"))
    except OSError:
        return []


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _shortcuts(shortcuts: Sequence[Shortcut], report: Report) -> None:
    if not shortcuts:
        return
    command = ["powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command", MAKE]
    try:
        subprocess.run(
            command, input=msgspec.json.encode(list(shortcuts)), check=True, timeout=_PATIENCE, capture_output=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        reason = said.decode("utf-8", "replace").strip().splitlines()[:1] or [str(error)]
        report(Notice("warning", f"The shortcuts of {shortcuts[0].menu} could not be changed: {reason[0]}"))


def _refresh(planned: Sequence[Planned]) -> None:
    """Tell the desktop. Where it has no such program, it finds out by itself."""
    for name, *words in dict.fromkeys(command for plan in planned for command in plan.artifacts.refresh):
        program = shutil.which(name)
        if program and all(os.path.isdir(word) for word in words):
            try:
                subprocess.run([program, *words], check=False, timeout=_PATIENCE, capture_output=True)
            except (OSError, subprocess.SubprocessError):
                continue
