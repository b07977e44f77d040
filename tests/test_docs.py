"""The examples of the documentation are read as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

from engine.commands import ALIASES, COMMANDS
from engine.specfile import SpecContext, parse_spec_text

DOCS = Path(__file__).parents[1] / "docs"
CONTEXT = SpecContext(platform="linux-64", cwd="/here", home="/home/me")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def test_the_files_of_files_md() -> None:
    (environment,) = blocks("files.md", "yaml")
    file = parse_spec_text(environment, "environment.yml", CONTEXT)
    assert file.specs == ("python =3.12", "numpy >=1.26,<3", "glibc-tools", "pip")
    assert (file.name, file.pip, file.variables) == (
        "analysis",
        ("requests ==2.32.3", "-r more.txt"),
        {"MY_OPTION": "on"},
    )
    assert file.notices == ()
    listed, explicit = (parse_spec_text(text, "list.txt", CONTEXT) for text in blocks("files.md", "text"))
    assert listed.specs == ("python =3.12", "numpy >=1.26,<3", "conda-forge::scipy")
    assert [package.url.rpartition("/")[2] for package in explicit.explicit] == [
        "tzdata-2024b-hc8b5060_0.conda", "mine-1.0-0.conda",
    ]  # fmt: skip


def test_the_commands_that_pages_name_are_there() -> None:
    names = {*COMMANDS, *ALIASES}
    for page in sorted(DOCS.glob("*.md")):
        for line in re.findall(r"^whipsnake (.*)$", page.read_text(), re.MULTILINE):
            words = [word for word in line.split() if not word.startswith("-")]
            if not words or words[0].isupper():  # --version, COMMAND --help
                continue
            assert any(" ".join(words[:count]) in names for count in (1, 2, 4)), f"{page.name}: {line}"
