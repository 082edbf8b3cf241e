"""Exit scores: what they read, that they rise with it, and when they hold."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.exits import DOMAIN_OF, DOMAINS, EVIDENCE, LEAVES, ExitScore, Weights, domains, evidence, lead, nearest

WEIGHTS = Weights((0.5, 1.0, 1.5, 0.8, 0.6), -0.5, ((0.3, 0.2), (0.6, 0.55), (0.9, 0.93)))


def score(**changes: object) -> ExitScore:
    both = {"leaf": WEIGHTS, "domain": WEIGHTS}
    made = {
        "models": {"tiny": "tiny:1", "large": "large:1"}, "near": "near:1", "costs": {"tiny": 1e-4, "large": 1e-2},
        "weights": {"tiny": both, "large": both}, "offsets": {"leaf": {"tiny": 0.0}},
        "thresholds": {"standard": {"tiny": 0.8}},
    }  # fmt: skip
    return ExitScore(**{**made, **changes})  # type: ignore[arg-type]


def test_a_domain_is_the_sum_of_its_leaves_and_as_near_as_its_nearest() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(len(LEAVES)), 5)
    found, near = domains(p), nearest(p)
    for d, name in enumerate(DOMAINS):
        own = [i for i, leaf in enumerate(LEAVES) if leaf.startswith(f"{name}.")]
        assert found[:, d] == pytest.approx(p[:, own].sum(1))
        assert near[:, d] == pytest.approx(p[:, own].max(1))
        assert {DOMAIN_OF[i] for i in own} == {d}


def test_evidence_has_a_column_for_each_name() -> None:
    found = evidence(np.array([[0.7, 0.2, 0.1]]), [0.4], [1], [6])
    assert found.shape == (1, len(EVIDENCE))
    assert found[0] == pytest.approx([0.7, 0.5, 0.4, 1.0, 6.0])
    assert evidence(np.zeros((0, 3)), [], [], []).shape == (0, 5)


def test_only_labelled_kinds_of_the_answer_speak_for_it() -> None:
    cosines = np.array([[0.9, 0.0], [0.0, 0.9], [0.0, 0.0], [0.5, 0.5]])
    ahead = lead(cosines, np.zeros(4, np.int64))
    assert ahead[0] > 0.8
    assert ahead[1] < -0.8
    assert ahead[2:] == pytest.approx([0.0, 0.0])


EVIDENCES = st.tuples(
    st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1), st.sampled_from([0.0, 1.0]), st.floats(0, 5000)
)


@settings(max_examples=200, deadline=None)
@given(a=EVIDENCES, b=EVIDENCES)
def test_more_of_any_evidence_never_makes_it_less_sure(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    low, high = np.minimum(a, b), np.maximum(a, b)
    q = WEIGHTS.q(np.array([low, high]))
    assert 0.0 <= q[0] <= q[1] <= 1.0


def test_it_comes_back_whole_from_its_file() -> None:
    made = score()
    again = ExitScore.of(json.loads(json.dumps(made.tree())))
    assert again == made
    found = np.array([[0.9, 0.8, 0.3, 1.0, 7.0]])
    assert again.q("tiny", "leaf", found) == made.q("tiny", "leaf", found)


def test_a_stage_or_depth_it_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no exit score for 'small' at depth 'leaf'; known: tiny, large"):
        score().q("small", "leaf", np.zeros((1, 5)))
    with pytest.raises(ValueError, match="depth 'twig'"):
        score().q("tiny", "twig", np.zeros((1, 5)))


@pytest.mark.parametrize(
    ("models", "near", "held"),
    [
        ([("tiny", "tiny:1"), ("large", "large:1")], "near:1", {"tiny", "large"}),
        ([("tiny", "tiny:1"), ("large", "large:2")], "near:1", {"tiny"}),
        ([("tiny", "tiny:2"), ("large", "large:1")], "near:1", set()),
        ([("tiny", "tiny:1"), ("small", "small:1"), ("large", "large:1")], "near:1", {"tiny"}),
        ([("tiny", "tiny:1")], "near:1", {"tiny"}),
        ([("tiny", "tiny:1"), ("large", "large:1")], "near:2", set()),
    ],
)
def test_weights_hold_as_far_as_the_models_are_those_they_were_fitted_beside(
    models: list[tuple[str, str]], near: str, held: set[str]
) -> None:
    assert score().fitting(models, near) == held
