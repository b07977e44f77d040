"""The plan of one package."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import LinkError
from engine.link.plan.noarch import PythonInfo
from engine.link.plan.package_plan import PackagePlan, plan_package, pyc_source
from engine.model.records import PathEntry, RepoDataRecord

PYTHON = PythonInfo("3.12", "lib/python3.12/site-packages", "bin/python3.12", "bin")


def plan(
    *entries: PathEntry, noarch: str | None = None, scripts: tuple[str, ...] = (), python: bool = True
) -> PackagePlan:
    record = RepoDataRecord(name="p", version="1", build="0", noarch=noarch)
    return plan_package(3, record, entries, scripts, PYTHON if python else None)


def test_kinds_are_told_apart() -> None:
    found = plan(
        PathEntry(path="lib/a"),
        PathEntry(path="lib/b"),
        PathEntry(path="top"),
        PathEntry(path="lib/c", no_link=True),
        PathEntry(path="lib/d", path_type="softlink"),
        PathEntry(path="e/f", path_type="directory"),
        PathEntry(path="bin/g", prefix_placeholder="/p", file_mode="text", no_link=True),
    )
    assert [(group.source, group.target, group.names) for group in found.groups] == [
        ("lib", "lib", ["a", "b"]),
        ("", "", ["top"]),
    ]
    assert [path.target for path in (*found.copies, *found.softlinks, *found.rewrites)] == ["lib/c", "lib/d", "bin/g"]
    assert found.directories == ["e/f"]
    assert found.needed_dirs == ["bin", "e", "e/f", "lib"]
    assert found.index == 3


def test_python_packages_are_moved_and_compiled() -> None:
    found = plan(
        PathEntry(path="site-packages/a/b.py"),
        PathEntry(path="python-scripts/tool"),
        PathEntry(path="share/c.py"),
        noarch="python",
        scripts=("go = a.b:main",),
    )
    assert [path.target for path in found.paths] == ["lib/python3.12/site-packages/a/b.py", "bin/tool", "share/c.py"]
    assert found.sources == ["lib/python3.12/site-packages/a/b.py"]
    assert found.scripts[0].command == "go"
    assert "bin" in found.needed_dirs


def test_generic_packages_are_not_moved() -> None:
    found = plan(PathEntry(path="site-packages/a.py"), noarch="generic", scripts=("go = a:b",))
    assert found.paths[0].target == "site-packages/a.py"
    assert not found.sources and not found.scripts


def test_python_packages_need_python_only_for_python_files() -> None:
    with pytest.raises(LinkError, match="no python"):
        plan(PathEntry(path="site-packages/a.py"), noarch="python", python=False)
    with pytest.raises(LinkError, match="no python"):
        plan(noarch="python", scripts=("a = b:c",), python=False)
    assert plan(PathEntry(path="share/x"), noarch="python", python=False).groups


def test_compiled_files_of_rewritten_sources_are_stale() -> None:
    found = plan(
        PathEntry(path="lib/a.py", prefix_placeholder="/p"),
        PathEntry(path="lib/__pycache__/a.cpython-312.pyc"),
        PathEntry(path="lib/__pycache__/a.cpython-312.opt-1.pyc"),
        PathEntry(path="lib/__pycache__/b.cpython-312.pyc"),
    )
    assert found.stale == [("lib/a.py", "lib/__pycache__/a.cpython-312.pyc")]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a/__pycache__/m.cpython-312.pyc", "a/m.py"),
        ("__pycache__/m.pypy39.pyc", "m.py"),
        ("a/__pycache__/m.cpython-312.opt-2.pyc", ""),
        ("a/m.pyc", "a/m.py"),
        ("a/m.py", ""),
        ("a/__pycache__/m.pyc", ""),
    ],
)
def test_pyc_source(path: str, source: str) -> None:
    assert pyc_source(path) == source


@settings(max_examples=100)
@given(st.sets(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join), max_size=12))
def test_every_parent_comes_before_its_child(paths: set[str]) -> None:
    found = plan(*(PathEntry(path=path) for path in sorted(paths)))
    for number, directory in enumerate(found.needed_dirs):
        parent = directory.rpartition("/")[0]
        assert not parent or parent in found.needed_dirs[:number]
    listed = {f"{group.target}/{name}".lstrip("/") for group in found.groups for name in group.names}
    assert listed == paths
