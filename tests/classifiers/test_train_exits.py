"""Fitting exit scores: what they are worth on programs held out, thresholds, and stages that gain nothing."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers.exits import DOMAIN_OF, LEAVES, domains
from classifiers.opinions import Seen
from classifiers.train.exit_fit import Held, aurc, fit, ladder_of, logistic, policies_of, tier_of, worthless
from classifiers.train.exits import costs_of, strangers
from schemas.policy import DEPTHS, DOMAIN, LEAF, TIERS
from schemas.registry import Kind

N = 300


def held(*accuracy: float, costs: tuple[float, ...] = (0.0001, 0.01, 0.02), seed: int = 0) -> Held:
    """Stages of which each is right at its share; of wrong answers they are less sure, and nothing near says the same."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(LEAVES), N)
    p, cosines = {}, rng.uniform(0.0, 0.4, (N, len(LEAVES)))
    hard = rng.random(N)
    cosines[np.arange(N), truth] += 0.3
    for k, share in enumerate(accuracy):
        right = hard < share
        guess = np.where(right, truth, (truth + 1 + rng.integers(0, 54, N)) % len(LEAVES))
        sure = np.clip(rng.normal(np.where(right, 0.8, 0.6), 0.12), 0.3, 0.99)
        found = np.repeat(((1 - sure) / (len(LEAVES) - 1))[:, None], len(LEAVES), 1)
        found[np.arange(N), guess] = sure
        p[f"s{k}"] = {LEAF: found, DOMAIN: domains(found)}
    family = [f"program{i % 30}" for i in range(N)]
    seen = Seen.of(np.clip(cosines, 0, 1), rng.integers(1, 12, N).astype(float))
    return Held(family, {LEAF: truth, DOMAIN: DOMAIN_OF[truth]}, seen, p, dict(zip(p, costs, strict=False)))


def test_it_ranks_answers_better_than_the_greatest_probability_alone() -> None:
    rows = fit(held(0.7, 0.85), ["s0", "s1"]).rows
    assert [(row["stage"], row["depth"]) for row in rows] == [("s0", d) for d in DEPTHS[:1]] + [
        ("s1", DOMAIN), ("s0", LEAF), ("s1", LEAF),
    ]  # fmt: skip
    for row in rows:
        assert row["aurc"] < row["aurc_max"]
        assert row["ece"] < 0.1


def test_no_evidence_speaks_against_an_answer() -> None:
    rng = np.random.default_rng(1)
    found = np.column_stack([rng.random((N, 2)), rng.uniform(-1, 1, N), rng.integers(0, 2, N), rng.integers(0, 9, N)])
    for right in (found[:, 0] > 0.5, found[:, 0] < 0.5, found[:, 4] < 3):
        assert min(logistic(found, right).weights) >= 0.0


def test_aurc_is_the_mean_risk_over_all_coverages() -> None:
    right = np.array([True, False, True])
    assert aurc(np.array([0.9, 0.5, 0.7]), right) == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert aurc(np.array([0.5, 0.9, 0.7]), right) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_thresholds_reach_the_tier_on_what_they_were_found_on_and_stricter_tiers_answer_less() -> None:
    seen, names = held(0.75, 0.9), ["s0", "s1"]
    ladder = ladder_of(seen, fit(seen, names), names)
    found = policies_of(ladder, seen.truth)
    assert {*TIERS, *DEPTHS} == set(found.thresholds) == set(found.offsets) == set(found.gaps) == set(found.passes)
    told = {name: tier_of(ladder, seen.truth, name, found) for name in TIERS}
    for name, row in told.items():
        assert row["coverage"] == 0 or row["precision"] >= TIERS[name].p
    assert told["standard"]["coverage"] >= told["fine"]["coverage"] >= told["strict"]["coverage"]
    assert not any(found.passes[name] for name, tier in TIERS.items() if not tier.thrifty)


def test_a_cost_is_the_least_of_several_rounds_so_a_busy_neighbour_does_not_raise_it() -> None:
    class Busy:
        def __init__(self, name: str, rounds: tuple[float, ...]) -> None:
            self.name, self.rounds, self.labels, self.model = name, list(rounds), LEAVES, name

        def burn(self, kinds: object) -> object:
            until = time.thread_time() + self.rounds.pop(0)
            while time.thread_time() < until:
                pass
            return kinds

        classify = scores = cosines = burn

    stages = [Busy("tiny", (0.002, 0.03, 0.03)), Busy("large", (0.06, 0.02, 0.06))]
    kinds = [Kind(str(i), "app", "x") for i in range(10)]
    costs = costs_of(stages, Busy("near", (0.03, 0.03, 0.004)), kinds, rounds=3)  # type: ignore[arg-type]
    assert costs["tiny"] == pytest.approx(0.0006, rel=0.5)  # with what is looked up for all
    assert costs["large"] == pytest.approx(0.002, rel=0.5)


def test_a_stage_that_remembers_what_it_was_asked_costs_what_it_costs_when_asked_of_new_kinds() -> None:
    class Remembers:
        labels = LEAVES

        def __init__(self, name: str) -> None:
            self.name = self.model = name
            self.met: set[Kind] = set()

        def scores(self, kinds: list[Kind]) -> None:
            until = time.thread_time() + 0.001 * len(set(kinds) - self.met)
            self.met |= set(kinds)
            while time.thread_time() < until:
                pass

        classify = cosines = scores

    kinds, stages = [Kind(str(i), "app", "x") for i in range(10)], [Remembers("tiny"), Remembers("large")]
    stages[1].scores(kinds)
    costs = costs_of(stages, Remembers("near"), kinds, rounds=3)  # type: ignore[arg-type]
    assert costs["large"] >= 0.001


def test_a_stage_that_knows_no_more_than_the_one_before_is_worth_nothing_and_one_that_does_is() -> None:
    for wanted in (True, False):
        seen = held(0.7, 0.88, 0.9, costs=(0.0001, 0.002, 0.02))
        seen = replace(seen, p={**seen.p, "s1": seen.p["s0"]}) if wanted else seen
        names, without = ["s0", "s1", "s2"], ["s0", "s2"]
        told = worthless(seen, fit(seen, names), fit(seen, without), names, without)
        assert (told is not None) == wanted
        assert told is None or "gains nothing" in told


def test_a_stage_is_worth_nothing_where_no_stages_are_precise_enough_with_it_or_without() -> None:
    seen = held(0.0, 0.0, 0.0)
    names, without = ["s0", "s1", "s2"], ["s0", "s2"]
    told = worthless(seen, fit(seen, names), fit(seen, without), names, without)
    assert told is not None
    assert "inf ms" in told


def test_a_stage_between_that_was_trained_on_another_corpus_is_a_stranger(tmp_path: Path) -> None:
    for name, corpus in (("tiny", "a"), ("small", "b"), ("large", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_text(json.dumps({"files": {}, "training": {"corpus_sha256": corpus}}))
    assert list(strangers(tmp_path, ["tiny", "small", "large"])) == ["small"]
    assert strangers(tmp_path, ["tiny", "large"]) == {}
