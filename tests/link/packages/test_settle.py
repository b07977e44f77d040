"""Several packages, one path: all orders of arrival give the tree that linking in order would give."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import LinkError
from engine.link.plan.claims import Claims
from engine.model.records import CachedPackage
from tests.kit.package import PLACEHOLDER, BuiltPackage, Content, Directory, File, Symlink, make_package
from tests.kit.tree import tree
from tests.link.support import Recorder, cached, create

pytestmark = pytest.mark.anyio

CASES: dict[str, tuple[list[dict[str, Content]], dict[str, str]]] = {
    "same file": ([{"a": "1", "x": "1"}, {"a": "2"}, {"a": "3", "y": "3"}], {"a": "3", "x": "1", "y": "3"}),
    "file, then directory": ([{"a": "1"}, {"a/b": "2"}, {"a/c": "3"}], {"a/b": "2", "a/c": "3"}),
    "directory, then file": ([{"a/b": "1"}, {"a/c/d": "2"}, {"a": "3"}], {"a": "3"}),
    "directory, file, directory": ([{"a/b": "1"}, {"a": "2"}, {"a/c": "3"}], {"a/c": "3"}),
    "through a link": ([{"lib/x": "1", "lib64": Symlink("lib")}, {"lib64/y": "2"}], {"lib/x": "1", "lib/y": "2"}),
    "link over a directory": ([{"lib/x": "1", "d/y": "1"}, {"d": Symlink("lib")}], {"lib/x": "1"}),
    "placeholders": (
        [{"a": File(f"1{PLACEHOLDER}")}, {"a": File(f"2{PLACEHOLDER}")}, {"b": "3"}],
        {"a": "2{prefix}", "b": "3"},
    ),
    "listed directory": ([{"a": Directory()}, {"a": "2"}], {"a": "2"}),
    "copied": ([{"a": File("1", no_link=True)}, {"a": File("2", no_link=True)}], {"a": "2"}),
    "neighbours": ([{"a": "1", "a-b": "1", "a.b": "1"}, {"a/x": "2"}], {"a/x": "2", "a-b": "1", "a.b": "1"}),
}


WAYS_OUT: dict[str, list[dict[str, Content]]] = {
    "two links": [{"out": Symlink("a/b/c/../../.."), "x": "1"}, {"a/b/c": Symlink("../.."), "out/CANARY": "2"}],
    "conda-meta": [{"meta": Symlink("conda-meta"), "x": "1"}, {"meta/forged.json": "{}"}],
}
"""Harmless one by one: where the second package writes depends on the links of both."""


@pytest.mark.parametrize("case", WAYS_OUT)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_links_of_several_packages_lead_nowhere_else(tmp_path: Path, case: str, order: tuple[int, int]) -> None:
    packages = [cached(package, tmp_path / "pkgs") for package in built(WAYS_OUT[case])]
    prefix = tmp_path / "1" / "2" / "3" / "env"
    with pytest.raises(LinkError, match="soft link"):
        await create(prefix, packages, arrival=order)
    assert os.listdir(tmp_path) == ["pkgs"]


def built(contents: list[dict[str, Content]]) -> list[BuiltPackage]:
    return [make_package(f"p{number}", files=files) for number, files in enumerate(contents)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("mode", ["hard", "copy"])
async def test_all_orders_give_one_tree(tmp_path: Path, case: str, mode: str) -> None:
    contents, expected = CASES[case]
    packages = [cached(package, tmp_path / "pkgs") for package in built(contents)]
    seen = set()
    prefix = tmp_path / "envs" / "env"
    for number, order in enumerate(itertools.permutations(range(len(packages)))):
        recorder = Recorder()
        await create(prefix, packages, arrival=order, report=recorder, replace=number > 0, always_copy=mode == "copy")
        found = {
            str(path.relative_to(prefix)): path.read_text()
            for path in prefix.rglob("*")
            if path.is_file() and not path.is_symlink() and "conda-meta" not in path.parts
            and not any(parent.is_symlink() for parent in path.parents)
        }  # fmt: skip
        assert found == {path: text.format(prefix=prefix) for path, text in expected.items()}, order
        seen.add((json.dumps(sorted((path, repr(entry)) for path, entry in tree(prefix).items())), *recorder.notices()))
    assert len(seen) == 1, "records or warnings depend on the order of arrival"


async def test_one_warning_for_each_pair(tmp_path: Path) -> None:
    contents: list[dict[str, Content]] = [{"a": "1", "b": "1", "c": "1"}, {"a": "2", "b": "2"}, {"c": "3"}]
    recorder = Recorder()
    await create(tmp_path / "env", [cached(package, tmp_path / "pkgs") for package in built(contents)], report=recorder)
    first, second = recorder.notices()
    assert first.startswith("p1-") and "a and 1 more" in first and "p0-" in first
    assert second.startswith("p2-") and ": c." in second


async def test_the_cache_is_not_written_to(tmp_path: Path) -> None:
    packages = [cached(package, tmp_path / "pkgs") for package in built([{"a": "1"}, {"a": File(PLACEHOLDER)}])]
    before = tree(tmp_path / "pkgs")
    await create(tmp_path / "env", packages)
    assert tree(tmp_path / "pkgs") == before


async def test_the_record_of_the_loser_claims_no_digest(tmp_path: Path) -> None:
    packages = [cached(package, tmp_path / "pkgs") for package in built([{"a": "1"}, {"a": "2"}])]
    for order in ([0, 1], [1, 0]):
        await create(tmp_path / "env", packages, arrival=order, replace=order == [1, 0])
        digests = []
        for package in packages:
            record = json.loads((tmp_path / "env/conda-meta" / f"{package.record.dist}.json").read_bytes())
            digests.append("sha256_in_prefix" in record["paths_data"]["paths"][0])
            assert record["files"] == ["a"]
        assert digests == [False, True]


names = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)


@st.composite
def layouts(draw: st.DrawFn) -> list[dict[str, Content]]:
    found: list[dict[str, Content]] = []
    for number in range(draw(st.integers(2, 4))):
        paths = draw(st.sets(names, min_size=1, max_size=4))
        apart = [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]
        found.append({path: f"{number}:{path}" for path in sorted(apart)})
    return found


def model(contents: list[dict[str, Content]]) -> dict[str, str]:
    """Linking one after the other, each pushing aside what is in its way."""
    state: dict[str, str] = {}
    for files in contents:
        for path, text in files.items():
            for other in list(state):
                if other == path or other.startswith(f"{path}/") or path.startswith(f"{other}/"):
                    del state[other]
            state[path] = str(text)
    return state


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=layouts(), seed=st.randoms(use_true_random=False))
async def test_any_packages_agree_with_linking_in_order(
    tmp_path_factory: pytest.TempPathFactory, contents: list[dict[str, Content]], seed: object
) -> None:
    tmp_path = tmp_path_factory.mktemp("settle")
    packages: list[CachedPackage] = [cached(package, tmp_path / "pkgs") for package in built(contents)]
    order = list(range(len(packages)))
    seed.shuffle(order)  # type: ignore[attr-defined]
    await create(tmp_path / "env", packages, arrival=order)
    prefix = tmp_path / "env"
    found = {path: (prefix / path).read_text() for path in tree(prefix) if not path.startswith("conda-meta")}
    assert found == model(contents)


def test_folded_claims_see_case_collisions() -> None:
    claims = Claims(str.casefold)
    assert claims.claim_names("Lib", ["Readme"], 0) == ["Readme"]
    assert claims.claim_names("lib", ["README", "other"], 1) == ["other"]
    assert claims.contested() == {"lib/readme": {0, 1}}


def test_claims_of_nested_conflicts_are_one() -> None:
    claims = Claims()
    assert claims.claim_file("a", 0)
    assert claims.claim_dirs(["a", "a/b"], 1) == {"a", "a/b"}
    assert claims.claim_dirs(["a", "c"], 2) == {"a"}
    assert claims.contested() == {"a": {0, 1, 2}}
