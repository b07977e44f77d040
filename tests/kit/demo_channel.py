"""The channel of the demo: small, but with one of each kind of package, made of what this machine has.

``python`` and ``pip`` (real), ``whereami`` (compiled here), ``snake-hello`` in two versions and ``snake-where``
(``noarch: python`` with entry points), ``snake-data`` (``noarch: generic`` with a link script); both archive formats.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.kit.channel import ChannelBuilder
from tests.kit.compiled import whereami_package
from tests.kit.interpreter import Facts, interpreter_package, native_subdir
from tests.kit.package import PLACEHOLDER, BuiltPackage, File, make_package
from tests.kit.wheel import pip_package

_HELLO = '''"""Says hello from the environment that it is installed in."""

import sys


def main():
    print(f"hello from {sys.prefix}")
'''
_WHERE = '''"""Asks the compiled library where it is, and the data package what it holds."""

import ctypes
import pathlib
import sys

from snake_hello import main as hello


def main():
    suffix = ".1.dylib" if sys.platform == "darwin" else ".so.1"
    library = ctypes.CDLL(f"{sys.prefix}/lib/libwhereami{suffix}")
    library.whereami_prefix.restype = ctypes.c_char_p
    hello()
    print(library.whereami_prefix().decode())
    print(pathlib.Path(sys.prefix, "share/snake-data/proverb.txt").read_text().strip())
'''
_POST_LINK = """#!/bin/sh
echo "snake-data is linked into $PREFIX" >> "$PREFIX/.messages.txt"
"""

SPECS = ("python", "snake-where")
"""What the demo asks for; the rest are dependencies."""


def build_demo_channel(path: str | Path, *, python: str = sys.executable) -> ChannelBuilder:
    """Write the channel to ``path``. Needs a C compiler (`NoCompiler`); takes a few seconds."""
    facts = Facts.of(python)
    channel = ChannelBuilder(path, subdirs=(native_subdir(),))
    for package in (interpreter_package(python), pip_package(facts), whereami_package(), *_small_packages()):
        channel.add(package)
    channel.write()
    return channel


def _small_packages() -> tuple[BuiltPackage, ...]:
    return (
        _hello("1.0", ".tar.bz2"),
        _hello("1.2", ".conda"),
        make_package(
            "snake-where",
            "0.3",
            noarch="python",
            depends=("python >=3.10", "snake-hello >=1.1,<2", "whereami 1.*", "snake-data"),
            entry_points=("snake-where = snake_where:main",),
            files={"site-packages/snake_where/__init__.py": _WHERE},
            format=".tar.bz2",
        ),
        make_package(
            "snake-data",
            "2024.1",
            noarch="generic",
            link_scripts={"post-link": _POST_LINK},
            files={
                "share/snake-data/proverb.txt": "The whip snake swallows its prey whole, and quickly.\n",
                "etc/conda/activate.d/snake-data.sh": f'export SNAKE_DATA="{PLACEHOLDER}/share/snake-data"\n',
                "etc/conda/deactivate.d/snake-data.sh": "unset SNAKE_DATA\n",
            },
        ),
    )


def _hello(version: str, format: str) -> BuiltPackage:
    return make_package(
        "snake-hello",
        version,
        noarch="python",
        depends=("python >=3.10",),
        entry_points=("snake-hello = snake_hello:main",),
        files={
            "site-packages/snake_hello/__init__.py": _HELLO,
            "python-scripts/snake-hello-script": File(f"#!{PLACEHOLDER}/bin/python\nprint('script')\n", mode=0o755),
        },
        format=format,
    )
