"""py-rattler making many environments, one by one in one process that keeps its index: the best loop it has."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from pathlib import Path

import rattler


async def create(channel: str, cache: Path, wanted: list[tuple[str, list[str]]]) -> None:
    """Make all of them."""
    gateway = rattler.Gateway(cache_dir=cache / "repodata")
    virtual = rattler.VirtualPackage.detect()
    for prefix, specs in wanted:
        records = await rattler.solve(
            [channel], specs, gateway=gateway, virtual_packages=virtual, add_pip_as_python_dependency=True
        )
        await rattler.install(
            records,
            target_prefix=prefix,
            cache_dir=cache / "pkgs",
            installed_packages=[],
            execute_link_scripts=True,
            show_progress=False,
        )


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(description="Create environments with py-rattler.")
    parser.add_argument("channel")
    parser.add_argument("cache", type=Path)
    parser.add_argument("wanted", type=Path, help="a JSON file: a list of [prefix, specs]")
    args = parser.parse_args()
    asyncio.run(create(args.channel, args.cache, json.loads(args.wanted.read_text())))
    os._exit(0)  # see `perf.peer_rattler`


if __name__ == "__main__":
    main()
