"""Versions: the sentences of CEP 33 as properties, its examples as tables, and hostile texts."""

from __future__ import annotations

import pickle
from itertools import pairwise, zip_longest

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import InvalidVersion
from engine.model import version
from engine.model.version import MAX_LENGTH, Version, compatible_bounds, version_prefix_bounds
from engine.model.version_key import version_key

SETTINGS = settings(max_examples=200, deadline=None)

_PIECES = st.sampled_from(
    ["0", "1", "2", "9", "10", "00", "01", "a", "b", "rc", "RC", "dev", "post", "dev1", "0a0b", "g"]
)
_SEGMENT = st.lists(_PIECES, min_size=1, max_size=3).map("".join)
_DOTTED = st.lists(_SEGMENT, min_size=1, max_size=4).map(".".join).filter(lambda text: len(text) <= 24)


@st.composite
def version_texts(draw: st.DrawFn) -> str:
    """Versions of few, nasty pieces, so that equal and nearly equal ones are common."""
    epoch = draw(st.sampled_from(["", "", "", "0!", "1!"]))
    tail = draw(st.sampled_from(["", "", "", "_", "+"]))
    local = draw(_DOTTED) if tail == "+" else ""
    return epoch + draw(_DOTTED) + tail + local


versions = version_texts().map(Version.parse)

CEP_33_ORDER = """
0.4 == 0.4.0
0.4.1.rc == 0.4.1.RC
0.4.1+local
0.4.1+0.local
0.4.1 == 0.4.1+0
0.4.1+1.local
0.5a1
0.5b3
0.5C1
0.5
0.9.6
0.960923
1.0
1.1dev1
1.1a1
1.1.0dev1 == 1.1.dev1
1.1.a1
1.1.0rc1
1.1.0.0 == 1.1.0 == 1.1
1.1.post1 == 1.1.0post1
1.1post1
1996.07.12
1!0.4.1
1!3.1.1.6
2!0.4.1
"""


def classes(table: str) -> list[list[Version]]:
    return [[Version.parse(text) for text in line.split(" == ")] for line in table.strip().splitlines()]


def test_the_examples_of_cep_33_are_in_its_order() -> None:
    for lower, upper in pairwise(classes(CEP_33_ORDER)):
        assert all(a < b and not b <= a for a in lower for b in upper), (lower, upper)
    for equal in classes(CEP_33_ORDER):
        assert len(set(equal)) == 1


def test_an_appended_underscore_orders_openssl_versions() -> None:
    order = ["1.0.1dev", "1.0.1_", "1.0.1a", "1.0.1b", "1.0.1", "1.0.1post.a", "1.0.1post", "1.0.2_", "1.0.2"]
    assert sorted(map(Version.parse, reversed(order))) == [Version.parse(text) for text in order]


class TestOrderIsTotal:
    """The resulting list of components MUST be compared …"""

    @SETTINGS
    @given(versions, versions)
    def test_one_of_three(self, a: Version, b: Version) -> None:
        assert (a < b) + (a == b) + (a > b) == 1
        assert (a <= b) == (not a > b)
        assert a != b or hash(a) == hash(b)

    @SETTINGS
    @given(st.lists(versions, min_size=3, max_size=3))
    def test_transitive(self, three: list[Version]) -> None:
        low, middle, high = sorted(three)
        assert low <= middle <= high and low <= high

    @SETTINGS
    @given(versions, versions)
    def test_agrees_with_the_sentences_of_the_cep(self, a: Version, b: Version) -> None:
        assert (a < b) == (slow_compare(a.text, b.text) < 0)
        assert (a == b) == (slow_compare(a.text, b.text) == 0)


class TestMissingComponents:
    """When a component has no correspondent, the missing component is assumed to be 0."""

    @SETTINGS
    @given(_DOTTED, st.integers(1, 3))
    def test_zero_segments_at_the_end_change_nothing(self, text: str, count: int) -> None:
        assert Version.parse(text) == Version.parse(text + ".0" * count)

    @SETTINGS
    @given(_DOTTED)
    def test_no_local_part_is_local_zero(self, text: str) -> None:
        assert Version.parse(text) == Version.parse(f"{text}+0")


class TestCase:
    """Strings are compared lexicographically, case-insensitive."""

    @SETTINGS
    @given(version_texts())
    def test_case_is_ignored_and_kept(self, text: str) -> None:
        assert Version.parse(text.upper()) == Version.parse(text)
        assert str(Version.parse(text.upper())) == text.upper()


class TestFillValue:
    """When a component starts with a letter, the fill value 0 is inserted before the letter."""

    @SETTINGS
    @given(_DOTTED, st.sampled_from(["rc", "a1", "dev", "post2"]))
    def test_letter_first(self, text: str, letters: str) -> None:
        assert Version.parse(f"{text}.{letters}") == Version.parse(f"{text}.0{letters}")


class TestLocal:
    """Local versions are only compared when the main versions are identical."""

    @SETTINGS
    @given(_DOTTED, _DOTTED, _DOTTED, _DOTTED)
    def test_main_decides_first(self, a: str, b: str, local_a: str, local_b: str) -> None:
        assume(Version.parse(a) != Version.parse(b))
        assert (Version.parse(f"{a}+{local_a}") < Version.parse(f"{b}+{local_b}")) == (
            Version.parse(a) < Version.parse(b)
        )


class TestPrefix:
    """comparison is only truthy when all the version segments before the glob match are equal"""

    @SETTINGS
    @given(_DOTTED, _DOTTED)
    def test_a_version_starts_with_each_of_its_beginnings(self, text: str, more: str) -> None:
        assert starts_with(Version.parse(f"{text}.{more}"), Version.parse(text))

    @SETTINGS
    @given(versions, versions)
    def test_agrees_with_a_slow_model(self, version: Version, prefix: Version) -> None:
        assert starts_with(version, prefix) == slow_starts_with(version.text, prefix.text)

    @SETTINGS
    @given(versions, versions, versions, versions)
    def test_what_starts_with_a_prefix_is_an_interval(
        self, a: Version, b: Version, c: Version, prefix: Version
    ) -> None:
        low, middle, high = sorted((a, b, c))
        if starts_with(low, prefix) and starts_with(high, prefix):
            assert starts_with(middle, prefix)


@pytest.mark.parametrize(
    ("version", "prefix", "expected"),
    [
        ("1.0.3", "1.0", True),
        ("1.0rc1", "1.0", True),
        ("1", "1.0.0", True),
        ("10", "1", False),
        ("1.1", "1.0", False),
        ("1.0alpha", "1.0a", False),
        ("1.0a1", "1.0a", True),
        ("0.4.1+1.3", "0.4.1+1", True),
        ("0.4.1+1.3", "0.4", True),
        ("0.4.1", "0.4.1+1.3", False),
        ("1!1.0", "1.0", False),
        ("1.0post1", "1.0", True),
    ],
)
def test_starts_with(version: str, prefix: str, expected: bool) -> None:
    assert starts_with(Version.parse(version), Version.parse(prefix)) is expected


@pytest.mark.parametrize(
    ("text", "under_the_caret"),
    [
        ("", None),
        ("  ", None),
        ("3.5&1", "&"),
        ("1.0 1", " "),
        ("5.5++", "+"),
        ("1+2+3", "+"),
        ("5.5..mw", "."),
        ("5.5.", None),
        (".5", "."),
        ("_1", "_"),
        ("_", None),
        ("1__", None),
        ("1._", None),
        ("1.0+", None),
        ("+1", "+"),
        ("!", "!"),
        ("!1", "!"),
        ("1!", None),
        ("a!1.0", "a"),
        ("1!2!3", "1!2"),
        ("1-2_3", "_"),
        ("1.2.18446744073709551616", "18446744073709551616"),
        ("1.*", "*"),
        ("é1", "é"),
        ("１", "１"),
        ("1" * (MAX_LENGTH + 1), None),
        ("1." * 5000, None),
    ],
)
def test_what_is_no_version_is_refused_with_its_place(text: str, under_the_caret: str | None) -> None:
    with pytest.raises(InvalidVersion) as caught:
        Version.parse(text)
    if under_the_caret is not None:
        start, end = caught.value.span or (0, 0)
        assert text[start:end] == under_the_caret


@SETTINGS
@given(st.text(alphabet="01a.-_+!* é\n", max_size=80) | st.text(max_size=80))
def test_any_text_is_a_version_or_an_invalid_version(text: str) -> None:
    try:
        assert str(Version.parse(text)) == text.strip()
    except InvalidVersion as error:
        assert error.span is None or 0 <= error.span[0] < error.span[1] <= len(text) + 1


def test_a_text_is_parsed_once() -> None:
    assert Version.parse("1.2.3-once") is Version.parse("1.2.3-once")
    copied: Version = pickle.loads(pickle.dumps(Version.parse("1.2rc1")))
    assert copied == Version.parse("1.2rc1")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1.2.3", ["1.2.3", "1.2.9", "1.2.3.1"], ["1.2.2", "1.3", "1.3rc1"]),
        ("1.2", ["1.2", "1.9"], ["1.1", "2", "2rc1"]),
        ("1", ["1", "5"], ["0.9", "1!1", "1rc1"]),
        ("1!2", ["1!2", "1!5"], ["5", "2!0"]),
        ("1.2.3+4", ["1.2.3+4", "1.2.4"], ["1.2.3", "1.3"]),
    ],
)
def test_compatible_bounds(text: str, inside: list[str], outside: list[str]) -> None:
    low, high = compatible_bounds(text)
    assert [low <= Version.parse(other).key < high for other in inside + outside] == [True] * len(inside) + [
        False
    ] * len(outside)


def slow_segments(text: str) -> list[list[list[object]]]:
    """Epoch and main, then local, as nested lists: CEP 33's recipe followed to the letter."""
    epoch, _, rest = text.lower().rpartition("!")
    main, _, local = rest.partition("+")
    lists = []
    for part in (main, local):
        tail = "_" if part.endswith("_") else ""
        pieces = part.removesuffix("_").replace("_", ".").replace("-", ".").split(".") if part else []
        if tail:
            pieces[-1] += tail
        lists.append([slow_components(piece) for piece in pieces])
    return [[[int(epoch or 0)], *lists[0]], lists[1]]


def slow_components(piece: str) -> list[object]:
    found: list[object] = []
    run = ""
    for character, following in zip_longest(piece, piece[1:]):
        run += character
        if following is None or character.isdigit() != following.isdigit():
            found.append(int(run) if run.isdigit() else run)
            run = ""
    return found if piece[0].isdigit() else [0, *found]


def slow_rank(component: object) -> tuple[int, object]:
    if component == "dev":
        return (0, 0)
    if component == "post":
        return (3, 0)
    return (1, component) if isinstance(component, str) else (2, component)


def slow_compare(a: str, b: str) -> int:
    for list_a, list_b in zip(slow_segments(a), slow_segments(b), strict=True):
        for segment_a, segment_b in zip_longest(list_a, list_b, fillvalue=[0]):
            for x, y in zip_longest(segment_a, segment_b, fillvalue=0):
                if slow_rank(x) != slow_rank(y):
                    return -1 if slow_rank(x) < slow_rank(y) else 1
    return 0


def starts_with(version: Version, prefix: Version) -> bool:
    """Whether ``prefix.*`` matches."""
    low, high = version_prefix_bounds(prefix.text)
    return low <= version.key < high


def slow_starts_with(version: str, prefix: str) -> bool:
    (main, local), (main_prefix, local_prefix) = slow_segments(version), slow_segments(prefix)
    pairs = [(main, main_prefix, not local_prefix)]
    if local_prefix:
        pairs.append((local, local_prefix, True))
    for segments, wanted, is_open in pairs:
        length = len(wanted) if is_open else max(len(wanted), len(segments))
        for index in range(length):
            have = segments[index] if index < len(segments) else [0]
            want = wanted[index] if index < len(wanted) else [0]
            last = is_open and index == length - 1
            size = len(want) if last else max(len(want), len(have))
            if (have + [0] * size)[:size] != (want + [0] * size)[:size]:
                return False
    return True


@SETTINGS
@given(
    st.lists(st.sampled_from([0, 0, 1, 2, 10, 26]), min_size=1, max_size=5),
    st.sampled_from(["a", "rc", "dev", "post", "b"]),
    st.sampled_from(["", "0", "1", "00", "15"]),
)
def test_the_short_way_to_a_key_leads_to_the_same(numbers: list[int], word: str, number: str) -> None:
    text = ".".join(map(str, numbers)) + word + number
    assert version._parse_key(text) == version_key(*version._parse_parts(text))
