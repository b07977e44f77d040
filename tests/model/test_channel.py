"""`engine.model.channel`: which address a channel's text means, and what the channel is called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidChannel
from engine.model.channel import DEFAULT_ALIAS, Channel, ChannelContext, resolve_channels

CONTEXT = ChannelContext(
    custom_channels={"mine": "https://u:p@corp.org/t/tk-1/conda", "deep/er": "https://d.org/deep", "local-x": "/srv"},
    custom_multichannels={"both": ("conda-forge", "mine"), "loop": ("loop",)},
    cwd="/here",
    home="/home/me",
)
ALIAS = "https://conda.anaconda.org"
MAIN = "https://repo.anaconda.com/pkgs/main"


def resolve(*texts: str, context: ChannelContext = CONTEXT) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(channel.name, channel.base_url, channel.platforms) for channel in resolve_channels(texts, context)]


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        # names
        ("conda-forge", "conda-forge", f"{ALIAS}/conda-forge"),
        (" conda-forge/ ", "conda-forge", f"{ALIAS}/conda-forge"),
        ("conda-forge/label/dev", "conda-forge/label/dev", f"{ALIAS}/conda-forge/label/dev"),
        ("pkgs/main", "pkgs/main", MAIN),
        ("pkgs/main/label/x", "pkgs/main/label/x", f"{MAIN}/label/x"),
        ("mine", "mine", "https://u:p@corp.org/t/tk-1/conda/mine"),
        ("mine/label/a", "mine/label/a", "https://u:p@corp.org/t/tk-1/conda/mine/label/a"),
        ("mine-more", "mine-more", f"{ALIAS}/mine-more"),
        ("deep/er", "deep/er", "https://d.org/deep/er"),
        ("local-x", "local-x", "file:///srv/local-x"),
        # addresses
        (f"{ALIAS}/conda-forge/", "conda-forge", f"{ALIAS}/conda-forge"),
        (f"{ALIAS}/t/tk-2/private", "private", f"{ALIAS}/t/tk-2/private"),
        (MAIN, "pkgs/main", MAIN),
        ("https://corp.org/conda/mine", "mine", "https://u:p@corp.org/t/tk-1/conda/mine"),
        ("https://x:y@corp.org/conda/mine", "mine", "https://x:y@corp.org/conda/mine"),
        ("http://conda.anaconda.org/c", "http://conda.anaconda.org/c", "http://conda.anaconda.org/c"),
        ("https://U:p@Other.org:443/c", "https://other.org/c", "https://U:p@other.org/c"),
        ("https://other.org/c?token=x", "https://other.org/c", "https://other.org/c?token=x"),
        (ALIAS, ALIAS, ALIAS),
        # paths
        ("/abs/chan", "file:///abs/chan", "file:///abs/chan"),
        ("./chan", "file:///here/chan", "file:///here/chan"),
        ("../chan", "file:///chan", "file:///chan"),
        ("~/my chan", "file:///home/me/my%20chan", "file:///home/me/my%20chan"),
        (".", "file:///here", "file:///here"),
        ("file:///abs/chan", "file:///abs/chan", "file:///abs/chan"),
        ("C:\\chan", "file:///C:/chan", "file:///C:/chan"),
    ],
)
def test_text_means_this_address_and_is_called_so(text: str, name: str, url: str) -> None:
    assert resolve(text) == [(name, url, ())]


@pytest.mark.parametrize(
    ("text", "platforms"),
    [
        ("conda-forge[linux-64,noarch]", ("linux-64", "noarch")),
        ("conda-forge [ osx-64 | noarch ]", ("osx-64", "noarch")),
        ("conda-forge/linux-64", ("linux-64",)),
        (f"{ALIAS}/conda-forge/noarch/", ("noarch",)),
        (f"{ALIAS}/conda-forge[newos-9]", ("newos-9",)),
    ],
)
def test_platforms_narrow_a_channel(text: str, platforms: tuple[str, ...]) -> None:
    assert resolve(text) == [("conda-forge", f"{ALIAS}/conda-forge", platforms)]


def test_only_the_last_component_is_read_as_a_platform() -> None:
    assert resolve("/builds/linux-64/chan") == [("file:///builds/linux-64/chan",) * 2 + ((),)]


def test_names_of_several_channels_unfold_in_place() -> None:
    assert [name for name, _, _ in resolve("both", "defaults")] == ["conda-forge", "mine", "pkgs/main", "pkgs/r"]


def test_platforms_of_a_group_hold_for_its_members() -> None:
    assert {platforms for _, _, platforms in resolve("defaults[linux-64]")} == {("linux-64",)}


def test_a_group_that_names_itself_does_not_go_round() -> None:
    assert resolve("loop") == [("loop", f"{ALIAS}/loop", ())]


def test_defaults_can_be_set() -> None:
    context = ChannelContext(default_channels=("conda-forge", "https://h/x"))
    assert [name for name, _, _ in resolve("defaults", context=context)] == ["conda-forge", "https://h/x"]


def test_order_is_kept_and_duplicates_go_whatever_their_spelling() -> None:
    texts = ("b", "conda-forge", f"{ALIAS}/b", f"{ALIAS}/t/tk-9/conda-forge", "nodefaults", "b[linux-64]")
    assert [(name, platforms) for name, _, platforms in resolve(*texts)] == [
        ("b", ()), ("conda-forge", ()), ("b", ("linux-64",)),
    ]  # fmt: skip


@pytest.mark.parametrize("alias", ["https://mirror.corp/conda", "https://mirror.corp/conda/", "mirror.corp/conda"])
def test_alias(alias: str) -> None:
    context = ChannelContext(alias=alias)
    assert resolve("bioconda", context=context) == [("bioconda", "https://mirror.corp/conda/bioconda", ())]
    assert resolve("https://mirror.corp/conda/bioconda", context=context)[0][0] == "bioconda"


@pytest.mark.parametrize(
    "text",
    ["", "  ", "None", "<unknown>", "a[b", "a[]", "[linux-64]", "a[linux_64]", "x::y", "a b", "-x", "a//b", "a/../b",
     "~", ".hidden/x", "https://", "https://h/noarch/a-1-0.conda", "a-1-0.tar.bz2", "x" * 129, "a\nb", "ünï\u202ecode"],
)  # fmt: skip
def test_what_can_be_no_channel_is_refused(text: str) -> None:
    if text == "~":  # the home directory is a place like any other
        assert resolve(text)
        return
    with pytest.raises(InvalidChannel):
        resolve(text)


@pytest.mark.parametrize("text", ["https://u:s3cr3t@h/a-1-0.conda", "https://u:s3cr3t@h/c[", "u:s3cr3t@h.org/c d"])
def test_errors_hide_secrets(text: str) -> None:
    with pytest.raises(InvalidChannel) as caught:
        resolve(text + ("]" if text.endswith("[") else ""))
    assert "s3cr3t" not in str(caught.value) + repr(caught.value.data)


def test_addresses_of_a_channel() -> None:
    channel = Channel("c", "https://u:p@h/t/tk/c?sig=1")
    assert channel.public_url == "https://h/c"
    assert channel.subdir_url("noarch") == "https://u:p@h/t/tk/c/noarch?sig=1"
    assert channel.repodata_url("linux-64") == "https://u:p@h/t/tk/c/linux-64/repodata.json?sig=1"
    assert channel.repodata_url("linux-64", "x.zst") == "https://u:p@h/t/tk/c/linux-64/x.zst?sig=1"


def test_subdirs_to_load() -> None:
    assert Channel("c", "https://h/c").subdirs("linux-64") == ("linux-64", "noarch")
    assert Channel("c", "https://h/c").subdirs("noarch") == ("noarch",)
    assert Channel("c", "https://h/c", ("osx-64",)).subdirs("linux-64") == ("osx-64",)


TAKEN = {"none", "nodefaults", "both", "loop", "mine", "defaults", "noarch"}
NAMES = st.from_regex(r"[a-z0-9_][a-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda name: not name.endswith((".conda", ".tar.bz2")) and name not in TAKEN
)


@given(NAMES)
@settings(max_examples=200, deadline=None)
def test_a_name_and_its_address_are_the_same_channel(name: str) -> None:
    """CEP 26: a name is "taken as the rest of the path component" of the default scheme and authority."""
    (by_name,) = resolve(name)
    assert by_name == (name, f"{ALIAS}/{name}", ())
    assert resolve(f"{ALIAS}/{name}") == [by_name]


@given(st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_channel_or_our_error(text: str) -> None:
    try:
        channels = resolve_channels([text], CONTEXT)
    except InvalidChannel:
        return
    for channel in channels:
        assert channel.public_url and channel.subdir_url("noarch")


def test_mirrored_channels_are_known_by_their_first_mirror() -> None:
    context = ChannelContext(
        mirrored_channels={
            "corp": ("https://a.host/corp", "https://b.host/corp"),
            "images": ("oci://ghcr.io/mirrors/images", "https://b.host/images"),
            "only-images": ("oci://ghcr.io/mirrors/forge",),
            "https://conda.host/x": ("https://a.host/x",),
            "nobody": (),
        }
    )

    def one(text: str) -> tuple[str, str]:
        [channel] = resolve_channels([text], context)
        return channel.name, channel.base_url

    assert one("corp") == one("https://a.host/corp") == ("corp", "https://a.host/corp")
    assert one("corp/label/dev") == ("corp/label/dev", "https://a.host/corp/label/dev")
    assert one("https://b.host/corp") == ("https://b.host/corp", "https://b.host/corp")
    assert one("images") == ("images", "https://b.host/images")
    assert one("only-images") == ("only-images", "oci://ghcr.io/mirrors/forge")
    assert one("https://conda.host/x") == ("https://conda.host/x", "https://conda.host/x")
    assert one("nobody") == ("nobody", f"{DEFAULT_ALIAS}/nobody")
