"""What keeps a remote stage within bounds: a budget by the hour, and a breaker that leaves a sick server alone."""

import time
from collections import deque
from collections.abc import Callable

_HOUR_S = 3600.0


class Budget:
    """Calls and money within the last hour, of this process.

    Args:
        calls: at most; 0: no call at all. money: at most, in the currency of the prices; None: no bound.
        now: the clock, in seconds.
    """

    def __init__(self, calls: int, money: float | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._calls, self._money, self._now = calls, money, now
        self._spent: deque[tuple[float, float]] = deque()

    def left(self) -> bool:
        """Tell whether one more call is within the budget."""
        while self._spent and self._now() - self._spent[0][0] >= _HOUR_S:
            self._spent.popleft()
        within = self._money is None or sum(money for _, money in self._spent) < self._money
        return within and len(self._spent) < self._calls

    def note(self, money: float) -> None:
        """Count a call and what it took."""
        self._spent.append((self._now(), money))


class Breaker:
    """Open after some failures in a row; then one call is let through now and then, until one works.

    Args:
        failures: in a row that open it. rest_s: how long at first; twice as long each time, up to `most_s`.
        now: the clock, in seconds.
    """

    def __init__(
        self,
        failures: int = 5,
        rest_s: float = 30.0,
        most_s: float = 900.0,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._rest_s, self._most_s, self._now = failures, rest_s, most_s, now
        self._failed, self._until, self._next_s = 0, 0.0, rest_s
        self._of: set[str] = set()

    def closed(self) -> bool:
        """Tell whether a call may be made now."""
        return self._now() >= self._until

    def worked(self) -> None:
        """Note a call that brought an answer."""
        self._failed, self._until, self._next_s = 0, 0.0, self._rest_s
        self._of.clear()

    def failed(self, *, rest_s: float = 0.0, of: str = "") -> None:
        """Note a call that did not.

        Args:
            rest_s: what the server asked for; it opens at once for so long.
            of: whose failure it may be; until a call works, more of the same count as one.
        """
        self._failed += of not in self._of
        self._of |= {of} - {""}
        if self._failed >= self._most or rest_s:
            self._until = self._now() + max(rest_s, self._next_s if self._failed >= self._most else 0.0)
            self._next_s = min(self._most_s, 2 * self._next_s) if self._failed >= self._most else self._next_s
