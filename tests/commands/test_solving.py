"""What people say to the solver by options, specs and configuration, and what it answers, as whole commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer

Create = Callable[..., Done]
DRY = ("-n", "one", "--dry-run", "--json")


def linked(done: Done) -> list[str]:
    assert done.code == 0, done.err + done.out
    return sorted(f"{record['name']} {record['version']}" for record in done.json["actions"]["LINK"])


@pytest.fixture
def aged(channel: ChannelBuilder) -> ChannelBuilder:
    """The first version was listed in January, the second in March of 2026."""
    for version, month in (("1.0", 1), ("2.0", 3)):
        stamp = 1_767_225_600_000 + (month - 1) * 31 * 86_400_000
        channel.add(make_package("aged", version), indexed_timestamp=stamp)
    channel.write()
    return channel


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "aged 2.0"),
        (("--exclude-newer", "2026-02-01"), "aged 1.0"),
        (("--exclude-newer", "2026-02-01T00:00:00Z"), "aged 1.0"),
        (("--exclude-newer", "0"), "aged 2.0"),
    ],
)
def test_how_new_packages_may_be(create: Create, aged: ChannelBuilder, words: tuple[str, ...], expected: str) -> None:
    assert linked(create(*DRY, *words, "aged")) == [expected]


def test_the_nearest_setting_of_an_rc_file_counts(
    create: Create, aged: ChannelBuilder, server: ChannelServer, tmp_path: Path
) -> None:
    rc = tmp_path / "rc"
    rc.write_text(f"exclude_newer: 2026-02-01\nchannel_settings: [{{channel: {server.url}, exclude_newer: false}}]\n")
    assert linked(create("--rc-file", rc, *DRY, "aged")) == ["aged 2.0"]
    rc.write_text("cooldown: 2026-02-01\ncooldown_exclude: {aged: false}\n")
    assert linked(create("--rc-file", rc, *DRY, "aged")) == ["aged 2.0"]
    rc.write_text("cooldown: soon\n")
    done = create("--rc-file", rc, "-n", "one", "--dry-run", "aged")
    assert (done.code, "exclude_newer is 'soon', expected a duration or a date" in done.err) == (1, True)


def test_nothing_is_old_enough(create: Create, aged: ChannelBuilder) -> None:
    done = create("-n", "one", "--dry-run", "--exclude-newer", "2025-01-01", "aged")
    assert done.code == 1
    assert "(and 2 too new for exclude_newer)" in done.err


def test_a_channel_of_a_spec_is_looked_in_too(run_command: RunCommand, server: ChannelServer, tmp_path: Path) -> None:
    other = ChannelBuilder(tmp_path / "other").add(make_package("only-there")).add(make_package("base-lib", "9.0"))
    other.write()
    rc = tmp_path / "rc"
    rc.write_text(f"custom_channels: {{mine: {server.url.rpartition('/')[0]}}}\nchannels: [{server.url}]\n")
    words = ("create", "--rc-file", rc, *DRY)
    assert linked(run_command(*words, f"{other.url}::only-there", "base-lib")) == ["base-lib 2.0", "only-there 1.0"]
    assert linked(run_command(*words, f"{other.url}::base-lib")) == ["base-lib 9.0"]


def test_a_name_of_several_channels_means_each_of_them(
    run_command: RunCommand, server: ChannelServer, tmp_path: Path
) -> None:
    other = ChannelBuilder(tmp_path / "other").add(make_package("only-there"))
    other.write()
    rc = tmp_path / "rc"
    rc.write_text(f"default_channels: [{server.url}, {other.url}]\nchannels: [defaults]\n")
    words = ("create", "--rc-file", rc, *DRY)
    assert linked(run_command(*words, "defaults::only-there", "defaults::tool")) == [
        "base-lib 2.0",
        "only-there 1.0",
        "tool 1.0",
    ]


def test_a_contradiction_is_told_with_what_would_work(create: Create) -> None:
    done = create("-n", "one", "--dry-run", "old-tool", "base-lib >=2")
    assert done.code == 1
    assert done.err.splitlines() == [
        "error: Could not solve for environment specs. The following packages are incompatible:",
        "  - old-tool is asked for",
        "      old-tool 1.0 needs base-lib <2",
        "  - base-lib >=2 is asked for",
        "  hint: Each of these would work:",
        "    - ask for base-lib instead of base-lib >=2 (gives base-lib 1.0)",
        "    - leave old-tool away (gives base-lib 2.0)",
    ]


def test_a_contradiction_as_data(create: Create, server: ChannelServer) -> None:
    answer = create(*DRY, "old-tool", "base-lib >=2").json
    assert answer["success"] is False
    assert answer["solver_problems"] == [
        "old-tool is asked for",
        "old-tool 1.0 needs base-lib <2",
        "base-lib >=2 is asked for",
    ]
    assert answer["remedies"][0] == {
        "change": "ask for base-lib instead of base-lib >=2",
        "gives": ["base-lib 1.0"],
        "kind": "request",
    }
    assert answer["channels"] == [{"channel": server.url, "subdirs": ["linux-64", "noarch"]}]


def test_another_system_gets_what_it_can_run(create: Create, channel: ChannelBuilder) -> None:
    channel.add(make_package("mac-tool", "2.0", subdir="osx-arm64", depends=("__osx >=11.0",)))
    channel.add(make_package("mac-tool", "3.0", subdir="osx-arm64", depends=("__osx >=14.0",)))
    channel.write()
    done = create("-n", "one", "--dry-run", "--platform", "osx-arm64", "mac-tool")
    assert "mac-tool" in done.out and "2.0" in done.out
    assert "macOS 11.0" in done.out + done.err
    failed = create("-n", "one", "--dry-run", "--platform", "osx-arm64", "mac-tool 3.*")
    assert failed.code == 1
    assert "mac-tool 3.0 needs __osx >=14.0, but this machine has __osx 11.0" in failed.err
    assert "set CONDA_OVERRIDE_OSX=14.0 (gives mac-tool 3.0)" in failed.err
