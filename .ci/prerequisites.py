"""Says at once what this machine lacks to build the dependencies, and how to get it. Runs on any Python.

pycosat is published as source only, so a C compiler and Python's headers are needed (and the modules of the standard
library that some systems package apart). Exit code 1 and one message if something is missing.
"""

from __future__ import print_function

import os
import sys

_HOW = """
  Debian, Ubuntu:  sudo apt-get install build-essential python3-dev python3-venv
  Fedora, RHEL:    sudo dnf install gcc make python3-devel
  macOS:           xcode-select --install
"""


def has_compiler():
    """Whether a C compiler is on the path."""
    import shlex
    import shutil
    import sysconfig

    named = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return any(shutil.which(name) for name in (shlex.split(named)[0], "cc", "gcc", "clang"))


def missing():
    """What is not there, in words."""
    if sys.version_info < (3, 10):
        return ["Python 3.10 or newer (this is %d.%d; name another: make PYTHON=python3.12 ...)" % sys.version_info[:2]]
    import importlib.util
    import sysconfig

    found = []
    if not has_compiler():
        found.append("a C compiler")
    if not os.path.isfile(os.path.join(sysconfig.get_path("include"), "Python.h")):
        found.append("Python's headers (Python.h)")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        found.append("Python's venv and ensurepip modules")
    return found


def main():
    """Report; 0 if nothing is missing."""
    found = missing()
    if found:
        print("whipsnake can't be set up here: %s is missing.\n%s" % (" and ".join(found), _HOW), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
