"""rc files: where they are looked for, and what a broken one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.files import early_places, prefix_places, read_places, read_rc_file
from engine.errors import ConfigError, StorageError
from tests.config.conftest import Load


def test_the_search_list_is_micromambas() -> None:
    places = early_places("/r", "/h", {"XDG_CONFIG_HOME": "/x", "CONDA_PREFIX": "/p", "CONDARC": "/c", "MAMBARC": "/m"})
    assert places == [
        "/etc/conda/.condarc", "/etc/conda/condarc", "/etc/conda/condarc.d", "/etc/conda/.mambarc",
        "/var/lib/conda/.condarc", "/var/lib/conda/condarc", "/var/lib/conda/condarc.d", "/var/lib/conda/.mambarc",
        "/r/.condarc", "/r/condarc", "/r/condarc.d", "/r/.mambarc",
        "/x/conda/.condarc", "/x/conda/condarc", "/x/conda/condarc.d",
        "/h/.conda/.condarc", "/h/.conda/condarc", "/h/.conda/condarc.d", "/h/.condarc",
        "/p/.condarc", "/p/condarc", "/p/condarc.d", "/c",
        "/x/mamba/.mambarc", "/x/mamba/mambarc", "/x/mamba/mambarc.d",
        "/h/.mamba/.mambarc", "/h/.mamba/mambarc", "/h/.mamba/mambarc.d", "/h/.mambarc", "/m",
    ]  # fmt: skip
    assert prefix_places("/p") == ["/p/.condarc", "/p/condarc", "/p/condarc.d", "/p/.mambarc"]


def test_without_variables_the_users_files_are_below_home() -> None:
    places = early_places("/r", "/h", {})
    assert "/h/.config/conda/.condarc" in places and "/h/.config/mamba/.mambarc" in places


def test_a_place_counts_once_where_it_is_weakest() -> None:
    places = early_places("/r", "/h", {"CONDA_PREFIX": "/r", "CONDARC": "/h/.condarc"})
    assert len(places) == len(set(places))
    assert places.index("/r/.condarc") < places.index("/h/.condarc")


def test_directories_give_their_yaml_files_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "condarc.d"
    folder.mkdir()
    for name in ("b.yml", "a.yaml", "c.txt", "d.yml.bak"):
        (folder / name).write_text("offline: true")
    (folder / "e.yml").mkdir()
    found = read_places([str(folder), str(tmp_path / "missing")], {})
    assert [Path(rc.path).name for rc in found] == ["a.yaml", "b.yml"]


def test_variables_are_expanded_after_parsing(tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text("channels: ['https://${HOST}/$CHAN', $MISSING, '${CHAN}x']\nnested: {a: [$HOST]}\n")
    settings = read_rc_file(str(rc), {"HOST": "h", "CHAN": "c\noffline: true"}).settings
    assert settings["channels"].value == ["https://h/c\noffline: true", "$MISSING", "c\noffline: truex"]
    assert settings["nested"].value == {"a": ["h"]}
    assert "offline" not in settings


@pytest.mark.parametrize("text", ["", "# nothing\n", "channels:\n", "---\n"])
def test_files_that_say_nothing(tmp_path: Path, text: str) -> None:
    rc = tmp_path / "rc"
    rc.write_text(text)
    assert read_rc_file(str(rc), {}).settings == {}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\noffline: maybe\n", 2, "'offline' is 'maybe', expected true or false"),
        ("channels: conda-forge\n", 1, "'channels' is 'conda-forge', expected a list"),
        ("\n\nchannels:\n  a: b\n", 4, "expected a list"),
        ("remote_max_retries: -1\n", 1, "a whole number of at least 0"),
        ("remote_max_retries: 1.5\n", 1, "a whole number"),
        ("remote_connect_timeout_secs: nan\n", 1, "a number"),
        ("channel_priority: high\n", 1, "one of strict, flexible, disabled"),
        ("custom_channels: [a]\n", 1, "a mapping"),
        ("custom_channels: {a: [b]}\n", 1, "texts in it"),
        ("a: [1\n", 2, "not valid YAML"),
        ("a: 1\na: 2\n", 2, "twice"),
        ("- a\n", 1, "a list, expected keys and values"),
    ],
)
def test_faults_name_file_and_line(load: Load, home: Path, text: str, line: int, words: str) -> None:
    (home / ".condarc").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load()
    assert f"{home}/.condarc, line {line}" in str(caught.value)
    assert words in str(caught.value)


def test_faults_of_variables_name_the_variable(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"\$MAMBA_OFFLINE: the key 'offline' is 'maybe'"):
        load(MAMBA_OFFLINE="maybe")
    with pytest.raises(ConfigError, match=r"\$MAMBA_CUSTOM_CHANNELS"):
        load(MAMBA_CUSTOM_CHANNELS="{a")


def test_faults_hide_secrets(load: Load, home: Path) -> None:
    (home / ".condarc").write_text("channels: https://u:s3cr3t@h/c\n")
    with pytest.raises(ConfigError) as caught:
        load()
    assert "s3cr3t" not in str(caught.value)


def test_a_missing_file_that_was_named(load: Load) -> None:
    with pytest.raises(StorageError, match=r"read the configuration file .*missing"):
        load({"rc_files": ["missing"]})


def test_a_file_that_can_be_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.config.files._MAX_SIZE", 10)
    rc = tmp_path / "rc"
    rc.write_text("x: " + "y" * 20)
    with pytest.raises(ConfigError, match="larger"):
        read_rc_file(str(rc), {})


def test_a_file_that_is_yaml_only_with_its_variables(tmp_path: Path) -> None:
    (tmp_path / "rc").write_text("channels: [${ONE}, b]\n")
    rc = read_rc_file(str(tmp_path / "rc"), {"ONE": "a"})
    assert rc.settings["channels"].value == ["a", "b"]
    (tmp_path / "rc").write_text("channels: ['${ONE}', b\n")
    with pytest.raises(ConfigError, match="line"):
        read_rc_file(str(tmp_path / "rc"), {"ONE": "a"})
