from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fetch.feeding import BODY
from tests.kit.blocking import watching


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """No coroutine of the engine waits for the disk itself."""
    with watching() as found:
        yield
    assert not found, "\n".join(found)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory to serve; ``file`` in it is `BODY`."""
    root = tmp_path / "www"
    root.mkdir()
    (root / "file").write_bytes(BODY)
    return root
