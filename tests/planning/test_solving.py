"""What the configuration tells the solver: channels of specs, how new packages may be, whether they may get older."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import load_config
from engine.errors import ConfigError
from engine.model.match_spec import MatchSpec
from engine.planning.solving import addresses, channels_of_specs, cutoffs, may_downgrade, parse_pins, with_channels
from engine.solve.solver import solve
from engine.solve.task import SolveTask
from tests.kit.universe import universe

NOW = 1_800_000_000_000
DAY = 86_400_000


def config(tmp_path: Path, rc: str = "", **options: object) -> object:
    file = tmp_path / "rc"
    file.write_text(rc)
    options = {"rc_files": [str(file)], "root_prefix": str(tmp_path), **options}
    return load_config(options, {}, home=str(tmp_path), cwd=str(tmp_path))


def specs(*texts: str) -> list[MatchSpec]:
    return [MatchSpec.parse(text) for text in texts]


def test_channels_of_specs_are_those_of_the_user(tmp_path: Path) -> None:
    rc = "custom_channels: {mine: https://h.org/x}\ncustom_multichannels: {both: [conda-forge, mine]}\n"
    named = channels_of_specs(
        specs("defaults::a", "mine::b", "both::c", "b*::d", "e", "https://u:p@h.org/z::f"), config(tmp_path, rc)
    )
    assert addresses(named) == {
        "defaults": ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"),
        "mine": ("https://h.org/x/mine",),
        "both": ("https://conda.anaconda.org/conda-forge", "https://h.org/x/mine"),
        "https://u:p@h.org/z": ("https://h.org/z",),
    }


def test_channels_that_only_specs_name_are_looked_in_last(tmp_path: Path) -> None:
    named = channels_of_specs(specs("bioconda::a", "conda-forge::b", "bioconda::c"), config(tmp_path))
    there = named["conda-forge"]
    assert [channel.name for channel in with_channels(there, named.values())] == ["conda-forge", "bioconda"]


def test_a_forbidden_channel_is_refused_in_specs_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must not be used"):
        channels_of_specs(specs("defaults::a"), config(tmp_path, "denylist_channels: [defaults]\n"))


def test_a_spec_of_several_channels_takes_from_any(tmp_path: Path) -> None:
    worlds = [universe("a 1", channel="high"), universe("a 2", channel="pkgs/main"), universe("a 3", channel="low")]
    rc = "custom_multichannels: {both: [high, pkgs]}\n"
    meaning = {"both": ("https://conda.anaconda.org/high", "https://conda.anaconda.org/pkgs/main")}
    for priority, version in (("disabled", "2"), ("flexible", "1"), ("strict", "1")):
        task = SolveTask(
            specs=tuple(specs("both::a")),
            repodata=worlds,
            add_pip=False,
            channel_priority=priority,
            channel_addresses=meaning,  # type: ignore[arg-type]
        )
        assert [record.version for record in solve(task).records] == [version]
    assert config(tmp_path, rc)


def test_how_new_packages_may_be(tmp_path: Path) -> None:
    rc = (
        "cooldown: 7d\nexclude_newer_package: {OpenSSL: false, numpy: 30d, zlib: }\nchannel_settings:\n"
        "  - {channel: conda-forge, exclude_newer: 1d}\n  - {channel: bioconda, auth: x}\n"
        "  - {channel: https://h.org/*, exclude-newer: off}\n"
    )
    found = config(tmp_path, rc)
    channels = channels_of_specs(specs("https://h.org/y::a"), found)["https://h.org/y"]
    limits = cutoffs(found, channels, ["given"], NOW)
    assert limits.everywhere == NOW - 7 * DAY
    assert limits.packages == {"openssl": None, "numpy": NOW - 30 * DAY, "given": None}
    assert limits.channels == {"https://conda.anaconda.org/conda-forge": NOW - DAY, "https://h.org/y": None}
    assert not cutoffs(config(tmp_path), channels, ["given"], NOW)


def test_nobody_who_has_not_said_so_is_kept_from_older_versions(tmp_path: Path) -> None:
    assert may_downgrade(config(tmp_path))
    assert not may_downgrade(config(tmp_path, "allow_downgrade: false\n"))
    assert not may_downgrade(config(tmp_path, "allow_uninstall: false\n"))
    assert may_downgrade(config(tmp_path, "allow_uninstall: false\nallow_downgrade: true\n"))


def test_pins_that_cannot_be_read_are_named_with_their_place() -> None:
    assert [str(pin) for pin in parse_pins(["numpy 1.*", "python=3.12"], "x")] == ["numpy=1", "python=3.12"]
    with pytest.raises(ConfigError, match=r"/e/conda-meta/pinned: the pin 'numpy >>1' can't be read"):
        parse_pins(["a", "numpy >>1"], "/e/conda-meta/pinned")
