"""How much something grows a minute, and how sure that is: a line through the least of each minute."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

SURE = 0.95
FEWEST = 4
"""Minutes through which a line can be put, and be sure of anything."""
CLINGS = 0.9
"""Residuals that follow one another closer than this tell of a curve, not of noise; no correction goes further."""


@dataclass(frozen=True)
class Slope:
    """A slope a minute. `low`, `high`: its interval, two-sided, at SURE."""

    slope: float
    error: float
    low: float
    high: float


def least_of_each_minute(minutes: npt.ArrayLike, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give (m, 2): each whole minute that was looked at often enough, and the least value seen in it.

    What a run of some seconds holds comes and goes; what is never given back lifts the least. A minute with less than
    half as many looks as most is left out: its least is too high.
    """
    whole, seen = np.asarray(minutes).astype(int), np.asarray(values, np.float64)
    found = [(m, seen[whole == m].min(), np.sum(whole == m)) for m in np.unique(whole)]
    often = np.median([n for _, _, n in found]) / 2
    return np.array([(m, v) for m, v, n in found if n >= often], np.float64)


def slope_of(minutes: npt.ArrayLike, values: npt.ArrayLike) -> Slope:
    """Put a line through points (least squares); neighbours that err alike widen its interval.

    Raises:
        ValueError: fewer than FEWEST points.
    Source: standard error for autocorrelated residuals of first order, by the effective sample size n (1 - r) / (1 + r);
        Santer et al. 2000, J. Geophys. Res. 105.
    """
    x, y = np.asarray(minutes, np.float64), np.asarray(values, np.float64)
    if len(x) < FEWEST:
        raise ValueError(f"{len(x)} minutes are too few for a slope; {FEWEST} at least")
    slope, level = np.polyfit(x, y, 1)
    left = y - level - slope * x
    spread = float(left @ left)
    clings = float(np.clip(left[1:] @ left[:-1] / spread, 0.0, CLINGS)) if spread > 0 else 0.0
    free = max(1.0, len(x) * (1 - clings) / (1 + clings) - 2)
    error = float(np.sqrt(spread / free / np.sum((x - x.mean()) ** 2)))
    wide = float(stats.t.ppf((1 + SURE) / 2, free)) * error
    return Slope(float(slope), error, float(slope) - wide, float(slope) + wide)
