"""Weak training texts: how each leaf is said in general, and what the taxonomy says of it.

A pattern's variants become one training row, the mean of their features: a pattern counts once, however many ways
of saying it holds.
"""

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.registry import Kind
from schemas.taxonomy import taxonomy

FILE = Path(__file__).with_name("phrases.txt")
_VARIANTS = 12
_CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Pattern:
    """One weak row: its leaf, and the texts whose features are averaged."""

    leaf: str
    texts: tuple[str, ...]

    def kinds(self) -> list[Kind]:
        """The texts as kinds of no program."""
        return [Kind("0" * 16, "", text) for text in self.texts]


def patterns(seed: int, path: Path = FILE) -> list[Pattern]:
    """Read the phrases, and after them the definitions of the taxonomy.

    Raises:
        ValueError: a heading that is no leaf, or a line before the first heading; the message names file and line.
    """
    rng = random.Random(seed)
    said = [Pattern(leaf, tuple(variants(line, _VARIANTS, rng))) for leaf, line in _lines(path)]
    told = [Pattern(leaf.id, (leaf.definition,)) for leaf in taxonomy().leaves.values()]
    return said + told


def variants(pattern: str, limit: int, rng: random.Random) -> list[str]:
    """Write out `{a|b}`: all combinations when there are at most `limit`, else so many drawn, every choice in one."""
    pieces = [p.split("|") if i % 2 else [p] for i, p in enumerate(_CHOICE.split(pattern))]
    total = 1
    for choices in pieces:
        total *= len(choices)
    if total <= limit:
        return sorted({_joined(c) for c in itertools.product(*pieces)})
    drawn = {_joined(_fixed(pieces, i, choice, rng)) for i, p in enumerate(pieces) if len(p) > 1 for choice in p}
    for _ in range(max(0, limit - len(drawn))):
        drawn.add(_joined(tuple(rng.choice(p) for p in pieces)))
    return sorted(drawn)


def _fixed(pieces: list[list[str]], at: int, choice: str, rng: random.Random) -> tuple[str, ...]:
    return tuple(choice if i == at else rng.choice(p) for i, p in enumerate(pieces))


def _joined(choice: tuple[str, ...]) -> str:
    return " ".join("".join(choice).split())


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    leaf = ""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        heading = re.fullmatch(r"\[([a-z_.]+)\]", line)
        if heading:
            leaf = heading[1]
        if (heading or line.strip()) and not line.startswith("#"):
            if leaf not in taxonomy().leaves:
                raise ValueError(f"{path}:{number}: {leaf or line!r}: a leaf of the taxonomy, as in [app.info], first")
            if not heading:
                yield leaf, line
