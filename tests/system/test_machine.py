"""`engine.system.machine`: which virtual packages exist on any machine, for any target (CEP 30, CEP 46)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.errors import ConfigError
from engine.model.platform import KNOWN_SUBDIRS
from engine.system.machine import (
    DEFAULT_GLIBC,
    DEFAULT_LINUX,
    DEFAULT_WIN,
    Machine,
    Probes,
    assumed_machine,
    detect_machine,
    host_platform,
    virtual_packages,
)


def machine(
    platform: str = "linux-64",
    *,
    glibc: str | None = "2.36",
    kernel: str | None = "6.1.0-18-amd64",
    macos: str | None = None,
    windows: str | None = None,
    cpu: str | None = "x86_64_v3",
    cuda: tuple[str | None, str | None] = (None, None),
) -> Probes:
    return Probes(platform, lambda: glibc, lambda: kernel, lambda: macos, lambda: windows, lambda: cpu, lambda: cuda)


def seen(target: str, probes: Probes, **overrides: str) -> dict[str, tuple[str, str]]:
    environ = {f"CONDA_OVERRIDE_{name}": value for name, value in overrides.items()}
    return {record.name: (record.version, record.build) for record in virtual_packages(target, environ, probes)}


MAC = machine("osx-arm64", glibc=None, kernel=None, macos="14.5.1", cpu=None)
WINDOWS = machine("win-64", glibc=None, kernel=None, windows="10.0.22631")


def test_linux_for_itself() -> None:
    assert seen("linux-64", machine()) == {
        "__archspec": ("1", "x86_64_v3"),
        "__glibc": ("2.36", "0"),
        "__linux": ("6.1.0", "0"),
        "__unix": ("0", "0"),
    }


def test_macos_for_itself() -> None:
    """CEP 30: "the first two numeric components of the macOS version"."""
    assert seen("osx-arm64", MAC) == {"__archspec": ("1", "aarch64"), "__osx": ("14.5", "0"), "__unix": ("0", "0")}


def test_windows_for_itself() -> None:
    assert seen("win-64", WINDOWS) == {"__archspec": ("1", "x86_64_v3"), "__win": ("10.0.22631", "0")}


def test_linux_from_elsewhere_has_defaults() -> None:
    found = seen("linux-64", MAC)
    assert found["__glibc"] == (DEFAULT_GLIBC, "0")
    assert found["__linux"] == (DEFAULT_LINUX, "0")
    assert found["__archspec"] == ("1", "x86_64")


def test_another_linux_has_this_kernel_but_a_default_glibc() -> None:
    found = seen("linux-aarch64", machine())
    assert (found["__linux"], found["__glibc"]) == (("6.1.0", "0"), (DEFAULT_GLIBC, "0"))
    assert found["__archspec"] == ("1", "aarch64")


def test_windows_from_elsewhere() -> None:
    assert seen("win-64", machine()) == {"__archspec": ("1", "x86_64"), "__win": (DEFAULT_WIN, "0")}


def test_macos_from_elsewhere_is_0() -> None:
    """CEP 30: "the fallback value MUST be set to `0`"."""
    assert seen("osx-64", machine())["__osx"] == ("0", "0")
    assert seen("osx-64", machine(), OSX="13.1")["__osx"] == ("13.1", "0")


def test_no_glibc_where_the_c_library_is_another_one() -> None:
    assert "__glibc" not in seen("linux-64", machine(glibc=None))
    assert seen("linux-64", machine(glibc=None), GLIBC="2.17")["__glibc"] == ("2.17", "0")


@pytest.mark.parametrize("target", [name for name in KNOWN_SUBDIRS if name != "noarch"])
def test_what_must_be_there_for_every_target(target: str) -> None:
    found = seen(target, machine())
    system = target.partition("-")[0]
    assert "__archspec" in found
    assert ("__glibc" in found) == ("__linux" in found) == (system == "linux")
    assert ("__osx" in found) == (system == "osx")
    assert ("__win" in found) == (system == "win")
    assert ("__unix" in found) == (system != "win")
    assert "__cuda" not in found and "__cuda_arch" not in found


def test_archspec_is_the_platforms_own_word_where_the_database_has_none() -> None:
    """CEP 30: "The second component of the target platform string as is. In this case, the version … MUST be `0`"."""
    assert seen("emscripten-wasm32", machine())["__archspec"] == ("0", "wasm32")


@pytest.mark.parametrize(
    ("name", "value", "package", "expected"),
    [
        ("GLIBC", "2.17", "__glibc", ("2.17", "0")),
        ("LINUX", "5.4", "__linux", ("5.4", "0")),
        ("ARCHSPEC", "skylake", "__archspec", ("1", "skylake")),
        ("CUDA", "12.4", "__cuda", ("12.4", "0")),
    ],
)
def test_overrides_win(name: str, value: str, package: str, expected: tuple[str, str]) -> None:
    assert seen("linux-64", machine(), **{name: value})[package] == expected


@pytest.mark.parametrize(("name", "package"), [("GLIBC", "__glibc"), ("CUDA", "__cuda")])
def test_an_empty_override_removes(name: str, package: str) -> None:
    assert package not in seen("linux-64", machine(cuda=("12.2", None)), **{name: ""})


@pytest.mark.parametrize("name", ["LINUX", "ARCHSPEC", "UNIX"])
def test_what_must_be_present_is_not_removed_by_an_empty_override(name: str) -> None:
    assert seen("linux-64", machine(), **{name: ""}) == seen("linux-64", machine())


def test_unix_can_not_be_overridden() -> None:
    assert seen("linux-64", machine(), UNIX="5")["__unix"] == ("0", "0")


@pytest.mark.parametrize("name", ["OSX", "WIN", "GLIBC", "LINUX"])
def test_overrides_of_other_systems_are_passed_over(name: str) -> None:
    target = {"OSX": "linux-64", "WIN": "linux-64", "GLIBC": "win-64", "LINUX": "win-64"}[name]
    assert seen(target, machine(), **{name: "1.0"}) == seen(target, machine())


@pytest.mark.parametrize(
    ("name", "value"),
    [("LINUX", "new"), ("LINUX", "5"), ("GLIBC", "2 17"), ("CUDA", "../x"), ("ARCHSPEC", "a b"), ("CUDA_ARCH", "9.0a"),
     ("GLIBC", "2..5"), ("CUDA", "1!2!3"), ("CUDA", "9" * 30)],
)  # fmt: skip
def test_malformed_overrides_are_errors_that_name_the_variable(name: str, value: str) -> None:
    """CEP 30, "Specification": a version follows CEP 33, regardless of its origin."""
    with pytest.raises(ConfigError, match=f"CONDA_OVERRIDE_{name}"):
        seen("linux-64", machine(cuda=("12.0", "8.0")), **{name: value})


@pytest.mark.parametrize(
    ("cuda", "overrides", "expected"),
    [
        (("12.4", "8.6"), {}, ("12.4", "8.6")),
        (("12.4", None), {}, ("12.4", None)),
        ((None, None), {}, (None, None)),
        (("12.4", "8.6"), {"CUDA_ARCH": "9.0"}, ("12.4", "9.0")),
        (("12.4", "8.6"), {"CUDA_ARCH": ""}, ("12.4", None)),
        (("12.4", None), {"CUDA_ARCH": "7.5"}, ("12.4", "7.5")),
        ((None, None), {"CUDA_ARCH": "7.5"}, (None, None)),
        (("12.4", "8.6"), {"CUDA": ""}, (None, None)),
        ((None, None), {"CUDA": "11.8", "CUDA_ARCH": "7.5"}, ("11.8", "7.5")),
    ],
)
def test_cuda(
    cuda: tuple[str | None, str | None], overrides: Mapping[str, str], expected: tuple[str | None, str | None]
) -> None:
    """CEP 46: "`__cuda_arch` … MUST be absent when the `__cuda` virtual package is absent"."""
    found = seen("linux-64", machine(cuda=cuda), **overrides)
    none = (None, None)
    assert (found.get("__cuda", none)[0], found.get("__cuda_arch", none)[0]) == expected


def test_the_driver_is_not_asked_where_overrides_say_all() -> None:
    def never() -> tuple[str | None, str | None]:
        raise AssertionError("the driver was asked")

    probes = Probes("linux-64", str, str, str, str, str, never)
    assert "__cuda" not in seen("linux-64", probes, CUDA="")
    assert seen("linux-64", probes, CUDA="12", CUDA_ARCH="9.0")["__cuda"] == ("12", "0")
    assert "__cuda" not in seen("win-64", probes)


def test_records_are_of_the_target_and_sorted() -> None:
    records = virtual_packages("linux-64", {}, machine())
    assert [record.name for record in records] == sorted(record.name for record in records)
    assert {record.subdir for record in records} == {"linux-64"}


def test_this_machine() -> None:
    found = detect_machine(None, {})
    assert found.platform == host_platform()
    assert "__archspec" in {record.name for record in found.virtual}


def test_a_mac_that_nobody_can_ask_is_assumed_to_be_of_today() -> None:
    def assumed(target: str, probes: Probes, **environ: str) -> tuple[str, bool]:
        there = Machine(target, virtual_packages(target, environ, probes))
        found, note = assumed_machine(there, environ)
        return next((fact.version for fact in found.virtual if fact.name == "__osx"), ""), bool(note)

    assert assumed("osx-arm64", machine()) == ("11.0", True)
    assert assumed("osx-64", machine(), CONDA_OVERRIDE_OSX="13.1") == ("13.1", False)
    assert assumed("osx-64", machine(), CONDA_OVERRIDE_OSX="0") == ("0", False), "whoever says 0 gets it"
    assert assumed("osx-arm64", MAC) == ("14.5", False)
    assert assumed("linux-64", machine()) == ("", False)


def test_configured_overrides_yield_to_variables() -> None:
    found = detect_machine("linux-64", {"CONDA_OVERRIDE_CUDA": "12.0"}, {"__cuda": "11.0", "glibc": "2.5"})
    versions = {record.name: record.version for record in found.virtual}
    assert (versions["__cuda"], versions["__glibc"]) == ("12.0", "2.5")
