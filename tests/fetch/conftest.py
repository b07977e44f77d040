from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.blocking import watching


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """No coroutine of the engine waits for the disk itself."""
    with watching() as found:
        yield
    assert not found, "\n".join(found)
