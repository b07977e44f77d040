"""What pyproject.toml can't say: an editable install is compiled at once, as pip compiles every other install.

Where PYTHONDONTWRITEBYTECODE is set, as in many images, each run would compile all of it anew, which takes several
times as long as the run itself.
"""

from __future__ import annotations

import compileall
from pathlib import Path

from setuptools import setup
from setuptools.command.editable_wheel import editable_wheel

HERE = Path(__file__).parent


class CompiledEditableWheel(editable_wheel):
    """Compiles the modules where they lie, then does what it always does."""

    def run(self) -> None:
        for module in self.distribution.py_modules or ():
            compileall.compile_file(HERE / f"{module}.py", quiet=1)
        compileall.compile_dir(HERE / "engine", quiet=1)
        super().run()


setup(cmdclass={"editable_wheel": CompiledEditableWheel})
