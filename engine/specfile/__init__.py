"""Files that say what an environment shall hold → one `SpecFile`: environment.yml, explicit lists, lists of specs.

Rule of this part: a file is hostile until it was read; each error names file and line. Nothing is fetched here: the
text of an ``https://…`` file is handed in by whoever may use the network.
"""

from engine.specfile.model import ExplicitPackage, PipPart, SpecContext, SpecFile
from engine.specfile.read import combine, is_remote, parse_spec_text, read_spec_file
from engine.specfile.text import explicit_package, is_explicit

__all__ = [
    "ExplicitPackage",
    "PipPart",
    "SpecContext",
    "SpecFile",
    "combine",
    "explicit_package",
    "is_explicit",
    "is_remote",
    "parse_spec_text",
    "read_spec_file",
]
