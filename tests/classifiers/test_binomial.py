"""The exact binomial test agrees with scipy, and proves nothing from nothing."""

import numpy as np
import pytest
from scipy import stats

from classifiers.binomial import least_n, lower_bound, tail


def test_the_tail_is_that_of_scipy_from_one_kind_to_a_million() -> None:
    rng = np.random.default_rng(1)
    for n in (1, 2, 7, 59, 300, 3_000, 1_000_000):
        for rate in (0.001, 0.01, 0.05, 0.1, 0.5, 0.97):
            for errors in {0, n, int(n * rate), *rng.integers(0, n + 1, 3).tolist()}:
                assert tail(errors, n, rate) == pytest.approx(stats.binom.cdf(errors, n, rate), rel=1e-7, abs=1e-290)


def test_the_bound_is_the_one_of_clopper_and_pearson() -> None:
    for errors, n in ((0, 59), (1, 93), (15, 300), (150, 3_000), (299, 300)):
        exact = stats.beta.ppf(0.05, n - errors, errors + 1)
        assert lower_bound(errors, n, 0.05) == pytest.approx(exact, abs=1e-12)


def test_the_fewest_kinds_that_prove_a_precision_pass_and_one_fewer_does_not() -> None:
    for p, delta in ((0.9, 0.05), (0.95, 0.05), (0.99, 0.05), (0.95, 0.0125)):
        n = least_n(p, delta)
        assert tail(0, n, 1 - p) <= delta < tail(0, n - 1, 1 - p)
    assert least_n(0.95, 0.05) == 59


def test_nothing_seen_or_all_wrong_proves_nothing() -> None:
    assert tail(0, 0, 0.05) == 1.0
    assert lower_bound(0, 0, 0.05) == lower_bound(7, 7, 0.05) == 0.0
    with pytest.raises(ValueError, match="errors = 3 of n = 2"):
        tail(3, 2, 0.1)
