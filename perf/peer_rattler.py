"""py-rattler doing the same job, in a process of its own: solve, then install. Prints its phase times as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from pathlib import Path

import rattler


async def create(channel: str, prefix: Path, cache: Path, specs: list[str]) -> dict[str, float]:
    """Make the environment; returns seconds by phase."""
    started = time.perf_counter()
    gateway = rattler.Gateway(cache_dir=cache / "repodata")
    records = await rattler.solve(
        [channel],
        specs,
        gateway=gateway,
        virtual_packages=rattler.VirtualPackage.detect(),
        add_pip_as_python_dependency=True,
    )
    solved = time.perf_counter()
    await rattler.install(
        records,
        target_prefix=prefix,
        cache_dir=cache / "pkgs",
        installed_packages=[],
        execute_link_scripts=True,
        show_progress=False,
    )
    return {"repodata + solve": solved - started, "fetch + link": time.perf_counter() - solved}


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(description="Create an environment with py-rattler.")
    parser.add_argument("channel")
    parser.add_argument("prefix", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("specs", nargs="+")
    args = parser.parse_args()
    print(json.dumps(asyncio.run(create(args.channel, args.prefix, args.cache, args.specs))), flush=True)
    # Its runtime threads outlive ours, and one in ten processes of py-rattler 0.28 crashes in the interpreter's
    # shutdown after all is done; to leave at once costs py-rattler nothing and saves the run.
    os._exit(0)


if __name__ == "__main__":
    main()
