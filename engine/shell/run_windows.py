"""Running a program in an environment on Windows, where no process can become another one.

Rule of this file: the program is a child that is waited for; scripts run in a ``.bat`` around it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence

from engine.shell.program import find_program

_OPERATORS = re.compile(r'[&|<>^()"!]')


def call(argv: Sequence[str], environ: Mapping[str, str], script: str, closed: frozenset[str]) -> int:
    """Run ``argv``, after the cmd.exe code of ``script`` if there is any; returns its exit code."""
    if not script:
        path = find_program(argv[0], environ.get("PATH", "")) or argv[0]
        return _wait([path, *argv[1:]], environ, closed)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="whipsnake-") as directory:
        file_name = os.path.join(directory, "run.bat")
        with open(file_name, "w", encoding="utf-8", newline="\r\n") as file:
            # 65001 is UTF-8: the encoding of this file.
            file.write(f"@chcp 65001 > NUL\n{script}@{_in_batch(argv)}\n")
        return _wait([environ.get("COMSPEC", "cmd.exe"), "/D", "/C", file_name], environ, closed)


def _in_batch(argv: Sequence[str]) -> str:
    """The command as a batch file has it: nothing that is said to the program is an operator of cmd.exe."""
    return " ".join(map(_word, argv)).replace("%", "%%")


def _word(text: str) -> str:
    word = subprocess.list2cmdline([text])
    if '"' in text:  # it would end the quotes for cmd.exe, which knows no backslash
        return _OPERATORS.sub(lambda found: "^" + found[0], word)
    if word == text and _OPERATORS.search(text):
        backslashes = len(text) - len(text.rstrip("\\"))
        return f'"{text}{text[len(text) - backslashes :]}"'
    return word


def _wait(argv: Sequence[str], environ: Mapping[str, str], closed: frozenset[str]) -> int:
    def stream(name: str) -> int | None:
        return subprocess.DEVNULL if name in closed else None

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the console tells the program itself of Ctrl-C
    try:
        return subprocess.call(
            argv, env=environ, stdin=stream("stdin"), stdout=stream("stdout"), stderr=stream("stderr")
        )
    finally:
        signal.signal(signal.SIGINT, before)
