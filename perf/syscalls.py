"""Counts system calls of one run with strace: all of them, and those that make a file, a link or a directory."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MAKERS = "openat,open,creat,link,linkat,symlink,symlinkat,mkdir,mkdirat,rename,renameat,renameat2"
_TOTAL = re.compile(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)(?:\s+\d+)?\s+total", re.MULTILINE)


@dataclass(frozen=True)
class Calls:
    """``made``: files opened with O_CREAT, links, directories and renames that succeeded."""

    total: int
    made: int


def count(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, before: object = None) -> Calls | None:
    """Run the command twice under strace; None where there is none. ``before`` is called before each run."""
    if not shutil.which("strace"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        table, lines = Path(folder, "table"), Path(folder, "lines")
        for options in (["-c", "-o", table], ["-qq", "-e", f"trace={_MAKERS}", "-o", lines]):
            if callable(before):
                before()
            subprocess.run(
                ["strace", "-f", *options, *command], env=dict(env), cwd=cwd, check=True, stdout=subprocess.DEVNULL
            )
        return Calls(_total(table.read_text()), _made(lines.read_text(errors="replace")))


def _total(table: str) -> int:
    found = _TOTAL.search(table)
    assert found, table[-500:]
    return int(found[1])


def _made(text: str) -> int:
    """A call that another thread interrupts takes two lines, of which the first has the arguments."""
    count = 0
    for line in text.splitlines():
        failed = " = -1 " in line or " resumed>" in line
        opens = "open" in line.partition("(")[0]
        count += not failed and (not opens or "O_CREAT" in line)
    return count
