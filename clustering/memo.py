"""A bounded memory of what was made once: what is met again stays, what is met once makes room for others."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Values by key, at most twice `most`: those asked for again after they were put, and as many newcomers.

    A flood of keys that are never met again pushes out newcomers alone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._proven: dict[K, V] = {}
        self._fresh: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._proven) + len(self._fresh)

    def get(self, key: K) -> V | None:
        """Give what was put under a key, unless it had to make room."""
        found = self._proven.get(key)
        if found is None and (found := self._fresh.pop(key, None)) is not None:
            if len(self._proven) >= self._most:
                self._proven.clear()
            self._proven[key] = found
        return found

    def put(self, key: K, value: V) -> V:
        """Remember a value, and give it."""
        if len(self._fresh) >= self._most:
            self._fresh.clear()
        self._fresh[key] = value
        return value
