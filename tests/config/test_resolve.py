"""`load_config`: what wins, and the keys that hang together."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Config, load_config
from engine.config.keys import KEYS
from engine.errors import ConfigError, UsageError
from tests.config.conftest import Load


def test_the_table_and_the_configuration_are_in_step(load: Load) -> None:
    config = load()
    fields = set(Config.__struct_fields__)
    assert {key.name for key in KEYS} <= fields
    computed = {"root_prefix", "envs_dirs", "pkgs_dirs", "platform", "rc_files", "target_prefix"}
    for key in KEYS:
        if key.name not in computed:
            assert getattr(config, key.name) == key.default, key.name
    assert config.sources.keys() == {"root_prefix"}


def test_without_any_word_it_is_conda_forge(load: Load) -> None:
    assert load().channels == ("conda-forge",)


def test_command_line_over_variable_over_file_over_default(load: Load, home: Path) -> None:
    assert load().channel_priority == "flexible"
    (home / ".condarc").write_text("channel_priority: strict\n")
    assert load().channel_priority == "strict"
    assert load(MAMBA_CHANNEL_PRIORITY="disabled").channel_priority == "disabled"
    config = load({"channel_priority": "flexible"}, MAMBA_CHANNEL_PRIORITY="disabled")
    assert config.channel_priority == "flexible"
    assert config.sources["channel_priority"] == (
        "the command line", "$MAMBA_CHANNEL_PRIORITY", f"{home}/.condarc",
    )  # fmt: skip


@pytest.mark.parametrize("key", [key for key in KEYS if key.kind == "bool" and key.name not in {"always_softlink"}])
def test_every_switch_has_its_variable(key: object, load: Load) -> None:
    name = key.name  # type: ignore[attr-defined]
    if name == "no_env" or key.only_option:  # type: ignore[attr-defined]
        return
    default = key.default  # type: ignore[attr-defined]
    assert getattr(load(**{f"MAMBA_{name.upper()}": "0" if default else "1"}), name) is not default


def test_nothing_but_an_option_opens_frozen_environments(load: Load, home: Path) -> None:
    """CEP 22, "Specification": tools must not offer ways to enable the overrides by default."""
    rc = home / ".condarc"
    rc.write_text("protect_frozen_envs: false\n")
    config = load(CONDA_PROTECT_FROZEN_ENVS="0", MAMBA_PROTECT_FROZEN_ENVS="0")
    assert config.protect_frozen_envs
    assert len(config.notices) == 3 and all("no effect" in notice for notice in config.notices)
    assert str(rc) in config.notices[2] and not config.unknown_keys
    assert not load({"protect_frozen_envs": False}).protect_frozen_envs


def test_lists_are_joined_the_strongest_first(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("channels: [weak, both]\n")
    (home / ".mambarc").write_text("channels: [strong, both]\n")
    config = load({"channels": ["cli"]}, CONDA_CHANNELS="env, conda-forge[linux-64,noarch]")
    assert config.channels == ("cli", "env", "conda-forge[linux-64,noarch]", "strong", "both", "weak")
    assert config.sources["channels"] == (
        "the command line", "$CONDA_CHANNELS", "$CONDA_CHANNELS",
        f"{home}/.mambarc", f"{home}/.mambarc", f"{home}/.condarc",
    )  # fmt: skip


def test_mappings_are_joined_name_by_name(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("custom_channels: {a: https://weak, b: https://weak}\n")
    (home / ".mambarc").write_text("custom_channels: {b: https://strong}\n")
    config = load(MAMBA_CUSTOM_CHANNELS="{c: https://env}")
    assert config.custom_channels == {"a": "https://weak", "b": "https://strong", "c": "https://env"}


@pytest.mark.parametrize(
    ("options", "rc", "expected"),
    [
        ({}, "channels: [a, nodefaults]", ("a",)),
        ({"channels": ["x"]}, "channels: [a]", ("x", "a")),
        ({"channels": ["x", "nodefaults"]}, "channels: [a]", ("x",)),
        ({"channels": ["x"], "override_channels": True}, "channels: [a]", ("x",)),
        ({"override_channels": True}, "channels: [a]", ()),
        ({"channels": ["x"]}, "", ("x",)),
        ({}, "channels: []", ()),
    ],
)
def test_channels(load: Load, home: Path, options: dict[str, object], rc: str, expected: tuple[str, ...]) -> None:
    (home / ".condarc").write_text(rc)
    assert load(options).channels == expected


def test_override_channels_may_be_switched_off(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("channels: [a]\noverride_channels_enabled: false\n")
    config = load({"channels": ["x"], "override_channels": True})
    assert config.channels == ("x", "a")
    assert "override_channels_enabled" in config.notices[0]


def test_no_rc_and_no_env(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("offline: true\n")
    assert load().offline
    for config in (load({"no_rc": True}), load(MAMBA_NO_RC="true")):
        assert not config.offline and config.rc_files == ()
    assert load(MAMBA_QUIET="1").quiet
    assert not load({"no_env": True}, MAMBA_QUIET="1").quiet


def test_only_the_named_rc_files_are_read(load: Load, home: Path, tmp_path: Path) -> None:
    (home / ".condarc").write_text("offline: true\n")
    (tmp_path / "one.cfg").write_text("channels: [one]\n")
    (tmp_path / "two.cfg").write_text("channels: [two]\n")
    config = load({"rc_files": ["one.cfg", str(tmp_path / "two.cfg")]})
    assert not config.offline and config.channels == ("one", "two")
    with pytest.raises(ConfigError, match="switched off"):
        load({"rc_files": ["one.cfg"], "no_rc": True})


def test_the_rc_file_of_the_target_prefix_is_the_strongest_but_does_not_move_envs(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("platform: linux-64\n")
    prefix = home / "root" / "envs" / "x"
    prefix.mkdir(parents=True)
    (prefix / ".mambarc").write_text("platform: osx-arm64\nenvs_dirs: [/elsewhere]\n")
    for options in ({"env_name": "x"}, {"target_prefix": str(prefix)}):
        config = load(options)
        assert (config.platform, config.target_prefix) == ("osx-arm64", str(prefix))
        assert config.envs_dirs == (f"{home}/root/envs",)
    assert load().platform == "linux-64"


def test_the_active_environment_counts_only_where_it_is_allowed(load: Load, tmp_path: Path) -> None:
    active = tmp_path.resolve() / "active"
    active.mkdir()
    (active / ".mambarc").write_text("platform: win-64\n")
    config = load(CONDA_PREFIX=str(active), CONDA_SUBDIR="linux-64")
    assert (config.target_prefix, config.active_prefix) == (None, str(active))
    config = load({"use_target_prefix_fallback": True}, CONDA_PREFIX=str(active))
    assert (config.target_prefix, config.platform) == (str(active), "win-64")
    config = load({"use_target_prefix_fallback": True, "use_root_prefix_fallback": True})
    assert config.target_prefix == config.root_prefix


def test_envs_dirs(load: Load, home: Path, tmp_path: Path) -> None:
    work = tmp_path.resolve()
    (home / ".condarc").write_text("envs_dirs: [~/mine]\n")
    assert load(CONDA_ENVS_DIRS=f"{work}/a:{work}/b").envs_dirs == (
        f"{work}/a", f"{work}/b", f"{home}/mine", f"{home}/root/envs",
    )  # fmt: skip
    assert load(CONDA_ENVS_PATH=f"{work}/a").envs_dirs[0] == f"{work}/a"
    with pytest.raises(ConfigError, match="are both set, but only one must be declared"):
        load(CONDA_ENVS_DIRS="/a", CONDA_ENVS_PATH="/b")


def test_pkgs_dirs(load: Load, home: Path, tmp_path: Path) -> None:
    assert load().pkgs_dirs == (f"{home}/root/pkgs", f"{home}/.mamba/pkgs")
    (home / ".condarc").write_text("pkgs_dirs: [$CACHE/pkgs]\n")
    assert load(CACHE="/scratch").pkgs_dirs == ("/scratch/pkgs",)
    assert load(CONDA_PKGS_DIRS="/x,/y", CACHE="/scratch").pkgs_dirs == ("/x", "/y", "/scratch/pkgs")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="expected a directory"):
        load(CONDA_PKGS_DIRS=str(tmp_path / "file"))


def test_platform(load: Load) -> None:
    assert load(CONDA_SUBDIR="osx-64").platform == "osx-64"
    assert load(CONDA_SUBDIR="osx-64", MAMBA_PLATFORM="win-64").platform == "osx-64"
    assert load({"platform": "linux-aarch64"}, CONDA_SUBDIR="osx-64").platform == "linux-aarch64"
    with pytest.raises(ConfigError, match=r"\$CONDA_SUBDIR.*platform"):
        load(CONDA_SUBDIR="linux_64")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", "<system>"), ("true", "<system>"), ("<true>", "<system>"), ("truststore", "<system>"), ("false", "<false>"),
     ("0", "<false>"), ("<false>", "<false>"), ("/ca.pem", "/ca.pem"), ("~/ca.pem", "~/ca.pem")],
)  # fmt: skip
def test_ssl_verify(load: Load, home: Path, text: str, expected: str) -> None:
    assert load({"ssl_verify": text}).ssl_verify == expected.replace("~", str(home))


def test_ssl_verify_stands_back_for_certificates_named_otherwise(load: Load) -> None:
    assert load(REQUESTS_CA_BUNDLE="/b.pem").ssl_verify == "/b.pem"
    assert load({"ssl_verify": "/a.pem"}, REQUESTS_CA_BUNDLE="/b.pem").ssl_verify == "/a.pem"
    assert load({"ssl_verify": "/a.pem", "cacert_path": "/c.pem"}).ssl_verify == "/c.pem"
    assert load({"ssl_verify": "<false>", "cacert_path": "/c.pem"}).ssl_verify == "<false>"


def test_offline_does_not_switch_verification_off(load: Load) -> None:
    assert load({"offline": True}).ssl_verify == "<system>"


def test_proxies(load: Load) -> None:
    config = load(HTTP_PROXY="http://big", http_proxy="http://small", NO_PROXY="h", https_proxy="http://s")
    assert config.proxy_environ == {"http": "http://small", "https": "http://s", "no": "h"}
    assert load(HTTP_PROXY="http://evil", REQUEST_METHOD="GET").proxy_environ == {}


@pytest.mark.parametrize(
    ("options", "level"),
    [({}, "warning"), ({"verbose": 1}, "info"), ({"verbose": 2}, "debug"), ({"verbose": 9}, "trace"),
     ({"verbose": 2, "log_level": "error"}, "error")],
)  # fmt: skip
def test_verbosity_sets_the_log_level_unless_that_is_said(load: Load, options: dict[str, object], level: str) -> None:
    assert load(options).log_level == level


def test_contradictions(load: Load) -> None:
    with pytest.raises(ConfigError, match="always_copy"):
        load({"always_copy": True, "always_softlink": True})
    with pytest.raises(ConfigError, match="client_ssl_cert"):
        load({"client_ssl_cert_key": "/k"})
    with pytest.raises(UsageError, match="both"):
        load({"target_prefix": "/x", "env_name": "y"})


def test_facts_beside_the_keys(load: Load, home: Path) -> None:
    config = load(CI="true", NETRC="/n")
    assert config.ci and config.netrc == "/n"
    config = load(CI="false")
    assert not config.ci and config.netrc == f"{home}/.netrc"
    assert load({"skip_run_link_scripts": True}).run_link_scripts is False


def test_what_is_no_key_is_passed_over_and_remembered(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("rollback_enabled: true\nplugins: {x: 1}\nrepodata_fns: [a.json]\nofline: true\n")
    config = load({"specs": ["numpy"], "file_specs": []})
    assert config.rc_files == (f"{home}/.condarc",)
    assert config.unknown_keys == ((f"{home}/.condarc, line 4", "ofline"),)


def test_a_file_of_the_active_environment_is_read_once(load: Load, home: Path) -> None:
    prefix = home / "root" / "envs" / "x"
    (prefix / "condarc.d").mkdir(parents=True)
    (prefix / "condarc.d" / "a.yml").write_text("offline: true\n")
    config = load({"target_prefix": str(prefix)}, CONDA_PREFIX=str(prefix))
    assert config.rc_files == (f"{prefix}/condarc.d/a.yml",)


def test_a_prefix_that_the_caller_knows(home: Path, tmp_path: Path) -> None:
    config = load_config(
        {"env_name": "other"}, {"MAMBA_ROOT_PREFIX": "/r"}, home=str(home), cwd="/", target_prefix="/known"
    )
    assert config.target_prefix == "/known"


def test_the_configuration_is_loaded_without_yaml_asyncio_and_aiohttp() -> None:
    import os
    import subprocess
    import sys

    code = (
        "import sys; from engine.config import load_config; "
        "load_config({'no_rc': True}, {}, home='/nowhere', cwd='/'); "
        "print(sorted({'yaml', 'asyncio', 'aiohttp', 'rich', 'urllib.request'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert run.stdout.strip() == "[]"
