"""Whatever a channel says and whatever is asked of it: an answer or one clear error. `perf.fuzz` goes on for longer."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.commands.conftest import RunCommand
from tests.kit.hostile_commands import check, command_lines, write_channel
from tests.kit.server import ChannelServer


@pytest.mark.parametrize("block", range(3))
def test_random_malice(block: int, run_command: RunCommand, root: Path, tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text("use_sharded_repodata: false\n")
    codes: Counter[int] = Counter()
    for seed in range(block * 20, block * 20 + 20):
        chance = random.Random(seed)
        sound = write_channel(chance, tmp_path / "channel")
        shutil.rmtree(root, ignore_errors=True)
        with ChannelServer(tmp_path / "channel") as server:
            for words in command_lines(chance, server.url, root):
                codes[check(run_command, words, sound, ("--rc-file", str(rc)))] += 1
    assert codes.keys() == {0, 1, 2}, "or not much was tested"
