"""`engine.model.url`: addresses taken apart, joined, and shown without their secrets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidChannel, InvalidPackageName
from engine.model import url as u

MD5, SHA = "0123456789abcdef" * 2, "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/c", u.UrlParts("https", "", "h", "", "/c", "")),
        ("HTTPS://U:p@HOST:443/t/tk-1/c/", u.UrlParts("https", "U:p", "host", "tk-1", "/c", "")),
        ("https://h:8080/get/t/tk-1/c", u.UrlParts("https", "", "h:8080", "tk-1", "/get/c", "")),
        ("https://h/c?token=x#frag", u.UrlParts("https", "", "h", "", "/c", "token=x")),
        ("file:///home/t/me/c", u.UrlParts("file", "", "", "", "/home/t/me/c", "")),
        ("https://h", u.UrlParts("https", "", "h", "", "", "")),
        ("https://u:p@ss@h/c", u.UrlParts("https", "u:p@ss", "h", "", "/c", "")),
    ],
)
def test_split(url: str, expected: u.UrlParts) -> None:
    assert u.split_url(url) == expected


@pytest.mark.parametrize("url", ["", "conda-forge", "/x", "https://", "http:///x"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidChannel):
        u.split_url(url)


def test_parts_make_the_url_again_with_or_without_secrets() -> None:
    parts = u.split_url("https://u:p@h/t/tk/c?sig=1")
    assert parts.build(append="linux-64") == "https://u:p@h/t/tk/c/linux-64?sig=1"
    assert parts.build(secrets=False) == "https://h/c"


@pytest.mark.parametrize(
    ("base", "rel", "expected"),
    [
        ("https://h/c/linux-64", "", "https://h/c/linux-64"),
        ("https://h/c/linux-64/", "../pool/", "https://h/c/pool"),
        ("https://h/c/linux-64", "/pool", "https://h/pool"),
        ("https://h/c/linux-64", "//cdn/pool", "https://cdn/pool"),
        ("https://u:p@h/t/tk/c", "pool", "https://u:p@h/t/tk/c/pool"),
        ("https://u:p@h/t/tk/c", "https://other/pool", "https://other/pool"),
        ("https://h/c?token=1", "a.conda", "https://h/c/a.conda?token=1"),
        ("file:///c/linux-64", "../pool", "file:///c/pool"),
        ("https://h/c", "../../../../x", "https://h/x"),
    ],
)
def test_join_follows_cep_15(base: str, rel: str, expected: str) -> None:
    """ "`base_url` can be an absolute or a relative URL", relative to repodata.json."""
    assert u.join_url(base, rel) == expected


def test_an_index_from_the_network_can_not_point_to_local_files() -> None:
    with pytest.raises(InvalidChannel, match="local files"):
        u.join_url("https://h/c", "file:///etc")


@pytest.mark.parametrize("rel", ["a\0b", "https://h/a\nb", "a\x1b[31m"])
def test_an_index_can_not_point_to_what_is_no_address(rel: str) -> None:
    with pytest.raises(InvalidChannel, match="control characters"):
        u.join_url("https://h/c", rel)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            f"https://u:p@h/t/tk/c/linux-64/x264-1%21164-0.conda#{MD5}",
            ("https://u:p@h/t/tk/c", "linux-64", "x264-1!164-0.conda", MD5, None),
        ),
        (f"https://h/c/noarch/a-1-0.tar.bz2#{SHA}", ("https://h/c", "noarch", "a-1-0.tar.bz2", None, SHA)),
        (f"https://h/c/noarch/a-1-0.conda#sha256:{SHA}", ("https://h/c", "noarch", "a-1-0.conda", None, SHA)),
        ("https://h/some/where/a-1-0.conda", ("https://h/some/where", "", "a-1-0.conda", None, None)),
        ("file:///c/osx-64/a-1-0.conda", ("file:///c", "osx-64", "a-1-0.conda", None, None)),
    ],
)
def test_package_urls_come_apart(url: str, expected: tuple[str, str, str, str | None, str | None]) -> None:
    """CEP 23: "a lowercase string of 32 or 64 hexadecimal characters", "The prefix `sha256:` MAY be present"."""
    found = u.package_url_parts(url)
    assert (found.base_url, found.subdir, found.fn, found.md5, found.sha256) == expected
    assert found.url == url.partition("#")[0]
    assert "p@" not in found.channel and "tk" not in found.channel


@pytest.mark.parametrize(
    "url",
    [
        f"https://h/a-1-0.conda#{MD5[:-1]}",
        f"https://h/a-1-0.conda#{MD5.upper()}",
        "https://h/a-1-0.conda#",
        "https://h/a-1-0.zip",
        "https://h/..%2Fa-1-0.conda",
    ],
)
def test_malformed_package_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidChannel):
        u.package_url_parts(url)


def test_file_names_come_apart() -> None:
    assert u.split_filename("ca-certificates-2024.2.2-hf0a4a13_0.conda") == (
        "ca-certificates",
        "2024.2.2",
        "hf0a4a13_0",
    )
    for wrong in ("a-1.conda", "a-1-.conda", "a-1-0.zip"):
        with pytest.raises(InvalidPackageName, match=f'Missing name and version in filename "{wrong}"'):
            u.split_filename(wrong)


@pytest.mark.parametrize("path", ["/a/b", "/a b/ü", "/a#b/c?d", "/a%20b"])
def test_paths_survive_being_urls(path: str) -> None:
    url = u.path_to_url(path)
    assert url.startswith("file:///") and not set(url) & set(" #?ü")
    assert u.url_to_path(url) == path


def test_windows_paths() -> None:
    assert u.path_to_url("C:\\a b\\c") == "file:///C:/a%20b/c"
    assert u.url_to_path("file:///C:/a%20b/c") == "C:/a b/c"
    assert u.absolute_path("x\\y", "C:\\w", "C:\\h") == "C:\\w\\x\\y"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a", "/w/a"), ("../a", "/a"), ("~", "/h"), ("~/a/./b", "/h/a/b"), ("/a/../b", "/b"), ("~x", "/w/~x")],
)
def test_absolute_path(path: str, expected: str) -> None:
    assert u.absolute_path(path, "/w", "/h") == expected


SECRET = "s3cr3t-Value"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://u:s3cr3t@h/c", "https://u:*****@h/c"),
        ("https://s3cr3t@h/c", "https://*****@h/c"),
        ("https://u:s3@cr3t@h/c", "https://u:*****@h/c"),
        ("https://u:s3/cr?3t#@h/c", "https://u:*****@h/c"),
        ("https://h/t/s3cr3t/c", "https://h/t/<TOKEN>/c"),
        ("https://h/t/s3cr3t", "https://h/t/<TOKEN>"),
        ("https://h/get/t/s3cr3t/c", "https://h/get/t/<TOKEN>/c"),
        ("h.org/t/s3cr3t/c", "h.org/t/<TOKEN>/c"),
        ("u:s3cr3t@h.org/c", "u:*****@h.org/c"),
        ("https://h/c?a=1&access_token=s3cr3t#x", "https://h/c?a=1&access_token=*****#x"),
        ("https://h/c?X-Amz-Signature=s3cr3t", "https://h/c?X-Amz-Signature=*****"),
        (
            "two: https://u:s3cr3t@h/ and 'https://h/t/s3cr3t/c'.",
            "two: https://u:*****@h/ and 'https://h/t/<TOKEN>/c'.",
        ),
    ],
)
def test_secrets_are_masked(text: str, expected: str) -> None:
    assert u.mask_secrets(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/home/t/project/x",
        "file:///home/t/x",
        "https://h:8080/c@1",
        "numpy>=1.2,<2",
        "a=1",
        "https://h/c?page=2",
        "me@h",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert u.mask_secrets(text) == text


TEMPLATES = ["https://user:{}@h.org/c", "https://{}@h.org/c", "https://h.org/t/{}/c", "https://h.org/c?token={}"]


@given(st.lists(st.sampled_from(TEMPLATES), min_size=1, max_size=5), st.text("abz \n,;()'é", max_size=8))
@settings(max_examples=200, deadline=None)
def test_no_secret_survives_in_any_text_with_any_number_of_urls(templates: list[str], between: str) -> None:
    text = f" {between} ".join(template.format(SECRET) for template in templates)
    masked = u.mask_secrets(text)
    assert SECRET not in masked
    assert u.mask_secrets(masked) == masked


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_masking_takes_any_text_and_is_done_once(text: str) -> None:
    masked = u.mask_secrets(text)
    assert u.mask_secrets(masked) == masked


@given(st.text("abc:/@?#=t.-", max_size=40))
@settings(max_examples=300, deadline=None)
def test_splitting_gives_parts_or_our_error(text: str) -> None:
    try:
        parts = u.split_url("https://" + text)
    except InvalidChannel:
        return
    assert u.split_url(parts.build()) == parts


@pytest.mark.parametrize("piece", ["a:", "/t/", "?token", "https://", "a.", "x@", "?a=", "u:p@", "https://a:b", "aaaa"])
def test_masking_takes_time_in_proportion_to_the_text(piece: str) -> None:
    hostile = "https://" + piece * 20_000
    started = time.process_time()
    u.mask_secrets(hostile + "@")
    assert time.process_time() - started < 5  # quadratic behaviour takes minutes
