"""`engine.system.probes`: questions to the running system never fail and answer in the form that CEP 30 wants."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from engine.system import probes


def test_every_probe_answers_or_says_none() -> None:
    for probe in (probes.glibc, probes.kernel, probes.macos, probes.windows, probes.microarchitecture):
        answer = probe()
        assert answer is None or re.match(r"[0-9]+\.[0-9]+|x86_64", answer)
    version, capability = probes.cuda()
    assert all(part is None or re.fullmatch(r"[0-9]+\.[0-9]+", part) for part in (version, capability))
    assert capability is None or version is not None


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_linux_knows_its_kernel_and_nothing_of_others() -> None:
    assert probes.kernel()
    assert probes.macos() is None and probes.windows() is None


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ("fpu sse2", "x86_64"),
        ("cx16 lahf_lm popcnt ssse3 sse4_1 sse4_2", "x86_64_v2"),
        ("cx16 lahf_lm popcnt ssse3 sse4_1 sse4_2 avx avx2 bmi1 bmi2 f16c fma abm movbe", "x86_64_v3"),
        ("cx16 lahf_lm popcnt ssse3 sse4_1 sse4_2 avx avx2 bmi1 bmi2 f16c fma abm", "x86_64_v2"),
    ],
)
def test_levels_of_x86(flags: str, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n")
    found = probes._linux_flags(str(cpuinfo))
    monkeypatch.setattr(probes, "_cpu_flags", lambda: found)
    assert probes.microarchitecture() == level


def test_no_flags_no_level(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert probes._linux_flags(str(tmp_path / "missing")) == frozenset()
    monkeypatch.setattr(probes, "_cpu_flags", frozenset)
    assert probes.microarchitecture() is None
