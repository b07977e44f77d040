"""The grammar of package specifications: text → the fields of a `MatchSpec` (CEP 29, "Syntax").

``channel/subdir:namespace:name version build [key=value, …]``

Rule of this file: where each part begins and ends, and what ``=`` and blanks between name, version and build mean.
What a part matches is the business of `version_spec` and `text_match`; the brackets are read by `brackets`.
"""

from __future__ import annotations

import re
from typing import Final

from engine.errors import InvalidMatchSpec, ParseError
from engine.model.brackets import find_section, parse_section
from engine.model.match_spec_keys import FIELD_OF_KEY, Fields, read_value
from engine.model.platform import is_known_subdir
from engine.model.text_match import TextMatcher, is_pattern
from engine.model.url import is_package, package_url_parts, split_filename
from engine.model.version_spec import VersionSpec

MAX_LENGTH: Final = 8192
"""In characters."""
MAX_NAME: Final = 64
"""In characters (CEP 26)."""

# What nearly all dependencies look like. Recognizing them here takes a third of the time of the whole grammar.
_CLAUSES = r"(?:[<>=!~]=|[<>])?[0-9A-Za-z.*+_!]+"
_PLAIN = re.compile(rf"([A-Za-z0-9_.-]+)(?: ({_CLAUSES}(?:[,|]{_CLAUSES})*)(?: ([A-Za-z0-9_.*]+))?)?")
_NAME = re.compile(r"(?:\^[^$]*\$|[^\s=<>!~#][^\s=<>!~]*)")  # one that begins with "#" would read back as a comment
# CEP 26, "Package names", distributable and virtual.
_DISTRIBUTABLE = re.compile(r"(?:[a-z0-9]|[a-z0-9_](?!_))[._-]?(?:[a-z0-9]+(?:[._-]|$))*")
_VIRTUAL = re.compile(r"__[a-z0-9][._-]?(?:[a-z0-9]+(?:[._-]|$))*")
_PIECE = re.compile(r"(?<![^\s=,|(])\^[^$]*\$|\s+|[^\s^]+|\^")
_BUILD_SEPARATOR = re.compile(r"(?<![=<>!~,|(])=(?!=)")
_BUILD = re.compile(r"[A-Za-z0-9_.+!-]+")


def parse_fields(source: str) -> Fields:
    """The fields that ``source`` sets, by their names in `MatchSpec`; ``when`` is still text.

    Raises `InvalidMatchSpec` about ``source``.
    """
    if (plain := _PLAIN.fullmatch(source)) and len(source) <= MAX_LENGTH and not is_package(source):
        return _plain_fields(source, plain)
    if len(source) > MAX_LENGTH:
        raise InvalidMatchSpec(source, f"it has {len(source)} characters, at most {MAX_LENGTH} are allowed")
    end = _end_of_text(source)
    text = source[:end].strip()
    if is_package(text) and not re.search(r"[\s\[\]]", text):
        return _package_fields(source, text)
    section = find_section(source, end)
    pairs = [] if section is None else parse_section(source, section, end)
    positional_end = end if section is None else section
    fields = _positional_fields(source, positional_end, has_section=section is not None)
    for pair in pairs:
        field = FIELD_OF_KEY.get(pair.key)
        if field is None:
            known = ", ".join(sorted(FIELD_OF_KEY))
            span = (pair.key_start, pair.key_start + len(pair.key))
            raise InvalidMatchSpec(source, f"unknown key {pair.key!r}", span=span, hint=f"The keys are: {known}.")
        if field == "channel":
            _set_channel(fields, _single(source, pair.value, (pair.start, pair.end)))
        elif field not in ("name", "namespace"):  # a name in brackets must not replace the visible one (CEP 29)
            fields[field] = read_value(source, field, pair)
    return {field: value for field, value in fields.items() if value is not None}


def _plain_fields(source: str, found: re.Match[str]) -> Fields:
    fields: Fields = {}
    _set_name(fields, source, found[1], 0)
    if found[2] and found[2] != "*":
        fields["version"] = _version(source, found[2], found.start(2))
    if found[3] and found[3] != "*":
        fields["build"] = TextMatcher.parse(found[3])
    return fields


def _single(source: str, value: str | tuple[str, ...], span: tuple[int, int]) -> str:
    if isinstance(value, tuple):
        raise InvalidMatchSpec(source, "expected one text, found a list", span=span)
    return value


def _end_of_text(source: str) -> int:
    """Where the specification ends and blanks or a comment (`` # why``) begin."""
    quote = ""
    for at, character in enumerate(source):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and (at == 0 or source[at - 1].isspace()):
            return len(source[:at].rstrip())
    return len(source.rstrip())


def _package_fields(source: str, text: str) -> Fields:
    """Of a package's URL or path, with ``#md5`` or ``#sha256:…`` (CEP 29, appendix C)."""
    fields: Fields = {}
    fn = re.split(r"[/\\]", text.partition("#")[0])[-1]
    try:
        if "://" in text:
            parts = package_url_parts(text)
            fn = parts.fn
            fields |= {"url": parts.url, "md5": parts.md5, "sha256": parts.sha256}
            if parts.subdir:
                fields |= {"channel": parts.channel, "subdir": parts.subdir}
        else:
            fields["url"] = text
        name, version, build = split_filename(fn)
        fields |= {
            "name": name.lower(),
            "version": VersionSpec.parse(f"=={version}"),
            "build": TextMatcher.parse(build),
        }
    except ParseError as error:
        raise InvalidMatchSpec(source, error.reason) from error
    return {field: value for field, value in fields.items() if value is not None}


def _positional_fields(source: str, end: int, *, has_section: bool) -> Fields:
    """What stands before the brackets."""
    fields: Fields = {}
    start = source.rfind(":", 0, end) + 1
    if start:
        channel, colon, _namespace = source[: start - 1].rpartition(":")  # a namespace is parsed and ignored
        if colon:
            _set_channel(fields, channel.strip())
    while start < end and source[start].isspace():
        start += 1
    name = _NAME.match(source, start, end)
    if name is None:
        raise InvalidMatchSpec(source, "a package name is missing", span=(start, start + 1))
    _set_name(fields, source, name[0], start)
    if source[name.end() : end].strip() != "=" or not has_section:  # "libblas=[build=*mkl]" is in old channels
        _set_version_and_build(fields, source, name.end(), end)
    return fields


def _set_channel(fields: Fields, text: str) -> None:
    """``channel`` or ``channel/subdir``; "*" is any."""
    above, slash, last = text.rstrip("/").rpartition("/")
    channel = above if slash and is_known_subdir(last) else text.rstrip("/")
    if channel != text.rstrip("/"):
        fields["subdir"] = last
    fields["channel"] = None if channel in ("*", "") else channel


def _set_name(fields: Fields, source: str, text: str, start: int) -> None:
    if text == "*":
        return
    if is_pattern(text):
        fields["name_matcher"] = _matcher(source, text, start)
        return
    name = text.lower()
    span = (start, start + len(text))
    if len(name) > MAX_NAME:
        raise InvalidMatchSpec(
            source, f"the name has {len(name)} characters, at most {MAX_NAME} are allowed", span=span
        )
    if not _DISTRIBUTABLE.fullmatch(name) and not _VIRTUAL.fullmatch(name):
        reason = f"{text!r} is no package name: letters, digits and single '.', '_', '-' between them"
        raise InvalidMatchSpec(source, reason, span=span)
    fields["name"] = name


def _matcher(source: str, text: str, start: int) -> TextMatcher:
    try:
        return TextMatcher.parse(text)
    except ParseError as error:
        low, high = error.span or (0, len(text))
        raise InvalidMatchSpec(source, error.reason, span=(start + low, start + high)) from error


_ANY = ("*", "=*", "==*", "=", "==")
"""No constraint. The last two are what scripts write where a variable for the version is empty; micromamba reads them
so as well."""


def _set_version_and_build(fields: Fields, source: str, start: int, end: int) -> None:
    words = _words(source[start:end])
    if not words:
        return
    version, build, joined_by_equals = words[0], "", False
    if len(words) == 1:
        version, build, joined_by_equals = _split_at_equals(words[0])
    elif len(words) == 2:
        build = words[1].removeprefix("=")
        joined_by_equals = build != words[1]
    else:
        reason = "expected at most name, version and build; join constraints by ','"
        raise InvalidMatchSpec(source, reason, span=(start, end))
    if joined_by_equals and version[0] == "=" and not version.startswith("=="):
        version = version[1:]  # in name=version=build, '=' only separates: the version is exact
    if version not in _ANY:
        fields["version"] = _version(source, version, start)
    if build and build != "*":
        fields["build"] = _build(source, build, start)


def _version(source: str, version: str, start: int) -> VersionSpec:
    """The version constraint that stands somewhere after ``start``."""
    try:
        return VersionSpec.parse(version)
    except ParseError as error:
        at = source.find(version, start)
        low, high = error.span or (0, len(version))
        span = None if at < 0 else (at + low, at + high)
        raise InvalidMatchSpec(source, f"in the version, {error.reason}", span=span, hint=error.hint) from error


def _words(text: str) -> list[str]:
    """``text`` cut at blanks, but not at those beside an operator or a separator of version clauses."""
    words: list[str] = []
    fresh = True
    for found in _PIECE.finditer(text):
        piece = found[0]
        if piece.isspace():
            fresh = True
            continue
        if fresh and not (words and (words[-1][-1] in "=<>!~,|(" or piece[0] in ",|)")):
            words.append(piece)
        elif words:
            words[-1] += piece
        fresh = False
    return words


def _split_at_equals(word: str) -> tuple[str, str, bool]:
    """``=1.8=py_0`` → version and build."""
    regex = re.match(r"=?\^[^$]*\$", word)
    found = _BUILD_SEPARATOR.search(word, regex.end() if regex else 1)
    if found is None:
        return word, "", False
    build = word[found.end() :]
    return word[: found.start()], build, bool(build)


def _build(source: str, text: str, start: int) -> TextMatcher:
    at = source.find(text, start)
    if not is_pattern(text) and not _BUILD.fullmatch(text):
        reason = f"{text!r} is no build: letters, digits, '_', '.', '+' (join version constraints by ',')"
        raise InvalidMatchSpec(source, reason, span=(at, at + len(text)) if at >= 0 else None)
    return _matcher(source, text, max(at, 0))
