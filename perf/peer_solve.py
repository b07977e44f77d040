"""py-rattler answering the same question, in a process of its own: which packages would be installed. Prints them."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path


async def plan(channel: str, folder: Path, platform: str, specs: list[str]) -> list[str]:
    """File names of what would be installed."""
    import rattler

    records = await rattler.solve(
        [channel],
        [rattler.MatchSpec(spec, strict=False) for spec in specs],
        gateway=rattler.Gateway(cache_dir=folder / "repodata"),
        platforms=[platform, "noarch"],
        virtual_packages=rattler.VirtualPackage.detect(),
        add_pip_as_python_dependency=True,
    )
    return sorted(record.file_name for record in records)


def main() -> None:
    """Solve once; exit code 1 if there is no answer."""
    parser = argparse.ArgumentParser(description="Solve with py-rattler.")
    parser.add_argument("channel")
    parser.add_argument("folder", type=Path)
    parser.add_argument("platform")
    parser.add_argument("specs", nargs="+")
    args = parser.parse_args()
    import rattler.exceptions

    code = 0
    try:
        print("\n".join(asyncio.run(plan(args.channel, args.folder, args.platform, args.specs))))
    except rattler.exceptions.SolverError as error:
        print(error)
        code = 1
    sys.stdout.flush()
    # Its runtime threads outlive ours and may crash in the interpreter's shutdown, after all is done.
    os._exit(code)


if __name__ == "__main__":
    main()
