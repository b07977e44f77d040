"""Which byte-compiled files of the cache are believed."""

from __future__ import annotations

import pytest

from engine.link.bytecode.compiled import Placer
from engine.link.plan.noarch import PythonInfo
from engine.model.records import Bytecode, CompiledFiles

PLACER = Placer(PythonInfo("3.12", "lib/python3.12/site-packages", "bin/python3.12", "bin"), "/staged")


def covered(*pycs: str) -> bool:
    """Whether these are believed to be of a/x.py, a/y.py and z.py."""
    files = CompiledFiles([f"site-packages/{name}" for name in ("a/x.py", "a/y.py", "z.py")], list(pycs), [1, 1, 1])
    wanted = [f"lib/python3.12/site-packages/{name}" for name in ("a/x.py", "a/y.py", "z.py")]
    return PLACER.covers(Bytecode("/cache", files), wanted)


X, Y, Z = (f"site-packages/{name}.cpython-312.pyc" for name in ("a/__pycache__/x", "a/__pycache__/y", "__pycache__/z"))


def test_each_result_has_its_sources_name() -> None:
    assert covered(X, Y, Z) and covered("", Y, Z) and covered("", "", "")
    assert covered(X, Y.replace("312", "313"), Z)  # the kind is told by the directory
    assert covered(*(f"site-packages/{name}.pyc" for name in ("a/x", "a/y", "z")))  # Python 2


@pytest.mark.parametrize(
    "pycs",
    [
        (X, X, Z),
        (Y, X, Z),
        (X, Y, "site-packages/a/__pycache__/z.cpython-312.pyc"),
        (X, Y, "../z.cpython-312.pyc"),
        (X, Y, "site-packages/__pycache__/z.pyc"),
        ("site-packages/a/__pycache__/x.pyc", "site-packages/a/__pycache__/y.pyc", ""),
        ("site-packages/a/__pycache__/x.cpython-312.opt-1.pyc", "", ""),
        (X, Y, "site-packages/__pycache__/z.cpython-312.opt-1.pyc"),
        ("/etc/x.cpython-312.pyc", Y, Z),
    ],
)
def test_others_are_not_believed(pycs: tuple[str, str, str]) -> None:
    assert not covered(*pycs)
