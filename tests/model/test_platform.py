"""`engine.model.platform`: the names of subdirs and what follows from them."""

from __future__ import annotations

import pytest

from engine.model import platform as p


@pytest.mark.parametrize(
    ("system", "machine", "bits", "expected"),
    [
        ("linux", "x86_64", 64, "linux-64"),
        ("Linux", "AMD64", 64, "linux-64"),
        ("linux", "x86_64", 32, "linux-32"),
        ("linux", "i686", 32, "linux-32"),
        ("linux", "aarch64", 64, "linux-aarch64"),
        ("linux", "arm64", 64, "linux-aarch64"),
        ("linux", "aarch64", 32, "linux-armv7l"),
        ("linux", "armv8l", 32, "linux-armv7l"),
        ("linux", "armv6l", 32, "linux-armv6l"),
        ("linux", "ppc64le", 64, "linux-ppc64le"),
        ("linux", "s390x", 64, "linux-s390x"),
        ("linux", "riscv64", 64, "linux-riscv64"),
        ("darwin", "x86_64", 64, "osx-64"),
        ("Darwin", "arm64", 64, "osx-arm64"),
        ("win32", "AMD64", 64, "win-64"),
        ("Windows", "ARM64", 64, "win-arm64"),
        ("Windows", "x86", 32, "win-32"),
        ("freebsd14", "amd64", 64, "freebsd-64"),
        ("emscripten", "wasm32", 32, "emscripten-wasm32"),
    ],
)
def test_native_platform_is_what_conda_calls_the_machine(system: str, machine: str, bits: int, expected: str) -> None:
    assert p.native_platform(system, machine, bits) == expected
    assert expected in p.KNOWN_SUBDIRS


def test_unknown_system_is_refused() -> None:
    with pytest.raises(p.InvalidPlatform, match="templeos"):
        p.native_platform("templeos", "x86_64")


@pytest.mark.parametrize("text", ["noarch", "linux-64", " Linux-64 ", "newos-128"])
def test_subdirs_may_be_ones_that_nobody_knows_yet(text: str) -> None:
    assert p.parse_subdir(text) == text.strip().lower()


@pytest.mark.parametrize("text", ["", "linux", "linux_64", "linux-64-x", "../etc", "a-" + "b" * 40, "linux-64/x"])
def test_misshapen_subdirs_are_refused(text: str) -> None:
    """CEP 26: ``^[a-z0-9]+-[a-z0-9]+$``, at most 32 characters."""
    with pytest.raises(p.InvalidPlatform):
        p.parse_subdir(text)


def test_every_known_subdir_is_well_formed() -> None:
    assert [p.parse_subdir(name) for name in p.KNOWN_SUBDIRS] == list(p.KNOWN_SUBDIRS)


@pytest.mark.parametrize(
    ("platform", "windows", "osx", "linux", "unix"),
    [
        ("linux-64", False, False, True, True),
        ("osx-arm64", False, True, False, True),
        ("win-64", True, False, False, False),
        ("freebsd-64", False, False, False, True),
        ("emscripten-wasm32", False, False, False, True),
        ("noarch", False, False, False, False),
    ],
)
def test_kinds(platform: str, windows: bool, osx: bool, linux: bool, unix: bool) -> None:
    kinds = (p.is_windows(platform), p.is_osx(platform), p.is_linux(platform), p.is_unix(platform))
    assert kinds == (windows, osx, linux, unix)


@pytest.mark.parametrize(
    ("platform", "build"),
    [
        ("linux-32", "x86"),
        ("linux-64", "x86_64"),
        ("win-64", "x86_64"),
        ("linux-aarch64", "aarch64"),
        ("osx-arm64", "aarch64"),
        ("linux-armv6l", "armv6l"),
        ("linux-armv7l", "armv7l"),
        ("linux-ppc64", "ppc64"),
        ("linux-ppc64le", "ppc64le"),
        ("linux-riscv64", "riscv64"),
        ("linux-s390x", "s390x"),
        ("emscripten-wasm32", "wasm32"),
        ("zos-z", "z"),
    ],
)
def test_naive_archspec_is_the_table_of_cep_30(platform: str, build: str) -> None:
    assert p.naive_archspec(platform) == build


def test_layout_of_prefixes() -> None:
    assert p.default_site_packages("linux-64", "3.12.1") == "lib/python3.12/site-packages"
    assert p.default_site_packages("win-64", "3.12.1") == "Lib/site-packages"
    assert (p.scripts_dir("osx-64"), p.scripts_dir("win-64")) == ("bin", "Scripts")
    assert (p.python_executable("osx-64"), p.python_executable("win-64")) == ("bin/python", "python.exe")


@pytest.mark.parametrize(
    ("platform", "system", "expected"),
    [
        ("linux-aarch64", "linux", True),
        ("win-64", "linux", False),
        ("win-arm64", "win32", True),
        ("osx-arm64", "darwin", True),
        ("osx-64", "linux", False),
        ("freebsd-64", "freebsd14", True),
        ("linux-64", "templeos", False),
    ],
)
def test_whether_a_platform_is_of_a_system(platform: str, system: str, expected: bool) -> None:
    assert p.is_of_system(platform, system) is expected
