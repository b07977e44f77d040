"""Files that make an environment again: layout, quoting, and that our own reader takes them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.environment.export import (
    Exported,
    Package,
    environment_json,
    environment_yaml,
    explicit_text,
    list_text,
    package_spec,
    yaml_scalar,
)
from engine.plain_yaml import parse_yaml

PACKAGE = Package(
    name="zlib",
    version="1.3",
    build="h_0",
    channel="conda-forge",
    subdir="linux-64",
    url="https://conda.anaconda.org/conda-forge/linux-64/zlib-1.3-h_0.conda",
    md5="0" * 32,
)
FULL = Exported(
    name="one",
    prefix="/envs/one",
    channels=("conda-forge", "bioconda"),
    dependencies=("zlib=1.3=h_0", "pip"),
    pip=("requests==2.32.3",),
    variables={"A": "yes", "B": 'x"y'},
)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "zlib=1.3=h_0"),
        ({"build": False}, "zlib=1.3"),
        ({"md5": True}, f"zlib=1.3=h_0[md5={'0' * 32}]"),
        ({"channel": True, "build": False}, "conda-forge/linux-64::zlib=1.3"),
    ],
)
def test_specs(options: dict[str, bool], text: str) -> None:
    assert package_spec(PACKAGE, **options) == text


def test_yaml() -> None:
    assert environment_yaml(FULL).splitlines() == [
        "name: one",
        "channels:",
        "  - conda-forge",
        "  - bioconda",
        "dependencies:",
        "  - zlib=1.3=h_0",
        "  - pip",
        "  - pip:",
        "    - requests==2.32.3",
        "variables:",
        '  A: "yes"',
        '  B: "x\\"y"',
        "",
        "prefix: /envs/one",
    ]


def test_yaml_of_nothing_is_still_yaml() -> None:
    root = parse_yaml(environment_yaml(Exported(name="", prefix="/p")))
    assert root is not None
    assert root.plain() == {"name": None, "channels": None, "dependencies": None, "prefix": "/p"}


def test_json_has_the_same_keys() -> None:
    found = environment_json(FULL)
    assert list(found) == ["name", "channels", "dependencies", "prefix", "variables"]
    assert found["dependencies"] == ["zlib=1.3=h_0", "pip", {"pip": ["requests==2.32.3"]}]


def test_explicit() -> None:
    lines = explicit_text([PACKAGE], "linux-64").splitlines()
    assert lines[2:] == ["# platform: linux-64", "@EXPLICIT", f"{PACKAGE.url}#{'0' * 32}"]
    assert explicit_text([PACKAGE], "linux-64", digests=False).endswith(f"@EXPLICIT\n{PACKAGE.url}\n")


def test_a_list() -> None:
    assert list_text(["a >=1", "b"], "noarch").splitlines()[2:] == ["# platform: noarch", "a >=1", "b"]


@pytest.mark.parametrize(
    ("text", "yaml"),
    [("zlib >=1.2,<2", "zlib >=1.2,<2"), ("1.10", '"1.10"'), ("No", '"No"'), ("*", '"*"'), ("a #b", '"a #b"')],
)
def test_quotes_only_where_they_are_needed(text: str, yaml: str) -> None:
    assert yaml_scalar(text) == yaml


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cn")), min_size=1, max_size=20))
def test_every_text_reads_back(text: str) -> None:
    import yaml

    assert yaml.safe_load(f"- {yaml_scalar(text)}") == [text]
