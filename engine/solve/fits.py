"""Whether a specification means a record, however strange either is. Rule of this file: it never raises."""

from __future__ import annotations

from engine.errors import ParseError
from engine.model.match_spec import MatchSpec
from engine.model.records import PackageRecord


def spec_matches(spec: MatchSpec, record: PackageRecord) -> bool:
    """`MatchSpec.matches`, but a version or build number that is none is matched only by what asks for neither."""
    try:
        return spec.matches(record)
    except ParseError:
        return False
