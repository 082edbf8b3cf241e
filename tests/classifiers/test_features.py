import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.features import GROUPS, Features, Recipe, features
from classifiers.text import input_text
from schemas.registry import Kind

RECIPE = Recipe(50_000, (3, 5), dict.fromkeys(GROUPS, 1.0))


def only(group: str) -> Recipe:
    return Recipe(1 << 24, (3, 5), {g: float(g == group) for g in GROUPS})


def count(group: str, template: str, app: str = "") -> int:
    return len(features([input_text(Kind("", app, template))], only(group)).row)


def test_each_group_counts_what_it_says() -> None:
    assert count("word", "disk <*> is full full") == 3
    assert count("pair", "disk <*> is full") == 3
    assert count("pair", "<*> <*> full") == 1
    assert count("skip", "disk <*> is full") == 2
    assert count("char", "disk") == 4 + 3 + 2
    assert count("app", "disk", app="my-daemon") == 2
    assert count("app_char", "disk", app="abc") == 3 + 2 + 1


def test_the_same_word_is_another_feature_in_the_program_and_in_the_message() -> None:
    texts = [input_text(Kind("", "disk", "")), input_text(Kind("", "", "disk"))]
    found = features(texts, RECIPE)
    assert not set(found.bucket[found.row == 0]) & set(found.bucket[found.row == 1])


def test_words_are_told_apart_by_order_but_not_by_place() -> None:
    def pairs(template: str) -> set[int]:
        return set(features([input_text(Kind("", "", template))], only("pair")).bucket.tolist())

    assert pairs("link down") != pairs("down link")
    assert pairs("link down") < pairs("the old link down there")


def test_a_group_weighs_the_same_however_many_features_it_has() -> None:
    found = features([input_text(Kind("", "", "one two three four"))], only("word"))
    assert np.isclose((found.value**2).sum(), 1.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(Kind, st.just(""), st.text(max_size=30), st.text(st.characters(), max_size=120)), max_size=6))
def test_a_batch_has_the_features_of_its_kinds(kinds: list[Kind]) -> None:
    texts = [input_text(kind) for kind in kinds]
    together = features(texts, RECIPE)
    for row, text in enumerate(texts):
        assert _same(together, row, features([text], RECIPE))


def test_another_process_finds_the_same_features() -> None:
    code = (
        "from classifiers.features import *; from classifiers.text import input_text;"
        "from schemas.registry import Kind;"
        "r = Recipe(50000, (3, 5), dict.fromkeys(GROUPS, 1.0));"
        "print(features([input_text(Kind('', 'sshd', 'Failed password for <*>'))], r).bucket.sum())"
    )
    here = features([input_text(Kind("", "sshd", "Failed password for <*>"))], RECIPE).bucket.sum()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(told.stdout) == here == 1_569_870


def _same(together: Features, row: int, alone: Features) -> bool:
    here = together.row == row
    return np.array_equal(together.bucket[here], alone.bucket) and np.array_equal(together.value[here], alone.value)
