"""Vectors of kinds for clustering: each text goes through the encoder once, while it is of use."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from clustering.clusters import Members
from schemas.registry import Kind

Matrix = npt.NDArray[np.float32]


class Encodes(Protocol):
    """Whatever gives kinds their vectors."""

    width: int

    def encode(self, kinds: Sequence[Kind]) -> Matrix:
        """Give (n, width), rows of length 1, in the order given."""
        ...


class Vectors:
    """Remembers the vectors of one pass for the next: those of known clusters come back each time, 1.5 kB each.

    Attributes:
        made: vectors that the encoder was asked for so far.
    """

    def __init__(self, encoder: Encodes) -> None:
        self._encoder, self.made = encoder, 0
        self._kept: dict[str, Matrix] = {}

    def members(self, fresh: Sequence[Kind], known: Sequence[Kind]) -> tuple[Members, Members]:
        """Give two groups of kinds with their vectors; what is of neither is forgotten.

        The fresh ones go through the encoder last, so that whoever asks about them next finds them there.
        """
        wanted = {_text(kind): kind for kind in (*known, *fresh)}
        lacking = [kind for text, kind in wanted.items() if text not in self._kept]
        made = self._encoder.encode(lacking) if lacking else ()
        self._kept |= {_text(kind): row.copy() for kind, row in zip(lacking, made, strict=True)}
        self._kept = {text: self._kept[text] for text in wanted}
        self.made += len(lacking)
        return self._group(fresh), self._group(known)

    def _group(self, kinds: Sequence[Kind]) -> Members:
        rows = [self._kept[_text(kind)] for kind in kinds]
        matrix = np.stack(rows) if rows else np.zeros((0, self._encoder.width), np.float32)
        return Members(matrix, [kind.key for kind in kinds], [kind.template for kind in kinds])


def _text(kind: Kind) -> str:
    return f"{kind.app}\0{kind.template}"
