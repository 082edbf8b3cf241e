"""The slope of what a soak saw: a leak is found, noise is none, and few or clinging points are not trusted."""

import numpy as np
import pytest

from tests.bench.slopes import least_of_each_minute, slope_of

MINUTES = np.arange(600) / 20.0


def swinging(leak: float, seed: int) -> np.ndarray:
    """Memory that swings by 250 MB and leaks `leak` MB a minute, with noise of 3 MB in what never goes."""
    dice = np.random.default_rng(seed)
    return 300 + leak * MINUTES + dice.uniform(0, 250, 600) ** 2 / 250 + dice.normal(0, 3, 600)


def test_a_leak_below_the_swing_is_within_the_interval_nearly_always() -> None:
    found = [slope_of(*least_of_each_minute(MINUTES, swinging(2.0, seed)).T) for seed in range(200)]
    assert np.mean([one.low <= 2.0 <= one.high for one in found]) > 0.9
    assert np.median([one.low for one in found]) > 1.0


def test_what_only_swings_is_told_from_a_leak_of_a_megabyte_a_minute() -> None:
    found = [slope_of(*least_of_each_minute(MINUTES, swinging(0.0, seed)).T) for seed in range(50)]
    assert max(one.high for one in found) < 1.0


def test_neighbours_that_err_alike_widen_the_interval() -> None:
    x = np.arange(40.0)
    alone, alike = np.tile([1.0, -1.0], 20), np.repeat(np.tile([1.0, -1.0], 4), 5)
    assert slope_of(x, alike).error > 1.5 * slope_of(x, alone).error


def test_a_minute_seldom_looked_at_does_not_count() -> None:
    minutes, values = [*np.arange(0, 3, 0.1), 3.0], [*np.full(30, 5.0), 900.0]
    assert least_of_each_minute(minutes, values).tolist() == [[0, 5], [1, 5], [2, 5]]


def test_too_few_minutes_make_no_slope() -> None:
    with pytest.raises(ValueError, match="3 minutes are too few"):
        slope_of([1, 2, 3], [1, 1, 1])
