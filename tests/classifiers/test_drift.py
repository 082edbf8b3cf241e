"""A shift is met soon, no shift is seldom called one, and warnings say what moved."""

import numpy as np
import pytest

from classifiers.drift import ALPHA, Audits, psi, stability, warnings


def _alarmed_at(p: float, rate: float, most: int, rng: np.random.Generator) -> int | None:
    audits = Audits(p)
    errors = rng.random(most) < rate
    return next((i + 1 for i, wrong in enumerate(errors.tolist()) if audits.add(wrong)), None)


def test_a_fall_of_precision_from_95_to_90_is_met_within_180_audits_in_the_median() -> None:
    rng = np.random.default_rng(1)
    met = [_alarmed_at(0.95, 0.10, 2_000, rng) or 2_000 for _ in range(150)]
    assert np.median(met) <= 180


def test_while_the_promise_holds_there_are_no_more_false_alarms_than_allowed() -> None:
    rng = np.random.default_rng(2)
    false = np.mean([_alarmed_at(0.95, 0.05, 1_000, rng) is not None for _ in range(150)])
    assert false <= ALPHA


def test_the_wealth_is_the_mean_of_the_bets() -> None:
    audits = Audits.of([True, False, False], 0.9)
    bets = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
    assert audits.wealth == pytest.approx(np.mean([(1 + b * 9) * (1 - b) ** 2 for b in bets]))
    assert (audits.n, audits.errors, audits.alarmed) == (3, 1, False)


def test_audits_prove_a_promise_whenever_one_looks_and_never_a_broken_one_too_often() -> None:
    rng = np.random.default_rng(4)
    proved = [Audits.of((rng.random(400) < 0.02).tolist(), 0.95).trust >= 20 for _ in range(40)]
    false = [Audits.of((rng.random(400) < 0.05).tolist(), 0.95).trust >= 20 for _ in range(100)]
    assert np.mean(proved) >= 0.5
    assert np.mean(false) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


def test_an_alarm_stays_an_alarm_though_later_audits_are_right() -> None:
    audits = Audits.of([True] * 4 + [False] * 500, 0.99)
    assert audits.alarmed
    assert audits.wealth < 1 / ALPHA


def test_the_index_is_nothing_where_scores_lie_as_before_and_large_where_they_moved() -> None:
    rng = np.random.default_rng(3)
    before, same, moved = rng.beta(4, 0.55, 2_000), rng.beta(4, 0.55, 2_000), rng.beta(2, 2, 2_000)
    assert stability(before, same) < 0.02
    assert stability(before, moved) > 0.25
    assert psi([], [1]) == 0.0


def test_warnings_name_what_moved_and_nothing_else() -> None:
    assert warnings([10, 90], [10, 90], 5.0, 6.0) == []
    told = warnings([10, 90], [90, 10], 5.0, 60.0)
    assert len(told) == 2
    assert "lie elsewhere" in told[0]
    assert "60 new kinds a day, 5 were usual" in told[1]
