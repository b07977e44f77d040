"""An archive is the same package from whatever address it came."""

from __future__ import annotations

import msgspec

from engine.model.records import PrefixRecord, RepoDataRecord
from engine.planning.origins import at_home
from tests.kit.universe import Universe, universe

NEAR = universe("a 1", "a 2", "b 1", channel="near")
FAR = universe("a 1", "a 2", "b 2", channel="far")


def installed(record: RepoDataRecord, **changes: object) -> PrefixRecord:
    fields = {name: getattr(record, name) for name in RepoDataRecord.__struct_fields__}
    return PrefixRecord(**{**fields, "channel": "https://mirror.org/old", **changes})


def channels(records: list[PrefixRecord], *worlds: Universe) -> list[str]:
    return [record.channel.rpartition("/")[2] for record in at_home(records, worlds)]


def test_it_belongs_to_the_first_channel_that_has_its_archive() -> None:
    there = [installed(NEAR.one("a-2")), installed(FAR.one("a-1")), installed(NEAR.one("b-1"), subdir="noarch")]
    assert channels(there, NEAR, FAR) == ["near", "far", "old"], "b is of another subdir"
    assert channels(there, FAR, NEAR)[:2] == ["near", "far"]
    assert at_home(there, [NEAR])[0] == msgspec.structs.replace(there[0], channel=NEAR.channel.public_url)


def test_it_stays_where_it_is_if_nobody_has_it_or_its_channel_is_asked() -> None:
    other = installed(NEAR.one("a-2"), sha256="0" * 64)
    assert at_home([other], [NEAR, FAR]) == (other,)
    assert at_home([installed(NEAR.one("a-2"), sha256=None)], [NEAR])[0].channel == "https://mirror.org/old"
    known = installed(FAR.one("a-2"), channel=NEAR.channel.public_url)
    assert at_home([known], [NEAR, FAR]) == (known,)
    assert at_home([known], []) == (known,)
