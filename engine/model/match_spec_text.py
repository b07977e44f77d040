"""How a package specification is written: canonically (CEP 29, appendix A), or as conda-build and conda-meta do.

Rule of this file: `MatchSpec` → text. Reading the canonical text gives an equal specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.model.match_spec_keys import PLAIN_TEXTS
from engine.model.text_match import is_pattern

if TYPE_CHECKING:
    from engine.model.match_spec import MatchSpec

# The CEP's rule says that values are quoted, its examples quote only where needed (subdir=linux-64); so do we.
_BARE = re.compile(r"[A-Za-z0-9_.+*:/%-]+")


def canonical_text(spec: MatchSpec) -> str:
    """The canonical form. It holds the secrets that the specification holds."""
    text = spec.name or (str(spec.name_matcher) if spec.name_matcher else "*")
    positional_channel = spec.channel is not None and not is_pattern(spec.channel)
    positional_subdir = positional_channel and spec.subdir is not None and not is_pattern(spec.subdir)
    if positional_channel:
        text = f"{spec.channel}{'/' + spec.subdir if positional_subdir and spec.subdir else ''}::{text}"
    kind = spec.version.kind if spec.version else "any"
    positional_build = False
    if spec.version and kind == "exact":
        text += f"=={spec.version}"
        positional_build = spec.build is not None and spec.build.exact is not None
        text += f"={spec.build}" if positional_build else ""
    elif kind == "fuzzy":
        text += f"={str(spec.version).removesuffix('.*')}"
    pairs = []
    if spec.channel is not None and not positional_channel:
        pairs.append(f"channel={_quoted(spec.channel)}")
    if spec.subdir is not None and not positional_subdir:
        pairs.append(f"subdir={_quoted(spec.subdir)}")
    if spec.version and kind == "other":
        pairs.append(f"version={_quoted(str(spec.version), always=True)}")
    if spec.build is not None and not positional_build:
        pairs.append(f"build={_quoted(str(spec.build))}")
    pairs += _other_pairs(spec)
    return f"{text}[{','.join(pairs)}]" if pairs else text


def conda_build_text(spec: MatchSpec) -> str:
    """``name version build``, as conda-build and the history of a prefix write it; other fields are left out."""
    parts = [spec.name or (str(spec.name_matcher) if spec.name_matcher else "*")]
    if spec.version or spec.build:
        parts.append(str(spec.version or "*"))
    if spec.build:
        parts.append(spec.build.text)  # conda, which reads this too, heeds the case of builds
    return " ".join(parts)


def _other_pairs(spec: MatchSpec) -> Iterator[str]:
    if spec.build_number is not None:
        yield f"build_number={_quoted(str(spec.build_number))}"
    for field in ("track_features", "features"):
        if names := getattr(spec, field):
            yield f"{field}={_quoted(' '.join(names))}"
    for field in PLAIN_TEXTS[1:]:
        if (value := getattr(spec, field)) is not None:
            yield f"{field}={_quoted(value)}"
    if spec.when is not None:
        yield f"when={_quoted(str(spec.when), always=True)}"
    for field in ("extras", "flags"):
        if items := getattr(spec, field):
            yield f"{field}=[{','.join(_quoted(item, always=True) for item in items)}]"


def _quoted(value: str, *, always: bool = False) -> str:
    if not always and _BARE.fullmatch(value):
        return value
    escaped = re.sub(r"\\(?=[\\'\"]|$)|'", lambda found: "\\" + found[0], value)
    return f"'{escaped}'"
