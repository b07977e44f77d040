"""Texts → values of a key's kind."""

from __future__ import annotations

import pytest

from engine.config.keys import BY_NAME
from engine.config.values import Place, convert, expand_variables, split_list
from engine.errors import ConfigError

HERE = Place("$X")


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("offline", "TRUE", True), ("offline", "off", False), ("offline", True, True), ("offline", "1", True),
        ("local_repodata_ttl", "60", 60), ("local_repodata_ttl", "true", 1), ("local_repodata_ttl", 0, 0),
        ("extract_threads", "-2", -2), ("remote_connect_timeout_secs", "9.15", 9.15),
        ("channel_priority", "Strict", "strict"), ("channel_priority", "true", "flexible"),
        ("channel_priority", "false", "disabled"), ("log_level", "warn", "warning"),
        ("channels", "a, b", ("a", "b")), ("channels", ["a", None, "b"], ("a", "b")),
        ("override_virtual_packages", {"cuda": None, "glibc": "2.17"}, {"cuda": "", "glibc": "2.17"}),
        ("custom_multichannels", {"a": ["b", "c"]}, {"a": ("b", "c")}),
        ("channel_settings", [{"channel": "a", "auth": "b"}], ({"channel": "a", "auth": "b"},)),
        ("env_prompt", "({name}) ", "({name}) "),
    ],
)  # fmt: skip
def test_convert(key: str, raw: object, expected: object) -> None:
    assert convert(BY_NAME[key], raw, HERE) == expected


@pytest.mark.parametrize(
    ("key", "raw"),
    [("offline", "2"), ("offline", ["true"]), ("local_repodata_ttl", "x"), ("local_repodata_ttl", "-1"),
     ("remote_backoff_factor", "inf"), ("channels", 3), ("channels", [["a"]]), ("channel_settings", "a"),
     ("custom_multichannels", "a"), ("env_prompt", {})],
)  # fmt: skip
def test_wrong_kinds_are_errors_of_their_place(key: str, raw: object) -> None:
    with pytest.raises(ConfigError, match=rf"\$X: the key '{key}'") as caught:
        convert(BY_NAME[key], raw, HERE)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()), ("a", ("a",)), (" a , b ,", ("a", "b")), ("'a,b',c", ("a,b", "c")), ("a[x,y],b", ("a[x,y]", "b")),
        ("https://u:p@h/c,d", ("https://u:p@h/c", "d")), ("it's,b", ("it's", "b")), ("'unclosed,b", ("'unclosed,b",)),
    ],
)  # fmt: skip
def test_lists_in_variables(text: str, expected: tuple[str, ...]) -> None:
    assert split_list(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$A/${B}/$C", "1/$A/$C"), ("no", "no"), ("$", "$"), ("${A", "${A"), ("$Ax", "$Ax"), ("p$$A", "p$1")],
)
def test_variables(text: str, expected: str) -> None:
    """Once, so that a value with a dollar in it stays what it is; those not set stay too, as micromamba has it."""
    assert expand_variables(text, {"A": "1", "B": "$A"}) == expected
