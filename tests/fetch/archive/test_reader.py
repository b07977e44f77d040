from __future__ import annotations

import pytest

from engine.errors import ArchiveError
from engine.fetch.archive.reader import ByteReader


def test_reads_across_pieces_and_counts() -> None:
    reader = ByteReader([b"ab", b"", b"cde", b"fgh"])
    assert reader.read(4) == b"abcd"
    assert reader.at_hand(2) is None
    assert bytes(reader.at_hand(1) or b"") == b"e"
    assert b"".join(reader.parts(2)) == b"fg"
    assert reader.position == 7
    assert reader.drain() == 1
    assert reader.drain() == 0


@pytest.mark.parametrize("act", [lambda r: r.read(3), lambda r: r.skip(3), lambda r: list(r.parts(3))])
def test_an_early_end_is_an_error(act) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArchiveError, match="1 bytes too early"):
        act(ByteReader([b"ab"]))
