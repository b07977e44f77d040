"""Console scripts of ``noarch: python`` packages. Pure. Rule: three checked names and one template, nothing else.

The texts in ``info/link.json`` end up in executable files: a newline or a quote in one of them would be code, and a
slash in the command would be a path out of the prefix (GHSA-9m8m-c4j3-rj2c). So each is checked before use.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

import keyword
import re

import msgspec

from engine.errors import LinkError
from engine.link.plan.shebang import python_shebang

_COMMAND = re.compile(r"[^\s/\\:*?\"'<>|`$;&!()\x00-\x1f\x7f]+")

_TEMPLATE = """\
# -*- coding: utf-8 -*-
import re
import sys

from {module} import {name}

if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])
    sys.exit({function}())
"""


class EntryPoint(msgspec.Struct, frozen=True):
    """``command = module:function``."""

    command: str
    """The script's file name."""
    module: str
    function: str
    """May have dots: an attribute of an object in the module."""


def parse_entry_point(text: str, dist: str) -> EntryPoint:
    """Parse one definition; raises `LinkError` naming ``dist`` if any part is not what it must be (STD-18)."""
    command, equals, target = text.partition("=")
    module, colon, function = target.strip().rpartition(":")
    found = EntryPoint(command.strip(), module.strip(), function.strip())
    if not equals or not colon:
        _refuse(text, dist, "expected 'command = module:function'")
    if not _COMMAND.fullmatch(found.command) or found.command.startswith("."):
        _refuse(text, dist, f"the command {found.command!r} is no plain file name")
    for part in (found.module, found.function):
        if not _is_dotted_name(part):
            _refuse(text, dist, f"{part!r} is no dotted Python name")
    return found


def _refuse(text: str, dist: str, reason: str) -> None:
    raise LinkError(
        f"Could not link {dist}: its entry point {text!r} is refused: {reason}",
        hint="The package is broken or hostile: choose another build of it, and tell its maintainers.",
    )


def _is_dotted_name(text: str) -> bool:
    """Whether ``text`` is identifiers joined by dots. Keywords are none: ``import a.class`` does not parse."""
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def unix_script(entry: EntryPoint, python: str, platform: str) -> str:
    """The whole script; ``python`` is the interpreter's absolute path in the final prefix."""
    return python_shebang(python, platform) + script_body(entry)


def script_body(entry: EntryPoint) -> str:
    """The script without its first line, as the launchers of Windows want it."""
    return _TEMPLATE.format(module=entry.module, name=entry.function.partition(".")[0], function=entry.function)
