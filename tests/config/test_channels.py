"""From a configuration to channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.channels import channel_context, configured_channels, terms_notice, with_file_channels
from engine.errors import ConfigError
from tests.config.conftest import Load


def names(config: object, **more: object) -> list[str]:
    return [channel.name for channel in configured_channels(config, **more)]  # type: ignore[arg-type]


def test_configured_names_mean_their_addresses(load: Load, home: Path) -> None:
    (home / ".condarc").write_text(
        "channel_alias: https://mirror/c\n"
        "custom_channels: {mine: https://corp/x}\n"
        "custom_multichannels: {all: [mine, conda-forge]}\n"
        "default_channels: [https://mirror/c/main]\n"
    )
    channels = configured_channels(load({"channels": ["all", "defaults"], "override_channels": True}))
    assert [(c.name, c.base_url) for c in channels] == [
        ("mine", "https://corp/x/mine"),
        ("conda-forge", "https://mirror/c/conda-forge"),
        ("main", "https://mirror/c/main"),
    ]


def test_local_is_where_conda_build_builds(load: Load, home: Path) -> None:
    assert names(load({"channels": ["local"]})) == []
    (home / "conda-bld").mkdir()
    (home / "root/conda-bld").mkdir(parents=True)
    assert names(load({"channels": ["local"]})) == [f"file://{home}/root/conda-bld", f"file://{home}/conda-bld"]
    (home / ".condarc").write_text("custom_multichannels: {local: [mine]}\n")
    assert channel_context(load()).custom_multichannels["local"] == ("mine",)


@pytest.mark.parametrize(
    ("rc", "refused"),
    [
        ("denylist_channels: [evil]", "denylist_channels"),
        ("denylist_channels: ['https://conda.anaconda.org/evil/']", "denylist_channels"),
        ("allowlist_channels: [conda-forge]", "allowlist_channels"),
        ("whitelist_channels: [conda-forge]", "allowlist_channels"),
    ],
)
def test_channels_that_must_not_be_used(load: Load, home: Path, rc: str, refused: str) -> None:
    (home / ".condarc").write_text(rc)
    assert names(load(), texts=["conda-forge"]) == ["conda-forge"]
    with pytest.raises(ConfigError, match=refused):
        names(load(), texts=["conda-forge", "https://conda.anaconda.org/t/tk-1/evil"])


@pytest.mark.parametrize(
    ("options", "rc", "file", "expected"),
    [
        ({}, "channels: [rc]", ("f",), ("f", "rc")),
        ({}, "channels: [rc]", ("f", "nodefaults"), ("f",)),
        ({"channels": ["cli"]}, "channels: [rc, f]", ("f",), ("cli", "f", "rc")),
        ({"channels": ["cli"], "override_channels": True}, "channels: [rc]", ("f",), ("cli", "f")),
        ({}, "", ("f",), ("f",)),
        ({}, "channels: [rc]", (), ("rc",)),
        ({"channels": ["cli"]}, "", ("f",), ("cli", "f")),
    ],
)
def test_channels_of_a_file(
    load: Load, home: Path, options: dict[str, object], rc: str, file: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """CEP 24: "The default channel configuration MUST be appended, unless the special name `nodefaults` is present"."""
    (home / ".condarc").write_text(rc)
    assert with_file_channels(load(options), file).channels == expected


def test_who_uses_commercial_channels_is_told(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("channels: [defaults, conda-forge]\n")
    config = load()
    notice = terms_notice(configured_channels(config), config)
    assert notice is not None
    assert notice.startswith("pkgs/main, pkgs/r are commercial channels of Anaconda")
    assert terms_notice(configured_channels(config, ["conda-forge"]), config) is None
    config = load(MAMBA_SHOW_ANACONDA_CHANNEL_WARNINGS="0")
    assert terms_notice(configured_channels(config), config) is None
