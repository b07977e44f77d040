"""Signatures of macOS made good after a change, checked against signatures laid out from nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from engine.link.files.mach_o import is_mach_o, resigned
from tests.kit.mach_o import make_fat, make_mach_o
from tests.kit.package import PLACEHOLDER, File, make_package
from tests.link.support import Recorder, cached, create

OLD, NEW = b"/old/prefix/lib" * 600, b"/new/prefix/lib" * 600


def broken(changed: bytes, right: bytes) -> bytes:
    """What is left of ``changed``'s signature when its content is exchanged."""
    assert len(changed) == len(right)
    return changed.replace(OLD, NEW)


@pytest.mark.parametrize("filetype", [2, 6, 7, 8])
def test_the_signature_becomes_that_of_the_new_content(filetype: int) -> None:
    right = make_mach_o(NEW, filetype=filetype)
    data = broken(make_mach_o(OLD, filetype=filetype), right)
    assert data != right
    assert resigned(data) == right
    assert resigned(right) == right


def test_every_architecture_of_a_file() -> None:
    right = make_fat(make_mach_o(NEW), make_mach_o(NEW + b"!"))
    assert resigned(broken(make_fat(make_mach_o(OLD), make_mach_o(OLD + b"!")), right)) == right


def test_what_is_never_run_stays_as_it_is() -> None:
    data = make_mach_o(b"object", filetype=1, signed=False)
    assert resigned(data) == data


@pytest.mark.parametrize(
    "data",
    [
        make_mach_o(OLD, signed=False),
        make_mach_o(OLD, certificate=b"Apple says so"),
        make_mach_o(OLD)[:-600],
        make_mach_o(OLD)[:40],
        make_fat(make_mach_o(OLD))[:5000],
        make_mach_o(OLD).replace(b"\xfa\xde\x0c\xc0", b"\xfa\xde\x0c\xc1"),
        make_mach_o(OLD).replace(b"\xfa\xde\x0c\x02", b"\xfa\xde\x0c\x03"),
    ],
    ids=["unsigned", "by certificate", "cut", "cut in the commands", "cut fat file", "other blob", "no directory"],
)
def test_what_can_not_be_made_good_is_said(data: bytes) -> None:
    assert resigned(data) is None


def test_what_is_one() -> None:
    assert is_mach_o(make_mach_o(b"")) and is_mach_o(make_fat(make_mach_o(b"")))
    assert not is_mach_o(bytes.fromhex("cafebabe00000041")), "a class file of Java"
    assert not is_mach_o(b"\x7fELF") and not is_mach_o(b"")


@pytest.mark.anyio
@pytest.mark.parametrize("signed", [True, False])
async def test_in_an_environment_for_apple_silicon(tmp_path: Path, signed: bool) -> None:
    def program(prefix: str) -> bytes:
        return make_mach_o(f"{prefix}/lib/x.dylib".encode().ljust(len(PLACEHOLDER) + 20, b"\0"), signed=signed)

    files = {"bin/tool": File(program(PLACEHOLDER), mode=0o755)}
    package = cached(make_package("tool", subdir="osx-arm64", files=files), tmp_path / "pkgs")
    recorder, prefix = Recorder(), tmp_path / "env"
    await create(prefix, [package], platform="osx-arm64", report=recorder)
    made = (prefix / "bin/tool").read_bytes()
    assert made == program(str(prefix))
    assert (prefix / "bin/tool").stat().st_mode & 0o777 == 0o755
    record = json.loads(next((prefix / "conda-meta").glob("tool-*.json")).read_text())
    [entry] = [path for path in record["paths_data"]["paths"] if path["_path"] == "bin/tool"]
    assert entry["sha256_in_prefix"] == hashlib.sha256(made).hexdigest()
    assert [("bin/tool" in text) for text in recorder.notices("warning")] == ([] if signed else [True])
