"""The encoder: kinds to vectors."""

import pickle

import numpy as np
import pytest

from classifiers.card import ModelError
from classifiers.encoder import Encoder, encoder_text
from classifiers.large import Large
from schemas.registry import Kind


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


def kind(template: str, app: str = "x") -> Kind:
    return Kind("0" * 16, app, template)


ODD = ["", "<*>", "\x00\x01", "ein Gerät würde", "日志 错误", "a" * 100_000, "word " * 5_000, "\ud800"]


def test_vectors_have_length_1_whatever_the_kind_says(encoder: Encoder) -> None:
    vectors = encoder.encode([kind(template) for template in ODD])
    assert vectors.shape == (len(ODD), encoder.width)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_what_else_is_encoded(encoder: Encoder) -> None:
    kinds = [kind("Failed password for <*>"), kind("disk full"), kind("word " * 300)]
    together, apart = Encoder.load().encode(kinds), Encoder.load()
    assert all(np.array_equal(apart.encode([k])[0], row) for k, row in zip(kinds, together, strict=True))


def test_alike_is_nearer_than_unlike(encoder: Encoder) -> None:
    a, b, c = encoder.encode(
        [kind("authentication failure"), kind("login denied, wrong password"), kind("disk is full")]
    )
    assert a @ b > a @ c + 0.1


def test_holes_are_no_words_and_the_program_comes_first() -> None:
    assert encoder_text(kind("Accepted publickey for <*> from <*>", app="sshd")) == "sshd: accepted publickey for from"


def test_what_was_compared_with_others_needs_no_second_vector_when_large_is_asked(encoder: Encoder) -> None:
    met = [kind("zebra crossing closed by the river", app="roads"), kind("ferry timetable replaced", app="harbour")]
    encoder.encode(met)
    before = set(encoder._kept)
    Large.load(encoder=encoder).classify(met)
    assert set(encoder._kept) == before


def test_the_memory_of_vectors_is_bounded_and_changes_none(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.encoder.MOST_KEPT", 2)
    bounded, met = Encoder.load(), [kind(word) for word in ("one", "two", "three", "one", "three")]
    assert np.array_equal(bounded.encode(met), encoder.encode(met))
    assert len(bounded._kept) == 2


def test_no_kinds_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.width)


def test_it_survives_pickling(encoder: Encoder) -> None:
    again = pickle.loads(pickle.dumps(encoder))
    assert np.array_equal(again.encode([kind("hello world")]), encoder.encode([kind("hello world")]))


def test_the_packaged_model_keeps_to_its_size(encoder: Encoder) -> None:
    folder = encoder._folder
    assert sum((folder / name).stat().st_size for name in encoder.card["files"]) <= 30 << 20


def test_a_missing_model_is_told(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"card\.json"):
        Encoder.load(tmp_path)
