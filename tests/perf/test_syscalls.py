"""System calls are counted as strace tells them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from perf.syscalls import _made, count


def test_only_what_makes_something_and_succeeds_counts() -> None:
    lines = [
        'openat(AT_FDCWD, "a", O_RDONLY) = 3',
        'openat(AT_FDCWD, "b", O_WRONLY|O_CREAT, 0644) = 3',
        '12 linkat(3, "a", 4, "a", 0 <unfinished ...>',
        "12 <... linkat resumed>) = 0",
        'mkdir("x", 0777) = -1 EEXIST (File exists)',
        'rename("a", "b") = 0',
    ]
    assert _made("\n".join(lines)) == 3


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
def test_a_real_program_is_counted(tmp_path: Path) -> None:
    code = "import os\nfor n in range(40): os.mkdir(str(n)); os.link('f', f'{n}/f')"

    def before() -> None:
        shutil.rmtree(tmp_path / "work", ignore_errors=True)
        (tmp_path / "work").mkdir()
        (tmp_path / "work" / "f").touch()

    command = [sys.executable, "-I", "-S", "-c", code]
    before()
    found = count(command, env=os.environ, cwd=tmp_path / "work", before=before)
    assert found is not None
    assert found.made == 80
    assert 80 < found.total < 20_000
