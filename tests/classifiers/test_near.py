"""The index of labelled kinds: nearest by the words they share; made in parts, so that making it takes little memory."""

import tracemalloc

import numpy as np
import pytest

from classifiers import near
from classifiers.card import MODELS
from classifiers.exits import LEAVES
from classifiers.near import Near, labelled
from schemas.registry import Kind

ROWS = [(LEAVES[i % 3], f"program{i}", f"words {'abcdefgh'[i % 8]} of {'xyz'[i % 3]} kind") for i in range(50)]


def test_a_labelled_kind_is_nearest_to_itself() -> None:
    cosines = Near(ROWS).cosines([Kind("", program, template) for _, program, template in ROWS])
    assert np.allclose([cosines[i, LEAVES.index(leaf)] for i, (leaf, _, _) in enumerate(ROWS)], 1.0)


def test_the_size_of_the_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [Kind("", "program1", "words of a strange kind"), Kind("", "", "")]
    whole = Near(ROWS).cosines(kinds)
    monkeypatch.setattr(near, "_ROWS", 7)
    assert (Near(ROWS).cosines(kinds) == whole).all()
    assert Near([]).cosines(kinds).sum() == 0


def test_making_the_packaged_index_takes_little_memory() -> None:
    rows, _ = labelled(MODELS / "tiny")
    tracemalloc.start()
    Near(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000 * len(rows), f"{peak / len(rows):.0f} bytes a labelled kind"
