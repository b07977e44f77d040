"""Writing and reading conda-meta/history, as conda and mamba do it."""

from __future__ import annotations

import re
from ast import literal_eval
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.link.prefix.history import (
    Revision,
    dist_string,
    format_block,
    parse_history,
    read_history,
    requested_specs,
    spec_name,
)
from engine.model.records import RepoDataRecord
from tests.link.support import NOW


def record(channel: str = "https://conda.anaconda.org/conda-forge", **fields: str) -> RepoDataRecord:
    return RepoDataRecord(name="zlib", version="1.2", build="h1_0", subdir="linux-64", channel=channel, **fields)


@pytest.mark.parametrize(
    ("channel", "names", "expected"),
    [
        ("https://conda.anaconda.org/conda-forge", {}, "conda-forge/linux-64::zlib-1.2-h1_0"),
        ("https://conda.anaconda.org/conda-forge/label/dev/", {}, "conda-forge/label/dev/linux-64::zlib-1.2-h1_0"),
        (
            "https://a.org/main",
            {"https://a.org/main": "defaults"},
            "defaults/linux-64::zlib-1.2-h1_0",
        ),
        ("https://me:pw@example.com/c", {}, "https://example.com/c/linux-64::zlib-1.2-h1_0"),
        ("https://conda.anaconda.org/t/secret-token/mine", {}, "mine/linux-64::zlib-1.2-h1_0"),
        ("", {}, "linux-64::zlib-1.2-h1_0"),
    ],
)
def test_dist_strings(channel: str, names: dict[str, str], expected: str) -> None:
    assert dist_string(record(channel), names) == expected


def test_a_block_as_conda_writes_it() -> None:
    text = format_block(
        now=NOW,
        command="whipsnake create -n x\n--> evil",
        linked=["b", "a"],
        unlinked=["c"],
        update_specs=["python >=3", "a[version='>=1']"],
        remove_specs=["c"],
    )
    lines = text.splitlines()
    assert lines[0] == "==> 2024-02-29 12:30:59 <=="
    assert lines[1] == "# cmd: whipsnake create -n x --> evil"
    assert re.fullmatch(r"# whipsnake version: \d+\.\d+\.\d+\S*", lines[2])
    assert lines[3:6] == ["-c", "+a", "+b"]
    assert lines[6:] == ["# remove specs: ['c']", """# update specs: ['python >=3', "a[version='>=1']"]"""]
    assert literal_eval(lines[7].partition(": ")[2]) == ["python >=3", "a[version='>=1']"]


def test_secrets_stay_out() -> None:
    text = format_block(now=NOW, command="whipsnake create -c https://u:hunter2@example.com/t/tk-123/c")
    assert "hunter2" not in text and "tk-123" not in text


CONDA = """\
before any head
==> 2020-01-01 00:00:00 <==
# cmd: /opt/conda/bin/conda create -n x python
# conda version: 4.8.3
+defaults/linux-64::python-3.7-0
# update specs: ['python=3.7', 'pip@']
==> 2020-01-02 00:00:00 <==
# cmd: conda remove x
# remove specs: python>=3.5.1,jupyter >=1.0.0,<2.0,matplotlib
==> 2020-01-03 00:00:00 <==
# neutered specs: ["numpy[build='a']"]
-defaults/linux-64::python-3.7-0
"""


def test_reads_what_conda_wrote() -> None:
    first, second, third = parse_history(CONDA)
    assert first == Revision(
        date="2020-01-01 00:00:00",
        command="/opt/conda/bin/conda create -n x python",
        linked=("defaults/linux-64::python-3.7-0",),
        update_specs=("python=3.7",),
    )
    assert second.remove_specs == ("python>=3.5.1", "jupyter >=1.0.0,<2.0", "matplotlib")
    assert (third.neutered_specs, third.unlinked) == (("numpy[build='a']",), ("defaults/linux-64::python-3.7-0",))


def test_requests_are_taken_back() -> None:
    history = [
        Revision("1", update_specs=("python=3.7", "conda-forge::zlib", "a")),
        Revision("2", remove_specs=("a",), update_specs=("python 3.8.*",)),
    ]
    assert requested_specs(history) == {"python": "python 3.8.*", "zlib": "conda-forge::zlib"}


@pytest.mark.parametrize("text", ["# update specs: [1, (]", "# update specs: [__import__('os')]", "# update specs: []"])
def test_broken_specs_are_no_specs(text: str) -> None:
    assert parse_history(f"==> x <==\n{text}\n")[0].update_specs == ()


@pytest.mark.parametrize(
    ("spec", "name"), [("python=3.8", "python"), ("a::B >1", "b"), ("c[version='1::2']", "c"), ("d", "d")]
)
def test_spec_name(spec: str, name: str) -> None:
    assert spec_name(spec) == name


def test_no_history(tmp_path: Path) -> None:
    assert read_history(str(tmp_path)) == ()


@settings(max_examples=100)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)))
def test_specs_come_back(specs: list[str]) -> None:
    specs = [spec for spec in specs if not spec.endswith("@") and "/t/" not in spec and "@" not in spec]
    text = format_block(now=NOW, command="x", update_specs=specs)
    assert parse_history(text)[0].update_specs == tuple(specs)


def test_a_block_where_no_package_changes_lists_all() -> None:
    """conda reads a block without additions and removals as a list of what is installed."""
    text = format_block(now=NOW, command="x", listed=["c/noarch::b-1-0", "c/noarch::a-1-0"], update_specs=["a"])
    (block,) = parse_history(text)
    assert block.listed == ("c/noarch::a-1-0", "c/noarch::b-1-0") and block.update_specs == ("a",)
    (block,) = parse_history(format_block(now=NOW, command="x", linked=["d"], listed=["e"]))
    assert (block.listed, block.linked) == ((), ("d",))
