"""`engine.environment.environments`: which environments there are and what is in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.config import Config, load_config
from engine.environment.environments import (
    Installed,
    environment_name,
    existing_prefix,
    known_environments,
    read_installed,
)
from engine.errors import LinkError, PrefixError


def make_env(path: Path) -> str:
    (path / "conda-meta").mkdir(parents=True)
    (path / "conda-meta/history").touch()
    return str(path)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(
        {}, {"MAMBA_ROOT_PREFIX": str(tmp_path / "root")}, home=str(tmp_path / "home"), cwd=str(tmp_path)
    )


def test_named_noted_and_root(config: Config, tmp_path: Path) -> None:
    named, noted = make_env(tmp_path / "root/envs/named"), make_env(tmp_path / "elsewhere")
    (tmp_path / "root/envs/no-env").mkdir()
    (tmp_path / "home/.conda").mkdir(parents=True)
    (tmp_path / "home/.conda/environments.txt").write_text(f"{noted}\n{tmp_path}/gone\n")
    assert known_environments(config) == sorted([named, noted, config.root_prefix])


def test_names(config: Config) -> None:
    assert environment_name(config.root_prefix, config) == "base"
    assert environment_name(f"{config.root_prefix}/envs/one", config) == "one"
    assert environment_name("/elsewhere/one", config) == ""


def test_a_prefix_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    for path, reason in ((tmp_path / "dir", "expected conda-meta in it"), (tmp_path / "gone", "does not exist")):
        config = load_config({"target_prefix": str(path)}, {}, home=str(tmp_path), cwd=str(tmp_path))
        with pytest.raises(PrefixError, match=reason):
            existing_prefix(config, print)
    with pytest.raises(PrefixError, match="none is active"):
        existing_prefix(load_config({}, {}, home=str(tmp_path), cwd=str(tmp_path)), print)


def test_reading_records(tmp_path: Path) -> None:
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    for name in ("zlib", "abc"):
        (meta / f"{name}-1-0.json").write_text(json.dumps({"name": name, "version": "1", "odd": {"key": 1}}))
    (meta / "history").touch()
    assert [record.name for record in read_installed(str(tmp_path))] == ["abc", "zlib"]
    (meta / "bad-1-0.json").write_text("{}")
    with pytest.raises(LinkError, match=r"bad-1-0\.json"):
        read_installed(str(tmp_path))


@pytest.mark.parametrize(
    ("channel", "url", "expected"),
    [
        ("https://conda.anaconda.org/conda-forge", None, "https://conda.anaconda.org/conda-forge"),
        ("https://conda.anaconda.org/conda-forge/noarch", None, "https://conda.anaconda.org/conda-forge"),
        ("https://h/t/SECRET/x", None, "https://h/x"),
        (None, "https://u:p@h/x/linux-64/a-1-0.conda", "https://h/x"),
        (None, None, ""),
        ("conda-forge", "https://u:p@h/conda-forge/noarch/a-1-0.conda", "https://h/conda-forge"),
        ("conda-forge", None, "conda-forge"),
        ("h/x/linux-64", "http://h/x/linux-64/a-1-0.conda", "http://h/x"),
    ],
)
def test_the_channel_of_a_record(channel: str | None, url: str | None, expected: str) -> None:
    assert Installed(name="a", version="1", channel=channel, url=url).channel_url == expected
