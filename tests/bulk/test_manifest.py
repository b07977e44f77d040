"""Manifests: all their forms, and what is wrong with others, by line."""

from __future__ import annotations

import pytest

from engine.bulk.manifest import Entry, Place, is_manifest, parse_manifest
from engine.errors import InvalidManifest

PLACE = Place("/project", "/home/me")


def entries(text: str) -> tuple[Entry, ...]:
    return parse_manifest(text, "list.yaml", PLACE)


def test_all_forms_mean_the_same() -> None:
    mapping = entries("web: envs/web.yml\n")
    described = entries("- name: web\n  file: envs/web.yml\n")
    nested = entries('{"environments": {"web": {"files": ["envs/web.yml"]}}}')
    assert {(entry.name, entry.files) for entry in (*mapping, *described, *nested)} == {
        ("web", ("/project/envs/web.yml",))
    }


def test_a_list_of_files() -> None:
    assert [entry.files for entry in entries("- a.yml\n- ~/b.txt\n- https://host/c.yml\n")] == [
        ("/project/a.yml",),
        ("/home/me/b.txt",),
        ("https://host/c.yml",),
    ]


def test_specs_stay_as_they_are_written() -> None:
    (entry,) = entries("docs:\n  specs: [python=3.10, 'sphinx >=7']\n  channels: conda-forge\n  prefix: ../docs\n")
    assert entry.specs == ("python=3.10", "sphinx >=7")
    assert (entry.name, entry.prefix, entry.channels) == ("docs", "/docs", ("conda-forge",))


def test_defaults_are_for_all() -> None:
    text = "channels: [a, b]\nplatform: linux-aarch64\nenvironments:\n  x: x.yml\n  y: {specs: z, platform: win-64}\n"
    first, second = entries(text)
    assert (first.default_channels, first.platform) == (("a", "b"), "linux-aarch64")
    assert (second.default_channels, second.platform) == (("a", "b"), "win-64")


def test_an_entry_knows_its_line() -> None:
    assert [entry.source for entry in entries("# two\n\n- a.yml\n- b.yml\n")] == [
        "list.yaml, line 3",
        "list.yaml, line 4",
    ]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: b\nc: [1, 2]\n", 2, "the environment 'c' is a list, expected a file or keys"),
        ("a:\n  specs: x\n  colour: red\n", 3, "the key 'colour' of an environment is not known"),
        ("- name: x\n", 1, "neither 'file' nor 'specs'"),
        ("- specs: x\n", 1, "neither 'name' nor 'prefix'"),
        ("- name: x\n  specs: [a, {b: c}]\n", 2, "an entry of 'specs' is a mapping, expected a text"),
        ("environments:\n  a: b.yml\nother: 3\n", 3, "the key 'other' is not known beside 'environments'"),
        ("environments:\n  a: b.yml\nplatform: nonsense\n", 3, "expected 'noarch' or two words"),
        ("environments:\n  a: b.yml\n  a: c.yml\n", 3, "the key 'a' is given twice"),
        ("environments: []\n", 1, "it lists no environment"),
        ("just words\n", 1, "the manifest is 'just words', expected a list or a mapping"),
        ("a: [b\n", 2, "not valid YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        entries(text)
    assert f"line {line}: " in raised.value.message
    assert reason in raised.value.message
    assert "'list.yaml'" in raised.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dependencies: [a]\n", False),
        ("name: x\nchannels: [c]\n", False),
        ("# a remark\n\n- a.yml\n", True),
        ("---\nweb: web.yml\n", True),
        ("channels: [c]\nenvironments: {}\n", True),
        ('{"dependencies": []}', False),
        ('{"environments": []}', True),
        ("{{{", False),
        ("", False),
    ],
)
def test_manifests_are_told_from_environment_files(text: str, expected: bool) -> None:
    assert is_manifest(text) is expected
