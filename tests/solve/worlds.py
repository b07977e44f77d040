"""Small worlds of packages made at random, and requests of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from engine.model.records import PrefixRecord
from tests.solve.kit import installed

NAMES = ("a", "b", "c", "d", "python")


class Maker:
    """Worlds where most requests have an answer, so that much is left to choose."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def lines(self, names: Sequence[str]) -> list[str]:
        heads = [f"{name} {version} {build}" for name in names for version in "123" for build in ("0", "x1")]
        return [self.line(head) for head in self.draw.sample(heads, 10)]

    def line(self, head: str) -> str:
        draw = self.draw
        keys = [f"build_number={draw.choice('0012')}", f"timestamp={draw.choice('012')}", f"flags={draw.choice('fg')}"]
        keys += [f"track_features={draw.choice(['f', 'f g'])}"] if draw.random() < 0.15 else []
        line = f"{head} [{', '.join(keys)}] -> {'; '.join(self.form() for _ in range(draw.choice([0, 1, 1, 2])))}"
        line += f" + g: {self.form()}; {self.form()}" if draw.random() < 0.4 else ""
        return line + (f" ! {draw.choice(NAMES)} {draw.choice(['<3', '>1', '!=2'])}" if draw.random() < 0.15 else "")

    def form(self) -> str:
        draw = self.draw
        pairs = [f"version='{draw.choice(['>=1', '<3', '>=2', '!=3'])}'"] if draw.random() < 0.5 else []
        pairs += ["extras=g"] if draw.random() < 0.3 else []
        pairs += [f"flags={draw.choice('fg')}"] if draw.random() < 0.1 else []
        pairs += [f'when="{self.condition()}"'] if draw.random() < 0.3 else []
        return f"{draw.choice(NAMES)}[{','.join(pairs)}]" if pairs else draw.choice(NAMES)

    def condition(self) -> str:
        draw = self.draw
        atoms = [f"{draw.choice(NAMES)}{draw.choice(['', '>=2', '<3', '!=2'])}", "__cuda", "__cuda>=12"]
        return draw.choice([atoms[0], atoms[0], f"{atoms[0]} or {atoms[1]}", f"{atoms[0]} and {atoms[2]}"])

    def present(self, lines: list[str]) -> tuple[PrefixRecord, ...]:
        chosen = {line.split()[0]: line for line in self.draw.sample(lines, self.draw.randint(0, 3))}
        specs = [self.draw.choice(["", name, f"{name}[extras=g]"]) for name in chosen]
        return tuple(installed(line, asked=bool(s), spec=s) for line, s in zip(chosen.values(), specs, strict=True))
