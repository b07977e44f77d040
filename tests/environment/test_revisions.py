"""`engine.environment.revisions`: what an environment was, by its history."""

from __future__ import annotations

import pytest

from engine.environment.revisions import channel_of, dist_of, past
from engine.errors import PrefixError
from engine.link.prefix.history import parse_history

HISTORY = """\
==> 2015-01-01 00:00:00 <==
# cmd: conda create a
a-1-0
b-1-0
# create specs: ['a']
==> 2024-01-01 00:00:00 <==
# cmd: micromamba install c
-https://conda.anaconda.org/conda-forge/linux-64::b-1-0
+https://conda.anaconda.org/conda-forge/linux-64::b-2-0
+conda-forge/noarch::c-d-1-0
# update specs: ['c-d >=1']
==> 2024-01-02 00:00:00 <==
# cmd: conda remove a
-a-1-0
# remove specs: ['a']
==> 2024-01-03 00:00:00 <==
# cmd: whipsnake rename x
conda-forge/linux-64::b-2-0
conda-forge/noarch::c-d-1-0
"""


@pytest.mark.parametrize(
    ("number", "dists", "requested"),
    [
        (0, ["a-1-0", "b-1-0"], {"a": "a"}),
        (1, ["a-1-0", "b-2-0", "c-d-1-0"], {"a": "a", "c-d": "c-d >=1"}),
        (2, ["b-2-0", "c-d-1-0"], {"c-d": "c-d >=1"}),
        (3, ["b-2-0", "c-d-1-0"], {"c-d": "c-d >=1"}),
    ],
)
def test_states(number: int, dists: list[str], requested: dict[str, str]) -> None:
    state = past(parse_history(HISTORY), number)
    assert sorted(map(dist_of, state.dists.values())) == dists
    assert state.requested == requested


@pytest.mark.parametrize("number", [-1, 4])
def test_no_such_revision(number: int) -> None:
    with pytest.raises(PrefixError, match="the last one is 3"):
        past(parse_history(HISTORY), number)


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("conda-forge/linux-64::a-1-0", "conda-forge"),
        ("https://host/label/x/noarch::a-1-0", "https://host/label/x"),
        ("a-1-0", ""),
    ],
)
def test_channels(text: str, channel: str) -> None:
    assert channel_of(text) == channel
