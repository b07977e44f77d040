"""Version constraints: the sentences of CEP 29, "Version matching", and hostile texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidVersionSpec
from engine.model.version import Version
from engine.model.version_spec import MAX_DEPTH, MAX_LENGTH, VersionSpec
from tests.model.test_version import starts_with

SETTINGS = settings(max_examples=150, deadline=None)

literals = st.sampled_from(
    [
        "0",
        "1",
        "1.0",
        "1.0.0",
        "1.1",
        "1.0rc1",
        "1.0.rc1",
        "1.0a",
        "1.0dev",
        "1.0post1",
        "1.0_",
        "1!0.5",
        "1.0+2",
        "2",
        "10",
    ]
)
versions = st.builds(
    lambda text, more: Version.parse(text.rstrip("_") + more if more else text),
    literals,
    st.sampled_from(["", ".1", ".dev", "rc"]),
)
clauses = st.builds(
    lambda operator, literal, star: operator + literal + star,
    st.sampled_from(["", "=", "==", "!=", "<", "<=", ">", ">="]),
    literals,
    st.sampled_from(["", "", ".*"]),
) | st.builds("~={}".format, literals)
constraints = st.recursive(
    clauses,
    lambda inner: st.builds("{}{}{}".format, inner, st.sampled_from([",", "|"]), inner) | inner.map("({})".format),
    max_leaves=6,
)


def matches(constraint: str, version: str) -> bool:
    return VersionSpec.parse(constraint).matches(Version.parse(version))


class TestOrderedComparison:
    """ "smaller than" and "greater than", as per their position in the version ordering scheme"""

    @SETTINGS
    @given(versions, literals)
    def test_operators_are_the_order(self, version: Version, literal: str) -> None:
        other = Version.parse(literal)
        assert VersionSpec.parse(f"<{literal}").matches(version) == (version < other)
        assert VersionSpec.parse(f"<={literal}").matches(version) == (version <= other)
        assert VersionSpec.parse(f">{literal}").matches(version) == (version > other)
        assert VersionSpec.parse(f">={literal}").matches(version) == (version >= other)
        assert VersionSpec.parse(f"=={literal}").matches(version) == (version == other)


class TestFuzzyEquality:
    """only truthy when all the version segments before the glob match are equal"""

    @SETTINGS
    @given(versions, literals)
    def test_all_spellings_are_one(self, version: Version, literal: str) -> None:
        expected = starts_with(version, Version.parse(literal))
        for text in (f"={literal}", f"{literal}.*", f"{literal}*", f"={literal}.*", f"=={literal}.*"):
            assert VersionSpec.parse(text) == VersionSpec.parse(f"={literal}")
            assert VersionSpec.parse(text).matches(version) is expected
        assert VersionSpec.parse(f"!={literal}.*").matches(version) is not expected


class TestCompatible:
    """greater than or equal to the version literal while also matching a fuzzy equality test … sans its last segment"""

    @SETTINGS
    @given(versions)
    def test_expands(self, version: Version) -> None:
        assert VersionSpec.parse("~=1.0.1").matches(version) == VersionSpec.parse(">=1.0.1,1.0.*").matches(version)


class TestLogic:
    """`,` (AND) has higher precedence than `|` (OR). Parentheses MAY be used to modify precedence."""

    @SETTINGS
    @given(constraints, constraints, constraints, versions)
    def test_operators(self, a: str, b: str, c: str, version: Version) -> None:
        in_a, in_b, in_c = (VersionSpec.parse(text).matches(version) for text in (a, b, c))
        assert VersionSpec.parse(f"({a}),({b})").matches(version) == (in_a and in_b)
        assert VersionSpec.parse(f"({a})|({b}),({c})").matches(version) == (in_a or (in_b and in_c))
        assert VersionSpec.parse(f"(({a})|({b})),({c})").matches(version) == ((in_a or in_b) and in_c)

    @SETTINGS
    @given(constraints, versions)
    def test_the_canonical_text_means_the_same(self, text: str, version: Version) -> None:
        parsed = VersionSpec.parse(text)
        again = VersionSpec.parse(str(parsed))
        assert again == parsed and hash(again) == hash(parsed)
        assert again.matches(version) == parsed.matches(version)

    @SETTINGS
    @given(constraints, versions)
    def test_bounds_hold_what_matches(self, text: str, version: Version) -> None:
        parsed = VersionSpec.parse(text)
        assert parsed.bounds is not None
        assert list(parsed.bounds) == sorted(set(parsed.bounds))
        pairs = zip(parsed.bounds[::2], parsed.bounds[1::2], strict=True)
        assert any(low <= version.key < high for low, high in pairs) == parsed.matches(version)


class TestSpaces:
    """Version expressions SHOULD NOT contain spaces between operators, and MUST be removed and ignored if present."""

    def test_spaces_are_ignored(self) -> None:
        assert VersionSpec.parse(" >= 1.2 , ( < 2 | 3.* ) ") == VersionSpec.parse(">=1.2,(<2|3.*)")


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("*", True),
        ("=*", True),
        (">=*", True),
        ("==1.7.1.0", True),
        ("!=1.7", True),
        ("!=1.7.*", False),
        ("1.*.1", True),
        ("=1.*.1", True),
        ("!=1.*.1", False),
        ("*.7.*,>=1", True),
        ("*.8.*|1.7.1", True),
        (r"^1\.7\.[0-9]+$", True),
        (r"^1\.8.*$", False),
        (r"1.6.*|^.*\.7\.(1|2)$|0.7.1", True),
        (r"^1\.7.*$,<1.7.1", False),
        ("~=1", True),
        ("~=1.6", True),
        ("~=1.6.0", False),
        (">1.7.1*", True),
        (">1.7.1.*", False),
        ("<1.7.1*", False),
        ("1.7.1|1.7.1.*.", True),
        (">1,<1", False),
    ],
)
def test_what_1_7_1_matches(constraint: str, expected: bool) -> None:
    assert matches(constraint, "1.7.1") is expected


def test_exclusion_of_a_literal_leaves_its_family() -> None:
    """conda, mamba and rattler: ``!=3.3`` is the opposite of ``==3.3``."""
    assert matches("!=3.3", "3.3.1")
    assert not matches("!=3.3", "3.3.0.0")


@pytest.mark.parametrize(
    ("text", "under_the_caret"),
    [
        ("", None), ("  ", None), ("(1.5", "("), ("1.5)", ")"), ("1.5||1.6", "|"), ("1,", None), ("|1", "|"),
        ("^1.5", "^"), ("1.5$", "1.5$"), ("~", "~"), ("=", "="), (">=", ">="), ("===3", "=3"), ("=>1", ">1"),
        ("><2", "<2"), ("!=*", "*"), ("~=1.2.*", "1.2.*"), (">=1.*.2", "1.*.2"), ("1.2+", None), ("++", "+"),
        ("1 2", " "), (">=1,<2&3", "&"), ("a[version=)|(", None), ("()", ")"), ("1.*&", "&"), ("^(?=a)b$", "("),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "("), ("1|" * MAX_LENGTH, None), ("1" * 10_000, None),
    ],
)  # fmt: skip
def test_what_is_no_constraint_is_refused_with_its_place(text: str, under_the_caret: str | None) -> None:
    with pytest.raises(InvalidVersionSpec) as caught:
        VersionSpec.parse(text)
    assert caught.value.source == text
    if under_the_caret is not None:
        assert caught.value.span is not None
        assert text[slice(*caught.value.span)] == under_the_caret


@SETTINGS
@given(st.text(alphabet="01a.*=<>!~,|()^$ []+-_\\?", max_size=60) | st.text(max_size=60))
def test_any_text_is_a_constraint_or_an_invalid_one(text: str) -> None:
    try:
        parsed = VersionSpec.parse(text)
    except InvalidVersionSpec:
        return
    assert VersionSpec.parse(str(parsed)) == parsed
