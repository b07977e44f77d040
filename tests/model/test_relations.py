"""Channels that name others (CEP 42): references, the order, what is refused. First the CEP's examples."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RepodataError
from engine.model.channel import Channel
from engine.model.relations import MOST, ChannelGraph, Relations, read_relations, related_channel
from engine.model.url import split_url

ALIAS = "https://conda.anaconda.org"


def channel(name: str) -> Channel:
    return Channel(name, f"{ALIAS}/{name}")


def resolve(*user: str, depth: int = 10, **said: tuple[str | None, str | None]) -> list[str]:
    """The names in order, where ``said`` is name → (base, overrides); ``_`` in a name is ``/``."""
    relations = {name.replace("__", "/").replace("_", "-"): Relations(*pair) for name, pair in said.items()}
    graph = ChannelGraph([channel(name) for name in user], depth=depth)
    level = [channel(name) for name in user]
    while level:
        level = [new for one in level if one.name in relations for new in graph.declare(one, relations[one.name])]
    return [one.name for one in graph.order()]


CF = "../conda-forge"


def test_dependent_channels_bioconda() -> None:
    assert resolve("bioconda", bioconda=(CF, None)) == ["conda-forge", "bioconda"]


def test_label_channels_release_candidates() -> None:
    assert resolve("conda-forge/label/rc", conda_forge__label__rc=(None, "../..")) == [
        "conda-forge/label/rc",
        "conda-forge",
    ]


def test_transitive_resolution() -> None:
    found = resolve("my-channel", my_channel=("../bioconda", None), bioconda=(CF, None))
    assert found == ["conda-forge", "bioconda", "my-channel"]


def test_combining_base_and_overrides() -> None:
    found = resolve("my-channel", my_channel=(CF, "../my-hotfixes"))
    assert found == ["conda-forge", "my-channel", "my-hotfixes"]


@pytest.mark.parametrize("user", [("conda-forge", "bioconda"), ("bioconda", "conda-forge")])
def test_the_users_order_wins(user: tuple[str, str]) -> None:
    assert resolve(*user, bioconda=(CF, None)) == list(user)


@pytest.mark.parametrize(
    ("user", "said", "order"),
    [
        (("x", "y"), {"y": ("../b", None)}, "x b y"),
        (("r", "z"), {"r": (None, "../o")}, "r o z"),
        (("a", "b"), {"a": ("../c", None), "b": ("../c", None)}, "c a b"),
        (("a",), {"a": (None, "../o"), "o": ("../p", None)}, "a p o"),
        (("a", "b"), {"a": ("../m", None), "m": (None, "../b")}, "m a b"),
        (("a", "b"), {"b": ("../m", "../n"), "m": ("../a", None)}, "a m b n"),
    ],
)
def test_others_stand_beside_those_that_name_them(
    user: tuple[str, ...], said: dict[str, tuple[str | None, str | None]], order: str
) -> None:
    assert " ".join(resolve(*user, **said)) == order


def test_each_subdir_may_declare_its_own() -> None:
    graph = ChannelGraph([channel("a")])
    assert [new.name for new in graph.declare(channel("a"), Relations("../b"))] == ["b"]
    assert [new.name for new in graph.declare(channel("a"), Relations("../c"))] == ["c"]
    assert graph.declare(channel("a"), Relations("../b")) == []
    assert [one.name for one in graph.order()] == ["b", "c", "a"]


def test_a_channel_wanted_twice_for_different_subdirs_keeps_both_places() -> None:
    first, second = Channel("a", f"{ALIAS}/a", ("noarch",)), Channel("a", f"{ALIAS}/a", ("linux-64",))
    graph = ChannelGraph([first, channel("b"), second])
    graph.declare(second, Relations("../c"))
    assert graph.declare(channel("c"), Relations(None, "../a")) == []
    assert [(one.name, one.platforms) for one in graph.order()] == [
        ("c", ()),
        ("a", ("noarch",)),
        ("b", ()),
        ("a", ("linux-64",)),
    ]


@pytest.mark.parametrize(
    ("said", "circle"),
    [
        ({"a": ("../a", None)}, "a before a"),
        ({"a": ("../b", None), "b": ("../a", None)}, "before"),
        ({"a": ("../b", None), "b": ("../c", None), "c": ("../b", None)}, "before"),
        ({"a": ("../m", None), "m": ("../z", None)}, "a before z before m before a"),
    ],
)
def test_clients_must_detect_cycles(said: dict[str, tuple[str | None, str | None]], circle: str) -> None:
    with pytest.raises(RepodataError, match="goes in circles") as caught:
        resolve("a", "z", **said)
    assert circle in caught.value.message
    assert "channel_relations_max_depth" in (caught.value.hint or "")


def test_base_and_overrides_must_not_be_the_same() -> None:
    with pytest.raises(RepodataError, match="both as base and as overridden"):
        resolve("a", a=("../b", "../b/"))


def test_the_depth_is_limited() -> None:
    chain: dict[str, tuple[str | None, str | None]] = {f"c{n}": (f"../c{n + 1}", None) for n in range(10)}
    assert resolve("c0", **chain) == [f"c{n}" for n in range(10, -1, -1)]
    with pytest.raises(RepodataError, match="more than 9 steps away"):
        resolve("c0", depth=9, **chain)


def test_a_depth_of_zero_follows_nothing() -> None:
    assert resolve("a", depth=0, a=("../b", "http://evil")) == ["a"]


def test_their_number_is_limited() -> None:
    graph = ChannelGraph([channel("a")])
    for number in range(MOST):
        graph.declare(channel("a"), Relations(f"../b{number}"))
    with pytest.raises(RepodataError, match="more than 64 others"):
        graph.declare(channel("a"), Relations("../one-more"))


# --- references


@pytest.mark.parametrize(
    ("base", "reference", "url"),
    [
        (f"{ALIAS}/bioconda", "../conda-forge", f"{ALIAS}/conda-forge"),
        (f"{ALIAS}/bioconda", "../conda-forge/", f"{ALIAS}/conda-forge"),
        (f"{ALIAS}/conda-forge/label/rc", "../..", f"{ALIAS}/conda-forge"),
        ("https://h/scope/b", "..", "https://h/scope"),
        ("https://h/a/b/c", "../../x", "https://h/a/x"),
        ("https://h/a/b", ".././c/../d", "https://h/a/d"),
        ("https://h/c", "../", "https://h"),
        ("https://u:p@h:8/t/tk-1/a/b", "../c", "https://u:p@h:8/t/tk-1/a/c"),
        ("file:///srv/b", "../c", "file:///srv/c"),
    ],
)
def test_references_are_resolved_against_the_channel(base: str, reference: str, url: str) -> None:
    assert related_channel(Channel("x", base), reference).base_url == url


@pytest.mark.parametrize(
    "reference",
    ["conda-forge", "./x", "/x", "https://evil/x", "//evil/x", "", "..x", "../x//y", "..//x", "..\\x", "../%2e%2e/x",
     "../x?y", "../x#y", "../http://x", "../x y", "../\n", "../../..", "../" * 50 + "x"],
)  # fmt: skip
def test_other_references_are_refused(reference: str) -> None:
    with pytest.raises(RepodataError, match="names a related channel that can't be used"):
        related_channel(Channel("bioconda", f"{ALIAS}/t/tk-secret/bioconda"), reference)


def test_secrets_of_references_are_not_shown() -> None:
    with pytest.raises(RepodataError) as caught:
        related_channel(channel("a"), "https://user:hush@evil/x")
    assert "hush" not in str(caught.value)


@given(st.lists(st.sampled_from(["..", ".", "", "a", "%2e", "x:", "\\y", "?z", "#f", "é"]), max_size=6), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_reference_leaves_the_server(pieces: list[str], rooted: bool) -> None:
    declaring = Channel("s/c", "https://user:pw@example.org:8/s/c")
    try:
        found = related_channel(declaring, ("../" if rooted else "") + "/".join(pieces))
    except RepodataError:
        return
    parts = split_url(found.base_url)
    assert (parts.scheme, parts.host) == ("https", "example.org:8")
    assert not {"..", ".", ""} & set(parts.path.split("/")[1:])


@pytest.mark.parametrize(
    ("name", "base", "reference", "found"),
    [
        ("bioconda", f"{ALIAS}/bioconda", CF, "conda-forge"),
        ("conda-forge/label/rc", f"{ALIAS}/conda-forge/label/rc", "../..", "conda-forge"),
        ("a", "https://u:p@h/t/tk-1/x/a", "../b", "b"),
        ("https://h/x/a", "https://u:p@h/x/a", "../b", "https://h/x/b"),
        ("a", "https://h/x/a", "../../b", "https://h/b"),
        ("mine", "https://h/elsewhere", "../b", "https://h/b"),
    ],
)
def test_a_related_channel_has_a_short_name_if_the_first_one_has(
    name: str, base: str, reference: str, found: str
) -> None:
    assert related_channel(Channel(name, base), reference).name == found


# --- what an index says


@pytest.mark.parametrize("info", [b"{}", b'{"channel_relations":null}', b'{"channel_relations":{"later":1}}'])
def test_an_index_need_not_say_anything(info: bytes) -> None:
    assert read_relations(info, "u") == Relations()


def test_what_an_index_says() -> None:
    assert read_relations(b'{"channel_relations":{"base":"../a","x":[]}}', "u") == Relations("../a")


@pytest.mark.parametrize("info", [b'{"channel_relations":[]}', b'{"channel_relations":{"base":["../a"]}}', b"{"])
def test_malformed_relations_are_an_error(info: bytes) -> None:
    with pytest.raises(RepodataError, match="Could not read u: "):
        read_relations(info, "u")


# --- the rule of the order


NAMES = "abcdef"
_reference = st.one_of(st.none(), st.sampled_from(NAMES))


@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    st.fixed_dictionaries({name: st.tuples(_reference, _reference) for name in NAMES}),
)
@settings(max_examples=300, deadline=None)
def test_every_edge_holds_unless_the_user_said_otherwise(
    user: list[str], said: dict[str, tuple[str | None, str | None]]
) -> None:
    given_relations = {
        name: (base and f"../{base}", over and f"../{over}") for name, (base, over) in said.items() if base != over
    }
    try:
        order = resolve(*user, **given_relations)
    except RepodataError as error:
        assert "circles" in error.message
        return
    place = {name: number for number, name in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[one] < place[other] for one, other in pairwise(user))
    for name in order:
        base, over = said[name] if name in given_relations else (None, None)
        for above, below in ((base, name), (name, over)):
            if above and below and not (above in user and below in user):
                assert place[above] < place[below]
