"""Replacing the build prefix: every encoding, every length, never a corrupt file."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.link.files.placeholder import ENCODINGS, PrefixTooLong, replace, replace_binary, replace_text
from engine.link.plan.shebang import max_shebang

OLD = "/opt/build_placehold_placehold_placehold"
NEW = "/home/me/env"
LINUX = "linux-64"


@pytest.mark.parametrize("encoding", [name for name, _ in ENCODINGS])
def test_text_is_replaced_in_every_encoding(encoding: str) -> None:
    data = f"a={OLD}/lib\nb={OLD}\n".encode(encoding)
    assert replace_text(data, OLD, NEW, LINUX) == f"a={NEW}/lib\nb={NEW}\n".encode(encoding)


def test_text_without_placeholder_is_the_same_object() -> None:
    data = b"#!/bin/sh\nnothing here\n"
    assert replace(data, OLD, NEW, binary=False, platform=LINUX) is data


def test_windows_text_gets_forward_slashes() -> None:
    assert replace_text(OLD.encode(), OLD, "C:\\Users\\me", "win-64") == b"C:/Users/me"


@pytest.mark.parametrize(("encoding", "width"), ENCODINGS)
def test_binary_keeps_every_length(encoding: str, width: int) -> None:
    text = f"{OLD}/lib:{OLD}/bin".encode(encoding)
    nul = bytes(width)
    data = b"\x7fELF" + text + nul + b"next" + nul
    found = replace_binary(data, OLD, NEW)
    new = f"{NEW}/lib:{NEW}/bin".encode(encoding)
    assert found == b"\x7fELF" + new.ljust(len(text), b"\0") + nul + b"next" + nul


def test_binary_string_without_end_is_replaced_too() -> None:
    assert replace_binary(b"x" + OLD.encode(), OLD, NEW) == b"x" + NEW.encode().ljust(len(OLD), b"\0")


def test_binary_refuses_a_longer_prefix_and_says_so() -> None:
    with pytest.raises(PrefixTooLong):
        replace_binary(OLD.encode() + b"\0", OLD, OLD + "x")


def test_longer_prefix_is_fine_where_nothing_is_to_be_replaced() -> None:
    assert replace_binary(b"nothing\0", OLD, OLD + "x") == b"nothing\0"


def test_same_length_prefix_fits() -> None:
    new = "/" + "n" * (len(OLD) - 1)
    assert replace_binary(OLD.encode() + b"/lib\0", OLD, new) == new.encode() + b"/lib\0"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([OLD.encode(), b"\0", b"\0\0", b"a", b"/lib", b"\xff"]), max_size=30))
def test_binary_replacement_agrees_with_a_slow_model(pieces: list[bytes]) -> None:
    data = b"".join(pieces)

    def model(match: re.Match[bytes]) -> bytes:
        return match[0].replace(OLD.encode(), NEW.encode()).ljust(len(match[0]), b"\0")

    expected = re.sub(re.escape(OLD.encode()) + rb"[^\0]*", model, data)
    found = replace_binary(data, OLD, NEW)
    assert found == expected
    assert len(found) == len(data)


def test_short_shebang_is_only_replaced() -> None:
    data = f"#!{OLD}/bin/python -E\nprint()\n".encode()
    assert replace_text(data, OLD, NEW, LINUX) == f"#!{NEW}/bin/python -E\nprint()\n".encode()


@pytest.mark.parametrize("prefix", ["/home/a b/env", "/" + "x" * 130])
def test_shebang_the_kernel_refuses_becomes_env(prefix: str) -> None:
    data = f"#!{OLD}/bin/perl -w\nuse {OLD};\n".encode()
    assert replace_text(data, OLD, prefix, LINUX) == f"#!/usr/bin/env perl -w\nuse {prefix};\n".encode()


def test_limits_by_platform() -> None:
    prefix = "/" + "x" * 200
    data = f"#!{OLD}/bin/perl\n".encode()
    assert replace_text(data, OLD, prefix, "osx-64") == f"#!{prefix}/bin/perl\n".encode()
    assert (max_shebang("linux-aarch64"), max_shebang("osx-arm64")) == (127, 512)


def test_foreign_shebang_is_left_alone() -> None:
    data = f"#!/usr/bin/env python\n# {OLD}\n".encode()
    assert replace_text(data, OLD, "/a b", LINUX) == b"#!/usr/bin/env python\n# /a b\n"


@pytest.mark.skipif(os.name == "nt", reason="shebangs")
@pytest.mark.parametrize("folder", ["with space", 'dollar$HOME`x`"q', "l" * 140])
def test_python_scripts_run_from_any_prefix(tmp_path: Path, folder: str) -> None:
    prefix = tmp_path / folder
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python3").symlink_to(sys.executable)
    script = prefix / "bin" / "tool"
    source = f"#!{OLD}/bin/python3 -E\nimport sys\nprint(sys.argv[1:], sys.flags.ignore_environment)\n".encode()
    script.write_bytes(replace_text(source, OLD, str(prefix), LINUX))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run([script, "a b", "c"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['a b', 'c'] 1"


def test_windows_launcher_is_rewritten_before_its_archive() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("__main__.py", f"print('{OLD}')")
    data = b"MZ launcher" + f"#!{OLD}\\python.exe\r\n".encode() + buffer.getvalue()
    found = replace(data, OLD, "C:\\env", binary=True, platform="win-64")
    assert found == b"MZ launcher#!C:\\env\\python.exe\r\n" + buffer.getvalue()
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        assert archive.read("__main__.py").decode() == f"print('{OLD}')"


@pytest.mark.parametrize("data", [b"MZ no archive", b"PK\x05\x06", b"PK\x05\x06" + b"\xff" * 18, OLD.encode() + b"\0"])
def test_other_windows_binaries_stay_as_they_are(data: bytes) -> None:
    assert replace(data, OLD, "C:\\env", binary=True, platform="win-64") == data
