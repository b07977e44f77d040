"""`engine.specfile`: environment.yml (CEP 24), explicit files and lists of specifications (CEP 23)."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidChannel, InvalidSpecFile, StorageError, UsageError
from engine.specfile import (
    SpecContext,
    SpecFile,
    combine,
    explicit_package,
    is_explicit,
    is_remote,
    parse_spec_text,
    read_spec_file,
)
from engine.specfile import read as read_module
from engine.specfile.selectors import drop_lines, select, variables

MD5, SHA = "0123456789abcdef" * 2, "0123456789abcdef" * 4


def context(platform: str = "linux-64", **facts: object) -> SpecContext:
    return SpecContext(platform=platform, cwd="/here", home="/home/me", environ={"TOK": "tk-1", "X": "x"}, **facts)  # type: ignore[arg-type]


def env(text: str, platform: str = "linux-64", **facts: object) -> SpecFile:
    return parse_spec_text(text, "env.yml", context(platform, **facts), directory="/where")


WHOLE = """
name: test
channels:
  - conda-forge
  - https://h/t/$TOK/private
  - nodefaults
dependencies:
  - python =3.12
  - numpy>=1.26,<3
  - conda-forge::scipy
  - sel(win): pywin32
  - sel(unix): bash
  - pip:
      - requests==2.31  # remark
      - -r more.txt
variables:
  my_var: 1.10
  FLAG: yes
  EMPTY:
platforms: [linux-64, osx-64]
category: dev
prefix: ~/envs/$X
"""


def test_a_whole_environment() -> None:
    found = env(WHOLE)
    assert (found.kind, found.name, found.category, found.prefix) == ("environment", "test", "dev", "/home/me/envs/x")
    assert found.channels == ("conda-forge", "https://h/t/tk-1/private", "nodefaults")
    assert found.specs == ("python =3.12", "numpy>=1.26,<3", "conda-forge::scipy", "bash", "pip")
    assert found.pip == ("requests==2.31", "-r more.txt")
    assert found.pip_parts[0].directory == "/where" and found.pip_tool == "pip"
    assert found.variables == {"MY_VAR": "1.10", "FLAG": "yes", "EMPTY": ""}
    assert found.platforms == ("linux-64", "osx-64") and found.notices == ()


def test_selectors_follow_the_platform() -> None:
    assert "pywin32" in env(WHOLE, "win-64").specs and "bash" not in env(WHOLE, "win-64").specs


def test_names_of_variables_may_keep_their_case() -> None:
    assert env("variables: {aB: x}", uppercase_variables=False).variables == {"aB": "x"}


@pytest.mark.parametrize(
    ("specs", "use_uv", "added", "tool"),
    [
        (["python"], False, ["pip"], "pip"),
        (["pip"], False, [], "pip"),
        (["pip >=20"], False, [], "pip"),
        (["conda-forge::pip=24"], False, [], "pip"),
        (["pip-tools"], False, ["pip"], "pip"),
        (["uv"], False, [], "uv"),
        (["python"], True, ["uv"], "uv"),
    ],
)
def test_the_installer_of_the_pip_part_is_added(specs: list[str], use_uv: bool, added: list[str], tool: str) -> None:
    lines = "".join(f"\n  - {spec}" for spec in specs)
    found = env(f"dependencies:{lines}\n  - pip: [x]\n", use_uv=use_uv)
    assert (list(found.specs), found.pip_tool) == ([*specs, *added], tool)


def test_without_a_pip_part_nothing_is_added() -> None:
    assert env("dependencies: [python]").specs == ("python",)
    assert env("dependencies:\n  - python\n  - pip:\n").specs == ("python",)


@pytest.mark.parametrize("text", ["name: x", "dependencies:", "dependencies: []", "channels: [a]\ndependencies:\n"])
def test_an_environment_may_be_empty(text: str) -> None:
    assert env(text).specs == ()


def test_unknown_keys_are_passed_over_with_a_notice() -> None:
    """CEP 24: "they MUST be ignored and the user SHOULD receive an informative warning"."""
    (notice,) = env("dependencies: [a]\nversion: 2\n").notices
    assert "line 2" in notice and "'version'" in notice


def test_a_platform_that_the_file_is_not_for_gives_a_notice() -> None:
    assert "meant for linux-64, osx-64" in env(WHOLE, "win-64").notices[0]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[a]", 1, "a list"),
        ("just words", 1, "expected keys"),
        ("packages: [a]", 1, "none of the keys"),
        ("dependencies: numpy", 1, "expected a list"),
        ("dependencies:\n- [a]", 2, "expected a specification"),
        ("dependencies:\n- uv: [a]", 2, "the section 'uv'"),
        ("dependencies:\n- a\n- sel(linux and win): b", 3, "expected one of"),
        ("dependencies:\n- sel(win): [a]", 2, "one package specification"),
        ("dependencies:\n- pip: requests", 2, "expected a list"),
        ("dependencies:\n- pip:\n  - {a: b}", 3, "expected a text"),
        ("dependencies:\n- b # [win and]", 2, "malformed"),
        ("channels: conda-forge", 1, "expected a list"),
        ("name: [a]", 1, "expected a text"),
        ("variables: [a]", 1, "expected a mapping"),
        ("variables:\n  'A;rm -rf /': x", 2, "environment variable"),
        ("variables:\n  A: [x]", 2, "expected a text"),
        ('variables:\n  A: "x\\0y"', 2, "NUL"),
        ("platforms: [noarch]", 1, "noarch"),
        ("platforms: [linux_64]", 1, "expected 'noarch' or"),
        ("dependencies: [a\n", 2, "not valid YAML"),
        ("name: a\nname: b", 2, "twice"),
    ],
)
def test_faults_name_the_line(text: str, line: int, words: str) -> None:
    with pytest.raises(InvalidSpecFile, match=f"'env.yml': line {line}: ") as caught:
        env(text)
    assert words in str(caught.value)


def test_a_document_without_anything() -> None:
    with pytest.raises(InvalidSpecFile, match="found nothing"):
        env("# nothing here\n")


# --- selectors


@pytest.mark.parametrize(
    ("expression", "platforms"),
    [
        ("win", {"win-64", "win-arm64"}),
        ("linux or osx", {"linux-64", "linux-aarch64", "osx-64", "osx-arm64"}),
        ("unix and arm64", {"osx-arm64"}),
        ("osx64", {"osx-64"}),
        ("x64 and not (osx or win)", {"linux-64"}),
        ("not not win", {"win-64", "win-arm64"}),
        ("aarch64 or win and x86_64", {"linux-aarch64", "win-64"}),
        ("(aarch64 or win) and x86_64", {"win-64"}),
        ("linux64", {"linux-64"}),
    ],
)
def test_comment_selectors(expression: str, platforms: set[str]) -> None:
    """CEP 24: "can be chained with `and` and `or` logic operators. Precedence can be specified with parentheses"."""
    targets = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64", "win-arm64")
    for spacing in ("# [", "#["):
        line = f"- a  {spacing}{expression}]"
        assert {target for target in targets if drop_lines(line, target)} == platforms


@pytest.mark.parametrize(
    "line", ["- a # [optional]", "- a # see [win]x#[win]", "- a  # [py310]", "- 'a#[win]'", "- a[build=x]", "- a # []"]
)  # fmt: skip
def test_remarks_that_are_no_selectors(line: str) -> None:
    assert drop_lines(line, "linux-64") == line


def test_dropped_lines_leave_line_numbers_alone() -> None:
    text = "dependencies:\n- a # [win]\n- b # [linux]\n- sel(x): c\n"
    assert drop_lines(text, "linux-64").split("\n")[1] == ""
    with pytest.raises(InvalidSpecFile, match="line 4"):
        env(text)


@pytest.mark.parametrize("expression", ["win and", "(win", "win)", "and", "win win", "not", "()", "win or or osx"])
def test_malformed_selectors(expression: str) -> None:
    with pytest.raises(InvalidSpecFile, match="malformed"):
        env(f"dependencies:\n- a # [{expression}]\n")


def test_sel_takes_one_of_four_words() -> None:
    assert [select(word, "osx-64") for word in ("unix", "linux", "osx", "win")] == [True, False, True, False]
    for wrong in ("", "macos", "linux64", "unix and osx"):
        with pytest.raises(ValueError, match="expected one of"):
            select(wrong, "osx-64")


@given(st.recursive(st.sampled_from(["win", "linux", "osx64", "arm64"]), lambda inner: st.one_of(
    inner.map("not {}".format), st.tuples(inner, inner).map("({0[0]} and {0[1]})".format),
    st.tuples(inner, inner).map("({0[0]} or {0[1]})".format)), max_leaves=8))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_selectors_mean_what_python_would_make_of_them(expression: str) -> None:
    for target in ("win-64", "osx-64", "linux-64", "osx-arm64"):
        expected = eval(expression, {}, variables(target))
        assert bool(drop_lines(f"- a # [{expression}]", target)) == expected


# --- explicit files and lists


EXPLICIT = f"""# This file may be used to create an environment
# platform: osx-64
  @EXPLICIT

https://u:p@h/t/tk/c/osx-64/a-1-0.conda#{MD5}
https://h/c/noarch/b-1-0.tar.bz2#{SHA}
   https://h/c/noarch/c-1-0.conda#sha256:{SHA}
# remark
~/d-1-0.conda
$X/osx-64/e-1-0.conda#{MD5}
f-1-0.conda
"""


def test_explicit_files() -> None:
    found = parse_spec_text(EXPLICIT, "list.txt", context())
    assert (found.kind, found.platform) == ("explicit", "osx-64")
    assert [(p.url, p.md5, p.sha256) for p in found.explicit] == [
        ("https://u:p@h/t/tk/c/osx-64/a-1-0.conda", MD5, None),
        ("https://h/c/noarch/b-1-0.tar.bz2", None, SHA),
        ("https://h/c/noarch/c-1-0.conda", None, SHA),
        ("file:///home/me/d-1-0.conda", None, None),
        ("file:///here/x/osx-64/e-1-0.conda", MD5, None),
        ("file:///here/f-1-0.conda", None, None),
    ]
    assert "made for osx-64" in found.notices[0]
    assert parse_spec_text(EXPLICIT, "list.txt", context("osx-64")).notices == ()


@pytest.mark.skipif(sys.platform == "win32", reason="users are found otherwise there")
def test_other_users_homes_in_explicit_files() -> None:
    """CEP 23, "Explicit input files": leading tildes must be replaced as `os.path.expanduser` does it."""
    root = os.path.expanduser("~root")
    found = parse_spec_text("@EXPLICIT\n~root/a-1-0.conda\n~nobody-such/a-1-0.conda\n", "x.txt", context())
    assert [package.url for package in found.explicit] == [
        f"file://{root}/a-1-0.conda",
        "file:///here/~nobody-such/a-1-0.conda",
    ]


@pytest.mark.parametrize("line", ["numpy", "https://h/c", f"https://h/a-1-0.conda#{MD5}0", "https://h/a-1-0.conda#",
                                  f"https://h/a-1-0.conda#{MD5.upper()}", "python >=3"])  # fmt: skip
def test_explicit_files_hold_addresses_only(line: str) -> None:
    with pytest.raises(InvalidSpecFile, match=r"'x.txt': line 2"):
        parse_spec_text(f"@EXPLICIT\n{line}\n", "x.txt", context())


def test_the_mark_must_stand_alone_and_in_capitals() -> None:
    """CEP 23: "a line whose only non-whitespace content is the case-sensitive word `@EXPLICIT`"."""
    for text in ("@explicit\nhttps://h/a-1-0.conda", "@EXPLICIT x\n"):
        with pytest.raises(InvalidSpecFile, match="line 1"):
            parse_spec_text(text, "x.txt", context())


def test_other_marks_mean_nothing_as_in_micromamba() -> None:
    found = parse_spec_text("zlib\n\t@ a remark of sorts\n", "x.txt", context())
    assert found.specs == ("zlib",)
    assert "line 2: '@ a remark of sorts' means nothing here" in found.notices[0]


def test_errors_hide_secrets() -> None:
    with pytest.raises(InvalidSpecFile) as caught:
        parse_spec_text("@EXPLICIT\nhttps://u:s3cr3t@h/t/s3cr3t/x\n", "x.txt", context())
    assert "s3cr3t" not in str(caught.value)


def test_lists_of_specifications() -> None:
    text = "# remark\n\nnumpy\n  python >=3.10  # newer\r\ntk[build=h5083fa2_1]\nhttps://h/a-1-0.conda#" + MD5
    found = parse_spec_text(text, "x.txt", context())
    assert found.kind == "list"
    assert found.specs == ("numpy", "python >=3.10", "tk[build=h5083fa2_1]", f"https://h/a-1-0.conda#{MD5}")


@pytest.mark.parametrize("text", ["", "# remark\n", "-e .\n", "--hash=x\n", "@explicit\n"])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(InvalidSpecFile):
        parse_spec_text(text, "x.txt", context())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("https://h/a-1-0.conda", True), ("./a-1-0.tar.bz2#" + MD5, True), ("a-1-0.conda", True), ("numpy", False),
     ("numpy>=1", False), ("conda-forge::numpy", False), ("x[url='https://h/a-1-0.conda']", False)],
)  # fmt: skip
def test_addresses_on_the_command_line(text: str, expected: bool) -> None:
    assert is_explicit(text) is expected


def test_an_address_that_is_none() -> None:
    with pytest.raises(InvalidChannel):
        explicit_package("numpy", context())


# --- reading


def test_formats_are_told_by_name_or_look() -> None:
    yaml = "name: x\ndependencies: [a]\n"
    for name in ("e.yml", "e.YAML", "https://h/e.yaml?raw=1", "standard input", "https://h/raw/123"):
        assert parse_spec_text(yaml, name, context()).kind == "environment"
    for name in ("x.txt", "standard input", "specs"):
        assert parse_spec_text("@EXPLICIT\nhttps://h/a-1-0.conda\n", name, context()).kind == "explicit"
        assert parse_spec_text("numpy\n", name, context()).kind == "list"


@pytest.mark.parametrize("name", ["conda-lock.yml", "x-lock.yaml", "pixi.lock", "a.json", "pylock.toml"])
def test_lock_files_are_not_taken_for_something_else(name: str) -> None:
    with pytest.raises(InvalidSpecFile):
        parse_spec_text("other: x", name, context())


def test_an_environment_in_json() -> None:
    file = parse_spec_text('{"name": "x", "dependencies": ["a", {"pip": ["b"]}]}', "environment.json", context())
    assert (file.kind, file.name, file.specs, file.pip) == ("environment", "x", ("a", "pip"), ("b",))


def test_files_urls_and_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "sub" / "my env.yml"
    file.parent.mkdir()
    file.write_text("dependencies:\n- a\n- pip: [.]\n")
    where = SpecContext(platform="linux-64", cwd=str(tmp_path), home="/")
    for source in (str(file), "sub/my env.yml", file.as_uri()):
        assert read_spec_file(source, where).pip_parts[0].directory == str(file.parent)
    found = read_spec_file("-", where, stdin=io.BytesIO(file.read_bytes()))
    assert (found.source, found.pip_parts[0].directory) == ("standard input", str(tmp_path))
    found = read_spec_file("https://u:s3cr3t@h/env.yml", where, data=b"dependencies: [a]")
    assert found.specs == ("a",) and "s3cr3t" not in found.source
    assert is_remote("https://h/x") and not is_remote("file:///x") and not is_remote("x")


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    where = SpecContext(platform="linux-64", cwd=str(tmp_path), home="/")
    with pytest.raises(StorageError, match=r"missing\.yml"):
        read_spec_file("missing.yml", where)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    assert read_module.decode("numpy # é\n".encode(encoding), "x") == "numpy # é\n"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x80abc", b"a\x00b"])
def test_what_is_no_text(data: bytes) -> None:
    with pytest.raises(InvalidSpecFile, match="no text"):
        read_module.decode(data, "x")


def test_files_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "MAX_SIZE", 10)
    with pytest.raises(InvalidSpecFile, match="larger"):
        read_spec_file("-", context(), stdin=io.BytesIO(b"x" * 100))


def test_several_files() -> None:
    first = env("name: a\nchannels: [c]\ndependencies: [x, {pip: [p]}]\nvariables: {V: '1'}")
    second = env("name: b\nchannels: [d, c]\ndependencies: [y, x]\nvariables: {V: '2', W: '3'}")
    both = combine([first, second])
    assert (both.name, both.channels, both.specs) == ("a", ("c", "d"), ("x", "pip", "y"))
    assert (both.pip, both.variables) == (("p",), {"V": "1", "W": "3"})
    assert "a, b" in both.notices[0]
    assert combine([first]) is first
    with pytest.raises(UsageError, match="different kinds"):
        combine([first, parse_spec_text("numpy", "x.txt", context())])


@given(
    st.one_of(st.text(max_size=80), st.text("@EXPLICIT#[]:-{} \nabdepnci", max_size=80)),
    st.sampled_from(["e.yml", "e.txt", "e"]),
)
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    try:
        found = parse_spec_text(text, name, context())
    except InvalidSpecFile:
        return
    assert isinstance(found, SpecFile)
