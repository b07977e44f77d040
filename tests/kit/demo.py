"""The main job, shown whole: ``make demo`` or ``python -m tests.kit.demo``.

Builds a small true channel from what this machine has, serves it over HTTP on loopback, lets whipsnake make an
environment from it (twice: with an empty cache and with a full one), uses that environment, and removes everything.
Exit code 1 if anything is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.kit.demo_channel import SPECS, build_demo_channel
from tests.kit.package import PLACEHOLDER
from tests.kit.relocate import NoCompiler
from tests.kit.tree import holds

ROOT = Path(__file__).resolve().parents[2]
_COMPILED = """
import importlib, pathlib, sys
folder = next(path for path in map(pathlib.Path, sys.path) if path.name == "lib-dynload")
names = sorted({path.name.partition(".")[0] for path in folder.glob("*.so")} - {"_tkinter"})
for name in names:
    assert importlib.import_module(name).__file__.startswith(sys.prefix), name
print(f"Python {sys.version.split()[0]} in {sys.prefix}: {len(names)} compiled modules imported")
"""


class Failed(Exception):
    """Something is not as it should be."""


def clean_environment(home: Path) -> dict[str, str]:
    """The environment for whipsnake: no rc files, no traces of conda or mamba, a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONDA_", "MAMBA_", "PYTHON"))}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def serving(directory: Path, *options: str) -> Iterator[str]:
    """Serve a directory from a process of its own; gives its address."""
    with told_address("tests.kit.server", str(directory), "--until-eof", *options) as url:
        yield url


@contextlib.contextmanager
def told_address(module: str, *words: str) -> Iterator[str]:
    """Run a module that prints its address first, and ends when its input does."""
    command = [sys.executable, "-m", module, *words]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdin is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


class Demo:
    """One run, below one directory."""

    def __init__(self, base: Path) -> None:
        self.base, self.prefix = base, base / "env"
        self.env = clean_environment(base / "home")
        (base / "home").mkdir()
        self.times: dict[str, float] = {}

    def run(self) -> None:
        """All of it. Raises `Failed`."""
        _say("Build a channel from what this machine has")
        started = time.perf_counter()
        channel = build_demo_channel(self.base / "channel")
        self.times["build the channel"] = time.perf_counter() - started
        for path in sorted(channel.path.glob("*/*")):
            print(f"  {path.parent.name}/{path.name}  {path.stat().st_size:,} bytes")
        with serving(channel.path) as url:
            _say(f"Create an environment from {url}")
            self.create("create, empty cache", url)
            self.use()
            self.remove()
            _say("Once more, with a full cache")
            self.create("create, full cache", url)
        self.use()
        self.remove()

    def create(self, label: str, url: str) -> None:
        """``whipsnake create``, timed."""
        words = ["create", "--yes", "-r", str(self.base / "root"), "-p", str(self.prefix)]
        self.whipsnake(label, *words, "--override-channels", "-c", url, *SPECS)

    def whipsnake(self, label: str, *words: str) -> None:
        """Run our program with its output shown."""
        print(f"  $ whipsnake {' '.join(words)}", flush=True)
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "cli", *words], cwd=ROOT, env=self.env, check=False)
        self.times[label] = time.perf_counter() - started
        if done.returncode:
            raise Failed(f"whipsnake {words[0]} ended with exit code {done.returncode}")

    def use(self) -> None:
        """Start what was installed and look for what must not be there."""
        _say("Use it")
        prefix, names = self.prefix, self._installed()
        self.expect(["python", "-I", "-c", _COMPILED], f"in {prefix}:")
        self.expect(["snake-hello"], f"hello from {prefix}")
        self.expect(["snake-hello-script"], "script")
        self.expect(["whereami"], f"{prefix}\n{prefix}/etc/whereami.conf")
        self.expect(["snake-where"], f"{prefix}\nThe whip snake")
        if "pip" in names:
            self.expect(["pip", "--version"], f"from {prefix}/")
        self._check_bytecode()
        left = [path for path in holds(prefix, PLACEHOLDER.encode()) if not path.startswith("conda-meta/")]
        if left:
            raise Failed(f"placeholders are left in {', '.join(left)}")
        print(f"  no placeholder left; {len(names)} packages: {', '.join(sorted(names))}")

    def expect(self, command: Sequence[str], text: str) -> None:
        """Run a program of the environment; its output must contain ``text``."""
        path = self.prefix / "bin" / command[0]
        done = subprocess.run([path, *command[1:]], env=_plain(self.env), capture_output=True, text=True, check=False)
        if done.returncode or text not in done.stdout:
            raise Failed(f"{path} printed {done.stdout!r}, expected {text!r}\n{done.stderr}")
        for line in done.stdout.splitlines():
            print(f"  {command[0]}: {line}")

    def remove(self) -> None:
        """``whipsnake env remove``; nothing may be left."""
        self.whipsnake("remove", "env", "remove", "--yes", "-r", str(self.base / "root"), "-p", str(self.prefix))
        if self.prefix.exists():
            raise Failed(f"{self.prefix} is still there")

    def _installed(self) -> dict[str, str]:
        records = [json.loads(path.read_text()) for path in self.prefix.glob("conda-meta/*.json")]
        return {record["name"]: record["version"] for record in records}

    def _check_bytecode(self) -> None:
        """Python's own compileall must find nothing to do where noarch packages were compiled."""
        site = next(path.parent.parent for path in self.prefix.rglob("snake_hello/__init__.py"))
        before = {path: path.stat().st_mtime_ns for path in site.rglob("*.pyc")}
        self.expect(["python", "-m", "compileall", "-q", str(site)], "")
        stale = sorted(path for path in site.rglob("*.pyc") if before.get(path) != path.stat().st_mtime_ns)
        if stale or not before:
            example = f", {stale[0]} for one" if stale else ""
            raise Failed(f"bytecode was missing or stale: {len(stale)} of {len(before)} files{example}")
        print(f"  compileall: {len(before)} bytecode files are there, and up to date")


def _plain(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for installed programs: nothing that helps a Python find its files."""
    return {name: value for name, value in env.items() if name != "PYTHONPATH"}


def _say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def main() -> int:
    """Run the demo in a temporary directory, which goes afterwards."""
    parser = argparse.ArgumentParser(description="Create, use and remove an environment, from a channel made here.")
    parser.add_argument("--keep", action="store_true", help="leave channel and cache in place")
    args = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="whipsnake-demo-")).resolve()
    demo = Demo(base)
    try:
        demo.run()
    except (Failed, NoCompiler, FileNotFoundError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    finally:
        if args.keep:
            print(f"\nKept: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)
    _say("Times")
    for label, seconds in demo.times.items():
        print(f"  {label:<20} {seconds:7.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
