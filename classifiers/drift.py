"""Tell whether a promise still holds: audits by betting, and what needs no labels: new kinds, and how scores lie."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BETS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
"""Shares of the stake; their mean is the wealth, so that small shifts and large ones are both met."""

STAKES = (0.2, 0.5, 0.8, 0.95)
"""The same for the bet that errors are few enough; 1 would be ruined by the first error."""

ALPHA = 0.05
"""Chance of a false alarm, ever, however long audits go on."""

SHIFTED = 0.25
"""Population stability index from which on scores lie elsewhere than when the certificate was issued; the customary
mark."""

NOVEL = 3.0
"""Times the usual rate of new kinds that is worth a warning."""

_BINS = 10
_LEAST = 1e-3  # share of an empty bin


@dataclass
class Audits:
    """An e-process over audits of one tier and domain, in the order they came: `wealth` bets that errors are too many.

    Under a rate of errors of at most 1 - p the wealth reaches 1 / alpha with a chance of at most alpha, ever. `trust`
    is the greatest wealth of who bets the other way: 1 / delta of it proves that the rate is at most 1 - p, whenever
    one looks.
    Source: testing by betting, Waudby-Smith & Ramdas 2020; Ville's inequality.
    """

    p: float
    alpha: float = ALPHA
    n: int = 0
    errors: int = 0
    peak: float = 1.0
    trust: float = 1.0
    _logs: list[float] = field(default_factory=lambda: [0.0] * len(BETS))
    _good: list[float] = field(default_factory=lambda: [0.0] * len(STAKES))

    @property
    def wealth(self) -> float:
        """The mean over all bets."""
        return _mean(self._logs)

    @property
    def alarmed(self) -> bool:
        """Whether the wealth has ever reached 1 / alpha."""
        return self.peak >= 1.0 / self.alpha

    def add(self, wrong: bool) -> bool:
        """Take in an audit; gives whether there is an alarm."""
        a = 1.0 - self.p
        move = ((1.0 if wrong else 0.0) - a) / a
        self._logs = [x + math.log1p(b * move) for x, b in zip(self._logs, BETS, strict=True)]
        back = (a - (1.0 if wrong else 0.0)) / self.p
        self._good = [x + math.log1p(b * back) for x, b in zip(self._good, STAKES, strict=True)]
        self.n, self.errors = self.n + 1, self.errors + wrong
        self.peak, self.trust = max(self.peak, self.wealth), max(self.trust, _mean(self._good))
        return self.alarmed

    @staticmethod
    def of(wrong: Iterable[bool], p: float, alpha: float = ALPHA) -> "Audits":
        """Take in audits, oldest first."""
        made = Audits(p, alpha)
        for one in wrong:
            made.add(one)
        return made


def _mean(logs: Sequence[float]) -> float:
    top = max(logs)
    return math.exp(top) * sum(math.exp(x - top) for x in logs) / len(logs)


def stability(before: Sequence[float] | npt.NDArray[np.float64], now: Sequence[float]) -> float:
    """Give the population stability index of scores: 0 where they lie as before; .25 and more is a shift.

    Bins are tenths of [0, 1], fixed, so that histograms of different days compare.
    """
    old, new = (histogram(scores) for scores in (before, now))
    return psi(old, new)


def histogram(scores: Sequence[float] | npt.NDArray[np.float64]) -> list[int]:
    """Count scores by tenths of [0, 1]."""
    return [int(x) for x in np.histogram(np.asarray(scores, np.float64), _BINS, (0.0, 1.0))[0]]


def psi(old: Sequence[int], new: Sequence[int]) -> float:
    """Give the population stability index of two histograms; 0 where one is empty."""
    if not sum(old) or not sum(new):
        return 0.0
    a, b = (np.maximum(np.asarray(x, np.float64) / sum(x), _LEAST) for x in (old, new))
    return float(((b - a) * np.log(b / a)).sum())


def warnings(old: Sequence[int], new: Sequence[int], usual_rate: float, rate: float) -> list[str]:
    """Say what has shifted since a certificate was issued: how scores lie, how often kinds are new (a day)."""
    out = []
    if (index := psi(old, new)) >= SHIFTED:
        out.append(f"scores of new kinds lie elsewhere (index {index:.2f}, {SHIFTED} and more is a shift)")
    if usual_rate > 0 and rate >= NOVEL * usual_rate:
        out.append(f"{rate:.0f} new kinds a day, {usual_rate:.0f} were usual")
    return out
