"""`engine.inputs`: words and files → what is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Config, load_config
from engine.errors import InvalidMatchSpec, UsageError
from engine.inputs import Asked, explicit_records, gather, with_default_packages

URL = "https://h.org/ch/linux-64/zlib-1.3-h_0.conda"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config({}, {}, home=str(tmp_path), cwd=str(tmp_path))


def ask(config: Config, *words: str, files: tuple[str, ...] = (), **answers: bytes) -> Asked:
    return gather(words, files, config, {}, lambda url: answers["text"])


def test_words_are_specs_or_addresses(config: Config, tmp_path: Path) -> None:
    (tmp_path / "local-1.0-0.tar.bz2").touch()
    asked = ask(config, "python=3.12", URL + "#" + "a" * 64, "python=3.12", "./local-1.0-0.tar.bz2")
    assert [str(spec) for spec in asked.specs] == ["python=3.12"]
    assert [package.url for package in asked.explicit] == [URL, f"file://{tmp_path}/local-1.0-0.tar.bz2"]
    assert asked.explicit[0].sha256 == "a" * 64
    assert Asked().is_empty
    assert not asked.is_empty


def test_what_a_package_that_was_named_by_its_address_needs_comes_too(config: Config, tmp_path: Path) -> None:
    assert ask(config, URL).with_needs
    for text, needs in ((URL, True), (f"@EXPLICIT\n{URL}", False)):
        (file := tmp_path / "list.txt").write_text(f"{text}\n")
        assert ask(config, files=(str(file),)).with_needs is needs


def test_a_missing_version_is_told(config: Config) -> None:
    assert ask(config, "python=", "zlib").notices == ("'python=' names no version: any will do.",)


def test_a_local_package_must_be_there(config: Config) -> None:
    with pytest.raises(UsageError, match=r"local-1\.0-0\.tar\.bz2: there is no such file"):
        ask(config, "./local-1.0-0.tar.bz2")


def test_files_come_after_words(config: Config, tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text("name: n\nchannels: [c]\ndependencies: [b, pip: [x]]\nvariables: {key: value}\n")
    asked = ask(config, "a", files=(str(tmp_path / "env.yml"),))
    assert [spec.exact_name for spec in asked.specs][:2] == ["a", "b"]
    assert (asked.name, asked.channels, asked.pip_parts[0].lines) == ("n", ("c",), ("x",))
    assert asked.variables == {"KEY": "value"}


def test_a_remote_file_is_fetched(config: Config) -> None:
    asked = ask(config, files=("https://h.org/specs.txt",), text=b"zlib\n")
    assert [str(spec) for spec in asked.specs] == ["zlib"]


def test_a_bad_word(config: Config) -> None:
    with pytest.raises(InvalidMatchSpec):
        ask(config, "python>>3")


def test_default_packages(config: Config) -> None:
    asked = with_default_packages(ask(config, "pip=23"), ["pip", "ipython"])
    assert [str(spec) for spec in asked.specs] == ["pip=23", "ipython"]
    explicit = ask(config, URL)
    assert with_default_packages(explicit, ["pip"]) is explicit


def test_records_of_addresses(config: Config) -> None:
    (record,) = explicit_records(ask(config, URL + "#" + "b" * 32))
    assert (record.dist, record.subdir, record.channel) == ("zlib-1.3-h_0", "linux-64", "https://h.org/ch")
    assert (record.md5, record.sha256) == ("b" * 32, None)
    with pytest.raises(UsageError, match="same name"):
        explicit_records(ask(config, URL, URL.replace("1.3", "1.2")))
