"""The exact binomial test and the bound of Clopper and Pearson, written out: no library is needed at run time."""

import math
from functools import lru_cache

import numpy as np

_STEPS = 60  # of a bisection: the bound is exact to 1e-15


@lru_cache(maxsize=65_536)
def tail(errors: int, n: int, rate: float) -> float:
    """P[Bin(n, rate) <= errors]: how likely so few errors are, were the true rate of errors `rate`.

    Args:
        errors: in [0, n]. rate: in (0, 1).
    Returns:
        the p-value, in (0, 1]; 1 where n is 0: nothing seen proves nothing.
    Raises:
        ValueError: arguments out of range; the message gives them.
    Source: Clopper & Pearson 1934; the sum of the terms in logarithms, so that n may be a million.
    """
    if not 0 <= errors <= n or not 0.0 < rate < 1.0:
        raise ValueError(
            f"errors = {errors} of n = {n} at rate {rate}: 0 <= errors <= n and 0 < rate < 1 would be right"
        )
    if errors == n:
        return 1.0
    at = np.arange(errors + 1, dtype=np.float64)
    steps = np.log((n - at[:-1]) / (at[:-1] + 1.0)) + math.log(rate) - math.log1p(-rate)
    terms = n * math.log1p(-rate) + np.concatenate([[0.0], np.cumsum(steps)])
    top = float(terms.max())
    return float(min(1.0, math.exp(top) * float(np.exp(terms - top).sum())))


def lower_bound(errors: int, n: int, delta: float) -> float:
    """Give the precision that n kinds with so many errors prove with confidence 1 - delta: Clopper and Pearson's bound.

    Returns:
        in [0, 1); 0 where nothing is proved.
    """
    if errors >= n:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if 0.0 < middle < 1.0 and tail.__wrapped__(errors, n, 1.0 - middle) <= delta:
            low = middle
        else:
            high = middle
    return low


def least_n(p: float, delta: float) -> int:
    """Give the fewest kinds, all of them right, that prove precision p with confidence 1 - delta: ln delta / ln p."""
    return math.ceil(math.log(delta) / math.log(p) - 1e-9)
