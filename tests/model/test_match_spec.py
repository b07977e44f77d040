"""Package specifications: the sentences and examples of CEP 29, 43, 44 and 45, and hostile texts."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import InvalidMatchSpec
from engine.model.condition import Joined
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord, RepoDataRecord

SETTINGS = settings(max_examples=200, deadline=None)

RECORD = RepoDataRecord(
    name="numpy",
    version="1.8.1",
    build="py39h1_3",
    build_number=3,
    subdir="linux-64",
    md5="0" * 32,
    sha256="ab" * 32,
    track_features="mkl avx",
    fn="numpy-1.8.1-py39h1_3.conda",
    url="https://conda.anaconda.org/t/tk-123/conda-forge/linux-64/numpy-1.8.1-py39h1_3.conda",
    channel="https://conda.anaconda.org/conda-forge",
    flags=("cuda", "blas:mkl"),
    raw=b'{"license": "BSD-3-Clause"}',
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("foo 1.0 py27_0", "foo==1.0=py27_0"),
        ("foo=1.0=py27_0", "foo==1.0=py27_0"),
        ("conda-forge::foo[version=1.0.*]", "conda-forge::foo=1.0"),
        ("conda-forge/linux-64::foo>=1.0", "conda-forge/linux-64::foo[version='>=1.0']"),
        ("*/linux-64::foo>=1.0", "foo[subdir=linux-64,version='>=1.0']"),
        ("*", "*"),
        ("NumPy", "numpy"),
        ("numpy 1.7*", "numpy=1.7"),
        ("numpy[version='1.7|1.8']", "numpy[version='1.7|1.8']"),
        ("numpy=1.7=py3*_2", "numpy==1.7[build=py3*_2]"),
        ("numpy=1.7.*=py37_2", "numpy=1.7[build=py37_2]"),
        ("numpy !=1.10 py38_0", "numpy[version='!=1.10',build=py38_0]"),
        ("numpy[version=1.10 build=py38_0]", "numpy==1.10=py38_0"),
        ("numpy[version='*',build='*']", "numpy"),
        ("conda-forge:pypi:numpy", "conda-forge::numpy"),
        ("https://h.org/free/osx-64::numpy[subdir=linux-64]", "https://h.org/free/linux-64::numpy"),
        ("numpy[channel=defaults,subdir=osx-64]", "defaults/osx-64::numpy"),
        ("conda-forge::numpy[channel=other]", "other::numpy"),
        ("numpy[channel='*forge']", "numpy[channel=*forge]"),
        ("numpy[name=evil]", "numpy"),
        ("libblas=[build=*mkl]", "libblas[build=*mkl]"),
        ("libblas[build=^.*(accelerate|mkl)$]", "libblas[build='^.*(accelerate|mkl)$']"),
        ("__archspec 1.* ^(zen|x86_64_v[34])$", "__archspec=1[build='^(zen|x86_64_v[34])$']"),
        ("foo   =    1.0    =    2", "foo==1.0=2"),
        ("scipy   >=    1.5.0,  < 2.0.0", "scipy[version='>=1.5.0,<2.0.0']"),
        ("numpy >1.8,<2|==1.7,!=1.9 py34_0", "numpy[version='>1.8,<2|1.7,!=1.9',build=py34_0]"),
        ("ipykernel  # drop this", "ipykernel"),
        ("blas[track_features='mkl avx']", "blas[track_features='avx mkl']"),
        ("python[build_number='<=3']", "python[build_number='<=3']"),
        ("*[md5=12345678901234567890123456789012]", "*[md5=12345678901234567890123456789012]"),
        (r"a[license='it\'s \"mine\"']", r"a[license='it\'s \"mine\"']"),
        ("numpy[when='python>=3.10']", r"numpy[when='python[version=\'>=3.10\']']"),
        ("a[extras=x, flags=[cuda, 'blas:*']]", "a[extras=['x'],flags=['blas:*','cuda']]"),
    ],
)  # fmt: skip
def test_canonical_form(text: str, canonical: str) -> None:
    parsed = MatchSpec.parse(text)
    if '"' not in canonical:
        assert str(parsed) == canonical
    assert MatchSpec.parse(str(parsed)) == parsed
    assert hash(MatchSpec.parse(str(parsed))) == hash(parsed)


FUZZY = (
    "pkg=1.8", "pkg =1.8", "pkg 1.8.*", "pkg 1.8.* *", "pkg=1.8.*", "pkg=1.8.*=*", "pkg =1.8.* *", "pkg ==1.8.* *",
    "pkg[version=1.8.*]", 'pkg[version="1.8.*"]',
)  # fmt: skip
EXACT = (
    "pkg 1.8", "pkg 1.8 *", "pkg==1.8", "pkg=1.8=*", "pkg==1.8=*", "pkg ==1.8 *", "pkg[version=1.8]",
    'pkg[version="1.8"]',
)  # fmt: skip


@pytest.mark.parametrize(("block", "canonical"), [(FUZZY, "pkg=1.8"), (EXACT, "pkg==1.8")])
def test_the_blocks_of_equivalent_specifiers_are_equal(block: tuple[str, ...], canonical: str) -> None:
    assert {str(MatchSpec.parse(text)) for text in block} == {canonical}


def test_three_fields_are_exact_unless_a_space_stands_before_the_equals_sign() -> None:
    for text in ("pkg 1.8 b_0", "pkg ==1.8 b_0", "pkg=1.8=b_0", "pkg==1.8=b_0"):
        assert str(MatchSpec.parse(text)) == "pkg==1.8=b_0"
    assert str(MatchSpec.parse("pkg =1.8 b_0")) == "pkg=1.8[build=b_0]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy", True),
        ("*", True),
        ("num*", True),
        ("^num(py|ba)$", True),
        ("scipy", False),
        ("numpy 1.8.*", True),
        ("numpy 1.8", False),
        ("numpy * PY39*", True),
        ("numpy * py38*", False),
        ("numpy[build_number=3]", True),
        ("numpy[build_number='>3']", False),
        ("numpy[build_number='>=2,<4']", True),
        ("conda-forge::numpy", True),
        ("https://conda.anaconda.org/conda-forge::numpy", True),
        ("https://elsewhere.org/conda-forge::numpy", False),
        ("forge::numpy", False),
        ("conda-*::numpy", True),
        ("conda-forge/linux-64::numpy", True),
        ("conda-forge/noarch::numpy", False),
        ("numpy[subdir='linux-*']", True),
        (f"*[md5={'0' * 32}]", True),
        (f"*[md5={'1' * 32}]", False),
        (f"*[sha256={'AB' * 32}]", True),
        ("*[fn=numpy-1.8.1-py39h1_3.conda]", True),
        ("*[url='https://conda.anaconda.org/conda-forge/linux-64/numpy-1.8.1-py39h1_3.conda']", True),
        ("*[url='https://conda.anaconda.org/x/linux-64/numpy-1.8.1-py39h1_3.conda']", False),
        ("https://conda.anaconda.org/conda-forge/linux-64/numpy-1.8.1-py39h1_3.conda", True),
        ("numpy[track_features=mkl]", True),
        ("numpy[track_features=debug]", False),
        ("numpy[features=mkl]", False),
        ("numpy[license=bsd*]", True),
        ("numpy[license_family=BSD]", False),
        ("numpy[flags=cuda]", True),
        ("numpy[flags=['cuda','blas:*']]", True),
        ("numpy[flags=[cuda,rocm]]", False),
        ("numpy[extras=[test]]", True),
        ("numpy[when=python]", True),
    ],
)
def test_matching(text: str, expected: bool) -> None:
    assert MatchSpec.parse(text).matches(RECORD) is expected


def test_a_record_without_an_origin_matches_no_origin() -> None:
    record = PackageRecord(name="numpy", version="1.8.1", build="0")
    assert MatchSpec.parse("numpy 1.8.1").matches(record)
    for text in ("conda-forge::numpy", "numpy[fn=a.conda]", "numpy[license=BSD]", "numpy[md5=0]"):
        assert not MatchSpec.parse(text).matches(record)


def test_version_and_build_match_without_the_name() -> None:
    """Appendix B: in contrast with search queries, only some fields make sense for solver requests."""
    record = PackageRecord(name="other", version="1.8.1", build="py39h1_3")
    assert MatchSpec.parse("c/noarch::numpy >=1.8 py39*").matches_version_build(record)
    assert not MatchSpec.parse("numpy >=1.9").matches_version_build(record)


def test_a_package_url_is_fully_specified() -> None:
    """Appendix C: an artifact URL may be parsed into a fully specified `MatchSpec`."""
    url = "https://conda.anaconda.org/conda-forge/linux-64/python-3.11.10-h123456_0.conda"
    spec = MatchSpec.parse(f"{url}#{'7d' * 16}")
    assert (spec.exact_name, spec.subdir, spec.url, spec.md5) == ("python", "linux-64", url, "7d" * 16)
    assert spec.channel == "https://conda.anaconda.org/conda-forge"
    assert (str(spec.version), str(spec.build)) == ("3.11.10", "h123456_0")
    assert MatchSpec.parse(str(spec)) == spec
    assert MatchSpec.parse("./python-3.11.10-h123456_0.conda").url == "./python-3.11.10-h123456_0.conda"


class TestConditions:
    """`MatchSpec` strings MAY be joined with operators `and` and `or`, and grouped within parentheses (CEP 43)."""

    def test_tree(self) -> None:
        when = MatchSpec.parse("a[when='python>=3.10 and (__unix or __win[version=\">=10\"]) or b']").when
        assert isinstance(when, Joined) and when.operator == "or"
        first, last = when.parts
        assert last == MatchSpec.parse("b")
        assert isinstance(first, Joined) and first.operator == "and"
        assert first.parts[0] == MatchSpec.parse("python>=3.10")
        assert first.parts[1] == Joined("or", (MatchSpec.parse("__unix"), MatchSpec.parse("__win>=10")))
        assert str(when) == "python[version='>=3.10'] and (__unix or __win[version='>=10']) or b"

    def test_a_single_query(self) -> None:
        assert MatchSpec.parse("a[when=__unix]").when == MatchSpec.parse("__unix")

    @pytest.mark.parametrize("when", ["b >=1,<2 and c", "b >= 1 , < 2 and c", "(b >=1,<2) and c"])
    def test_a_version_may_stand_apart_from_its_name(self, when: str) -> None:
        """CEP 43, "Syntax" wants no blank there; other tools read it, so channels may hold it."""
        assert MatchSpec.parse(f"x[when='{when}']") == MatchSpec.parse("x[when='b>=1,<2 and c']")

    @pytest.mark.parametrize(
        "when",
        [
            "a and",
            "or a",
            "a b",
            "(a",
            "a)",
            "()",
            "and",
            "a[when=b]",
            "a >=",
            "a >= and b",
            "a >=1 b",
            "(" * 30 + "a" + ")" * 30,
            "&",
        ],
    )
    def test_what_is_no_condition_is_refused(self, when: str) -> None:
        with pytest.raises(InvalidMatchSpec):
            MatchSpec.parse(f"x[when='{when}']")


@pytest.mark.parametrize(
    ("text", "under_the_caret"),
    [
        ("", None), ("  ", None), ("::", None), ("=1.0", "="), ("num&py", "num&py"), ("foo--bar", "foo--bar"),
        ("___x", "___x"), ("a" * 65, "a" * 65), ("numpy[", "numpy["), ("numpy]", "numpy]"),
        ("numpy[optional]", "optional"),
        ("numpy[version=]", "version"), ("numpy[version='1]", "'"), ("numpy[colour=red]", "colour"),
        ("numpy[version=>=3,<4]", "<"), ("numpy[version=1,version=2]", "version"), ("numpy[build=1][md5=2]", "]"),
        ("numpy[version='>=1&']", "&"), ("numpy >=1 <2", "<2"), ("numpy 1 2 3", " 1 2 3"), ("numpy >=1.x$", ">=1.x$"),
        ("numpy===", None), ("numpy>=", None), ("numpy 1.0 ^a(b$", "("),
        ("numpy[build='^a++$']", "+"), ("a[extras=[x,,y]]", ","), ("a[extras=X]", "X"), ("a[extras=[x]", None),
        ("a[flags='x:y:z']", "x:y:z"), ("a[version=[1]]", "[1]"), ("a[channel=[b]]", "[b]"), ("a" * 10_000, None),
        ("a " + "(" * 4000, None), ("a[when=" * 900 + "b" + "]" * 900, None), ("https://h/a-b.conda", None),
    ],
)  # fmt: skip
def test_what_is_no_specification_is_refused_with_its_place(text: str, under_the_caret: str | None) -> None:
    with pytest.raises(InvalidMatchSpec) as caught:
        MatchSpec.parse(text)
    if under_the_caret is not None:
        assert caught.value.span is not None
        assert text[slice(*caught.value.span)] == under_the_caret


def test_an_error_keeps_secrets() -> None:
    with pytest.raises(InvalidMatchSpec) as caught:
        MatchSpec.parse("https://me:hunter2@h.org/t/tk-secret/c::numpy[colour=red]")
    assert "hunter2" not in str(caught.value) and "tk-secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert "hunter2" not in repr(MatchSpec.parse("https://me:hunter2@h.org/c::numpy"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [("numpy=", "numpy"), ("numpy==", "numpy"), ("numpy =", "numpy"), ("numpy=1.0=", "numpy=1.0")],
)
def test_nothing_behind_an_equals_sign_is_no_constraint(text: str, meant: str) -> None:
    """What scripts write where a variable is empty; micromamba reads it so."""
    assert MatchSpec.parse(text) == MatchSpec.parse(meant)


def test_a_part_of_an_address_in_an_error_keeps_secrets() -> None:
    with pytest.raises(InvalidMatchSpec, match=r"'8080/t/\*\*\*\*\*/numpy' is no package name") as caught:
        MatchSpec.parse("http://host:8080/t/tk-secret/numpy ==")
    assert "tk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("numpy", "numpy"),
        ("numpy=1.8", "numpy 1.8.*"),
        ("c::numpy==1.8=Py_0", "numpy 1.8 Py_0"),
        ("a[build=x*]", "a * x*"),
    ],
)
def test_conda_build_form(text: str, form: str) -> None:
    assert MatchSpec.parse(text).to_conda_build_form() == form


def test_a_copy_differs_where_told() -> None:
    spec = MatchSpec.parse("conda-forge::numpy>=1.8")
    assert str(spec.with_(channel="https://mirror.org/cf")) == "https://mirror.org/cf::numpy[version='>=1.8']"
    assert MatchSpec.parse("conda-forge::numpy>=1.8") is spec


NAMES = st.sampled_from(["numpy", "*", "py*", "_libgcc_mutex", "__glibc", "a.b-c"])
VERSIONS = st.sampled_from(
    ["", "=1.8", "==1.8", ">=1.8", " 1.8.*", " >=1,<2|3", " 1.*.2", "!=1.8", "~=1.8", " ^1.[0-9]$"]
)
BUILDS = st.sampled_from(["", " py_0", " py*", " *", " ^py[23]_0$"])
CHANNELS = st.sampled_from(["", "c::", "c/linux-64::", "*/noarch::", "https://h.org:8080/x::", "ns:"])
PAIRS = (
    *("build_number='>=2'", "license='a, b'", "md5=0", "fn='a b.conda'", "track_features=mkl", "flags=[a,b]"),
    *("when='a or (b and c)'", "extras=x", "subdir=win-64", "channel=d", "version='<9'", "build=*_1"),
)
KEYS = st.lists(
    st.sampled_from(PAIRS),
    unique_by=lambda pair: pair.partition("=")[0],
    max_size=4,
).map(lambda pairs: f"[{', '.join(pairs)}]" if pairs else "")


class TestRoundTrip:
    """Appendix A: the canonical string representation of a `MatchSpec` expression"""

    @SETTINGS
    @given(CHANNELS, NAMES, VERSIONS, BUILDS, KEYS)
    def test_the_canonical_text_reads_back(self, channel: str, name: str, version: str, build: str, keys: str) -> None:
        text = f"{channel}{name}{version}{build if version else ''}{keys}"
        spec = MatchSpec.parse(text)
        assert MatchSpec.parse(str(spec)) == spec
        assert str(MatchSpec.parse(str(spec))) == str(spec)

    @SETTINGS
    @given(st.text(alphabet="ab1.*=<>!~,|()^$ []'\"\\:/#-_", max_size=50) | st.text(max_size=50))
    @example(":#*")  # a name that would read back as a comment
    def test_any_text_is_a_specification_or_an_invalid_one(self, text: str) -> None:
        try:
            spec = MatchSpec.parse(text)
        except InvalidMatchSpec:
            return
        assert MatchSpec.parse(str(spec)) == spec
