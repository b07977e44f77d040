"""py-rattler doing the same job, in a process of its own: solve, then install. Prints its phase times as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from pathlib import Path

import rattler


async def act(action: str, channel: str, prefix: Path, cache: Path, specs: list[str]) -> dict[str, float]:
    """Bring the prefix to what is asked; returns seconds by phase. ``remove`` keeps python alone."""
    started = time.perf_counter()
    installed = [] if action in ("create", "direct") else _installed(prefix)
    wanted = ["python"] if action == "remove" else specs
    records = await rattler.solve(
        [channel],
        wanted,
        gateway=rattler.Gateway(cache_dir=cache / "repodata"),
        locked_packages=installed,
        virtual_packages=rattler.VirtualPackage.detect(),
        add_pip_as_python_dependency=True,
    )
    solved = time.perf_counter()
    await rattler.install(
        records,
        target_prefix=prefix,
        cache_dir=cache / "pkgs",
        installed_packages=installed,
        execute_link_scripts=True,
        show_progress=False,
    )
    return {"repodata + solve": solved - started, "fetch + link": time.perf_counter() - solved}


def _installed(prefix: Path) -> list[rattler.PrefixRecord]:
    return [rattler.PrefixRecord.from_path(path) for path in sorted(prefix.glob("conda-meta/*.json"))]


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(description="Create or change an environment with py-rattler.")
    parser.add_argument("action")
    parser.add_argument("channel")
    parser.add_argument("prefix", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("specs", nargs="+")
    args = parser.parse_args()
    print(json.dumps(asyncio.run(act(args.action, args.channel, args.prefix, args.cache, args.specs))), flush=True)
    # Its runtime threads outlive ours, and one in ten processes of py-rattler 0.28 crashes in the interpreter's
    # shutdown after all is done; to leave at once costs py-rattler nothing and saves the run.
    os._exit(0)


if __name__ == "__main__":
    main()
