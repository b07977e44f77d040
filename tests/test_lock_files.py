"""Lock files in and out: conda-lock (CEP 37), pixi.lock, mambajs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.environment.export_lock import Locked, conda_lock_text, pixi_lock_text
from engine.errors import InvalidSpecFile, UsageError
from engine.specfile import SpecContext, SpecFile, combine, parse_spec_text

MD5, SHA = "0123456789abcdef" * 2, "0123456789abcdef" * 4
BASE = "https://conda.example/forge"


def read(text: str, name: str, platform: str = "linux-64", **facts: object) -> SpecFile:
    context = SpecContext(platform=platform, cwd="/here", home="/home/me", environ={"TOK": "tk-1"}, **facts)  # type: ignore[arg-type]
    return parse_spec_text(text, name, context, directory="/where")


CONDA_LOCK = f"""
version: 1
metadata:
  content_hash: {{linux-64: {SHA}}}
  channels: [{{url: forge, used_env_vars: []}}]
  platforms: [linux-64, osx-64]
  sources: [environment.yml]
package:
- name: zlib
  version: 1.2.13
  manager: conda
  platform: linux-64
  dependencies: {{libgcc-ng: '>=12', libzlib: 1.2.13 h0_0}}
  url: {BASE}/linux-64/zlib-1.2.13-h0_0.conda
  hash: {{md5: {MD5}, sha256: {SHA}}}
  optional: false
- {{name: zlib, version: 1.2.13, manager: conda, platform: osx-64,
   url: '{BASE}/osx-64/zlib-1.2.13-h1_0.conda', hash: {{md5: {MD5}}}, optional: false}}
- {{name: tester, version: '1', manager: conda, platform: linux-64, category: dev,
   url: '{BASE}/t/$TOK/noarch/tester-1-0.tar.bz2', hash: {{md5: {MD5}}}, optional: true}}
- {{name: six, version: 1.17.0, manager: pip, platform: linux-64, dependencies: {{}},
   url: 'https://files.example/six-1.17.0-py3-none-any.whl', hash: {{sha256: {SHA}}}, optional: false}}
- {{name: dateutil, version: '2', manager: pip, platform: linux-64,
   url: 'git+https://git.example/dateutil@9eaa5de', hash: {{sha256: 9eaa5de}}, optional: false}}
"""


def test_conda_lock() -> None:
    file = read(CONDA_LOCK, "conda-lock.yml")
    assert file.kind == "explicit"
    (zlib,) = file.explicit
    assert (zlib.url, zlib.md5, zlib.sha256) == (f"{BASE}/linux-64/zlib-1.2.13-h0_0.conda", MD5, SHA)
    assert zlib.depends == ("libgcc-ng >=12", "libzlib 1.2.13 h0_0")
    (part,) = file.pip_parts
    assert part.lines == (
        f"six @ https://files.example/six-1.17.0-py3-none-any.whl#sha256={SHA}",
        "dateutil @ git+https://git.example/dateutil@9eaa5de",
    )
    assert (part.no_deps, part.directory) == (True, "/where")


def test_other_platforms_and_categories() -> None:
    (mac,) = read(CONDA_LOCK, "conda-lock.yml", "osx-64").explicit
    assert (mac.url, mac.depends) == (f"{BASE}/osx-64/zlib-1.2.13-h1_0.conda", None)
    more = read(CONDA_LOCK, "x-lock.yaml", categories=("main", "dev"))
    assert [package.url for package in more.explicit][
        1
    ] == "https://conda.example/t/tk-1/forge/noarch/tester-1-0.tar.bz2"
    with pytest.raises(InvalidSpecFile, match=r"line 6: it is for linux-64, osx-64, not for win-64"):
        read(CONDA_LOCK, "conda-lock.yml", "win-64")


def test_what_is_in_a_file_tells_its_format_where_the_name_does_not() -> None:
    assert read(CONDA_LOCK, "frozen.yml") == msg(read(CONDA_LOCK, "conda-lock.yml"), "frozen.yml")
    assert read(PIXI, "mine.yaml").explicit == read(PIXI, "pixi.lock").explicit


def msg(file: SpecFile, source: str) -> SpecFile:
    import msgspec

    return msgspec.structs.replace(file, source=source)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1\n", "version: 2\n", r"line 2: the version is 2, expected 1"),
        ("manager: conda\n", "manager: cargo\n", r"the manager of the package is 'cargo'"),
        (f"hash: {{md5: {MD5}, sha256: {SHA}}}", "hash: {}", "has no digest"),
        (f"{BASE}/linux-64/zlib-1.2.13-h0_0.conda", "https://x/readme.txt", "is no conda package"),
        ("- name: zlib\n", "- other: zlib\n", r"line 9: the package has no 'name'"),
        ("package:\n", "packages:\n", "expected the keys 'metadata' and 'package'"),
        ("version: 1\n", "version: [\n", "not valid YAML"),
    ],
)
def test_faults_name_the_line(old: str, new: str, words: str) -> None:
    with pytest.raises(InvalidSpecFile, match=words):
        read(CONDA_LOCK.replace(old, new, 1), "conda-lock.yml")


PIXI = f"""\
version: 6
environments:
  default:
    channels:
    - url: {BASE}/
    packages:
      linux-64:
      - conda: {BASE}/linux-64/zlib-1.2.13-h0_0.conda
      - pypi: https://files.example/six-1.17.0-py3-none-any.whl
      - pypi: ./
      osx-64:
      - conda: {BASE}/osx-64/zlib-1.2.13-h1_0.conda
  test:
    channels: []
    packages: {{}}
packages:
- conda: {BASE}/linux-64/zlib-1.2.13-h0_0.conda
  sha256: {SHA}
  md5: {MD5}
  depends:
  - libzlib 1.2.13 h0_0
  constrains:
  - other <1
- conda: {BASE}/osx-64/zlib-1.2.13-h1_0.conda
  sha256: {SHA}
- pypi: https://files.example/six-1.17.0-py3-none-any.whl
  name: six
  version: 1.17.0
  sha256: {SHA}
- pypi: ./
  name: mine
  editable: true
"""


def test_pixi_lock() -> None:
    file = read(PIXI, "pixi.lock")
    (zlib,) = file.explicit
    assert (zlib.depends, zlib.constrains, zlib.sha256) == (("libzlib 1.2.13 h0_0",), ("other <1",), SHA)
    assert file.channels == (BASE,)
    assert file.pip == (f"six @ https://files.example/six-1.17.0-py3-none-any.whl#sha256={SHA}", "-e ./")
    assert read(PIXI, "pixi.lock", "osx-64").explicit[0].depends == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 6", "version: 3", "the version is 3, expected 5 or 6"),
        ("  default:", "  other:", "no environment called 'default' .there are: other, test."),
        (f"  sha256: {SHA}\n  md5: {MD5}\n", "", "has no digest"),
        ("  name: six\n", "", "has no name"),
    ],
)
def test_faults_of_pixi_locks(old: str, new: str, words: str) -> None:
    with pytest.raises(InvalidSpecFile, match=words):
        read(PIXI.replace(old, new, 1), "pixi.lock")
    with pytest.raises(InvalidSpecFile, match="not for win-64"):
        read(PIXI, "pixi.lock", "win-64")


def test_mambajs_lock() -> None:
    lock = {
        "lockVersion": "1.0.1",
        "platform": "linux-64",
        "channels": ["forge"],
        "channelInfo": {"forge": [{"url": BASE, "protocol": "https"}, {"url": "https://mirror", "protocol": "https"}]},
        "packages": {"xz-5-h_0.conda": {"name": "xz", "subdir": "linux-64", "channel": "forge", "hash": {"md5": MD5}}},
        "pipPackages": {"six.whl": {"name": "six", "version": "1", "url": "https://f/six.whl", "registry": "PyPi"}},
    }
    bare = {**lock, "packages": {"xz-5-h_0.conda": {"subdir": "linux-64", "channel": "forge"}}}
    assert read(json.dumps(bare), "x-lock.json").explicit[0].sha256 is None
    file = read(json.dumps(lock), "x-lock.json")
    assert [(p.url, p.md5, p.depends) for p in file.explicit] == [(f"{BASE}/linux-64/xz-5-h_0.conda", MD5, None)]
    assert file.pip == ("six @ https://f/six.whl",)
    for key, value, words in (
        ("lockVersion", "2.0", "the version is 2.0"),
        ("platform", "win-64", "it is for win-64"),
        ("packages", [], "no lock file of mambajs"),
        ("channelInfo", {}, "the channel 'forge' of xz-5-h_0.conda has no address"),
    ):
        with pytest.raises(InvalidSpecFile, match=words):
            read(json.dumps({**lock, key: value}), "x-lock.json")


def test_a_lock_file_and_an_environment_do_not_mix() -> None:
    with pytest.raises(UsageError, match="different kinds"):
        combine([read(CONDA_LOCK, "conda-lock.yml"), read("dependencies: [a]", "environment.yml")])


PACKAGES = [
    Locked(name="base", version="1.10", build="h_0", url=f"{BASE}/linux-64/base-1.10-h_0.conda", md5=MD5, sha256=SHA),
    Locked(
        name="tool", version="2", build="py_1", build_number=1, noarch="python", license="BSD-3-Clause", size=7,
        url="https://u:secret@conda.example/forge/noarch/tool-2-py_1.conda", sha256=SHA, timestamp_ms=1_700_000_000_000,
        depends=("base >=1", "base <3", "python", "abi 3.11.* *_cp311"), constrains=("other <1",),
    ),
]  # fmt: skip


def test_what_is_written_is_read_again() -> None:
    for text, name in (
        (conda_lock_text(PACKAGES, "linux-64", [BASE]), "conda-lock.yml"),
        (pixi_lock_text(PACKAGES, "linux-64", [BASE]), "pixi.lock"),
    ):
        assert "secret" not in text
        file = read(text, name)
        assert {(p.url, p.sha256) for p in file.explicit} == {
            (f"{BASE}/linux-64/base-1.10-h_0.conda", SHA),
            ("https://conda.example/forge/noarch/tool-2-py_1.conda", SHA),
        }
    assert file.explicit[1].depends == PACKAGES[1].depends
    locked = read(conda_lock_text(PACKAGES, "linux-64", [BASE]), "conda-lock.yml").explicit[1]
    assert locked.depends == ("base >=1,<3", "python", "abi 3.11.* *_cp311")


def test_nothing_installed() -> None:
    for text, name in (
        (conda_lock_text([], "linux-64", []), "a-lock.yml"),
        (pixi_lock_text([], "linux-64", []), "pixi.lock"),
    ):
        with pytest.raises(InvalidSpecFile, match="holds no package for linux-64"):
            read(text, name)


def test_rattler_reads_our_pixi_lock(tmp_path: Path) -> None:
    rattler = pytest.importorskip("rattler")
    (tmp_path / "pixi.lock").write_text(pixi_lock_text(PACKAGES, "linux-64", [BASE]))
    environment = rattler.LockFile.from_path(tmp_path / "pixi.lock").default_environment()
    packages = environment.packages(environment.platforms()[0])
    assert sorted((p.name, str(p.version), str(p.location)) for p in packages) == [
        ("base", "1.10", f"{BASE}/linux-64/base-1.10-h_0.conda"),
        ("tool", "2", "https://conda.example/forge/noarch/tool-2-py_1.conda"),
    ]
