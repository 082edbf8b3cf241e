"""Models in memory only while they are used: loaded at the first question, let go of when idle."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

import numpy.typing as npt

from schemas.registry import Kind, Verdict

IDLE_S = 600.0
"""Seconds after which a model that nobody asks is let go of: the encoder takes 60 MB, and .14 s to load again."""

T = TypeVar("T")
_HELD: "WeakSet[Lazy[Any]]" = WeakSet()


class Lazy(Generic[T]):
    """Something that is loaded when first asked for, once a process, and let go of when idle.

    Args:
        load: makes it; it must survive pickling, for a pickle carries it and not what it made.
        now: the clock, in seconds.
    """

    def __init__(
        self, load: Callable[[], T], *, idle_s: float = IDLE_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._load, self._idle_s, self._now = load, idle_s, now
        self._lock = threading.Lock()
        self._held: T | None = None
        self._used = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        return Lazy, (self._load,)

    @property
    def loaded(self) -> bool:
        """Tell whether it is in memory."""
        return self._held is not None

    def get(self) -> T:
        """Give it; whoever holds on to what this gives keeps it in memory."""
        with self._lock:
            self._used = self._now()
            if self._held is None:
                self._held = self._load()
                _HELD.add(self)
            return self._held

    def rest(self) -> bool:
        """Let go of it if nobody has asked for `idle_s`; tell whether that happened."""
        with self._lock:
            if self._held is None or self._now() - self._used < self._idle_s:
                return False
            self._held = None
            return True


def rest() -> int:
    """Let go of all that is idle in this process; give how many that were. Loops call it now and then."""
    return sum(lazy.rest() for lazy in list(_HELD))


class Scoring(Protocol):
    """A model as its file has it."""

    model: str

    def classify(self, kinds: Sequence[Kind]) -> Sequence[Verdict | None]: ...
    def scores(self, kinds: Sequence[Kind]) -> npt.NDArray[Any]: ...


class Served:
    """A stage whose model is loaded when first asked; its name, labels and version are known before, from its card."""

    def __init__(self, name: str, labels: tuple[str, ...], model: str, lazy: Lazy[Any]) -> None:
        self.name, self.labels, self.model, self.lazy = name, labels, model, lazy

    def classify(self, kinds: Sequence[Kind]) -> Sequence[Verdict | None]:
        """Give the stage's verdicts."""
        stage: Scoring = self.lazy.get()
        return stage.classify(kinds) if kinds else []

    def scores(self, kinds: Sequence[Kind]) -> npt.NDArray[Any]:
        """Give the stage's probabilities (n, labels)."""
        stage: Scoring = self.lazy.get()
        return stage.scores(kinds)


class ServedEncoder:
    """An encoder that is loaded when it is first asked."""

    def __init__(self, width: int, lazy: Lazy[Any]) -> None:
        self.width, self.lazy = width, lazy

    def encode(self, kinds: Sequence[Kind]) -> npt.NDArray[Any]:
        """Give (n, width) float32, rows of length 1, in the order given."""
        found: npt.NDArray[Any] = self.lazy.get().encode(kinds)
        return found
