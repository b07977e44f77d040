"""`Document`: one key changes, every other line and all comments stay."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.edit import CannotEdit, Document

FILE = """\
# my settings
channels:
  # the good one
  - conda-forge  # first
  - bioconda

offline: false  # for trains
custom_channels: {a: https://a}
proxy_servers:
  http: http://one  # office

  https: http://two
# the end
"""


def edited(text: str, *steps: tuple[str, ...]) -> str:
    document = Document(text)
    for name, *words in steps:
        if name in ("append", "prepend"):
            document.add(words[0], words[1:], first=name == "prepend")
        elif name == "take":
            assert document.take(*words)
        elif name == "remove":
            document.remove(words)
        else:
            document.set(words[:-1], words[-1])
    return str(document)


@pytest.mark.parametrize(
    ("step", "old", "new"),
    [
        (("append", "channels", "local"), "  - bioconda\n", "  - bioconda\n  - local\n"),
        (("prepend", "channels", "a", "b"), "  - conda-forge", "  - a\n  - b\n  - conda-forge"),
        (("take", "channels", "conda-forge"), "  - conda-forge  # first\n", ""),
        (("set", "offline", "true"), "offline: false  # for", "offline: true  # for"),
        (("remove", "offline"), "offline: false  # for trains\n", ""),
        (("set", "proxy_servers", "http", "http://x"), "http: http://one  # office", "http: http://x  # office"),
        (("set", "proxy_servers", "ftp", "http://f"), "  https: http://two\n", "  https: http://two\n  ftp: http://f\n"),
        (("remove", "proxy_servers", "http"), "  http: http://one  # office\n", ""),
        (("set", "quiet", "true"), "# the end\n", "# the end\nquiet: true\n"),
        (("set", "log_pattern", "a: b # c"), "# the end\n", '# the end\nlog_pattern: "a: b # c"\n'),
    ],
)  # fmt: skip
def test_only_the_lines_of_the_key_change(step: tuple[str, ...], old: str, new: str) -> None:
    assert FILE.count(old) == 1
    assert edited(FILE, step) == FILE.replace(old, new)


def test_a_value_that_is_in_the_list_moves() -> None:
    assert edited(FILE, ("append", "channels", "conda-forge")) == FILE.replace(
        "  - conda-forge  # first\n", ""
    ).replace("  - bioconda\n", "  - bioconda\n  - conda-forge\n")


def test_the_last_value_takes_the_key_with_it() -> None:
    assert edited("a: 1\nchannels:\n  - x\n", ("take", "channels", "x")) == "a: 1\n"
    assert edited("channels:\n  - x\n", ("prepend", "channels", "x")) == "channels:\n  - x\n"
    assert edited("a: {b: 1}\n", ("remove", "a", "b")) == ""


def test_lists_in_brackets_stay_in_brackets() -> None:
    assert edited("channels: [a, 'b']  # two\n", ("append", "channels", "c")) == "channels: [a, 'b', c]  # two\n"
    assert edited("channels: [a, 'b']\n", ("take", "channels", "b")) == "channels: [a]\n"
    assert edited("channels:\n- a\n", ("append", "channels", "c[x]")) == 'channels:\n- a\n- "c[x]"\n'


@pytest.mark.parametrize("text", ["", "# only this\n", "---\n", "a: 1", "channels:\n", "channels: ~\na: 1\n"])
def test_a_list_begins(text: str) -> None:
    made = edited(text, ("append", "channels", "x", "y"))
    assert yaml.safe_load(made)["channels"] == ["x", "y"]
    assert ("# only this" in made) == ("#" in text)


def test_line_ends_and_byte_order_marks_stay() -> None:
    assert (
        edited("\ufeffa: 1\r\nb: 2\r\n", ("set", "a", "3"), ("append", "l", "x"))
        == "\ufeffa: 3\r\nb: 2\r\nl:\r\n  - x\r\n"
    )


def test_values_of_every_form_are_replaced() -> None:
    text = "a: |\n  long\n  text\nb:\n  - 1\n# c\nd: 'q'\n"
    assert edited(text, ("set", "a", "1"), ("set", "b", "2"), ("set", "d", "3")) == "a: 1\nb: 2\n# c\nd: 3\n"


def test_a_style_that_is_not_line_by_line() -> None:
    assert edited("{a: 1, b: [x]}", ("set", "a", "2")) == "a: 2\nb:\n  - x\n"
    with pytest.raises(CannotEdit):
        edited("{a: 1, # why\n b: 2}", ("set", "a", "2"))
    assert edited("{a: '#', b: [x]}", ("set", "b", "2")) == 'a: "#"\nb: 2\n'
    with pytest.raises(CannotEdit):
        edited(FILE, ("append", "offline", "x"))
    with pytest.raises(CannotEdit):
        Document("- a\n")


_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)
_DATA = st.dictionaries(st.sampled_from("abcde"), _TEXT | st.lists(_TEXT, max_size=3, unique=True), max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    data=_DATA,
    name=st.sampled_from("abcdef"),
    value=_TEXT | st.lists(_TEXT, max_size=3, unique=True),
    flow=st.booleans(),
)
def test_what_is_set_is_read_again(data: dict[str, object], name: str, value: object, flow: bool) -> None:
    document = Document(yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True))
    document.set([name], value)  # type: ignore[arg-type]
    found = yaml.load(str(document), Loader=yaml.BaseLoader)
    assert found == {**data, name: value}
