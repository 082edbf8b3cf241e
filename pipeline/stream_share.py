"""Share partitions among workers: who has one keeps it, a new one goes to whoever has fewest."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

P = TypeVar("P")


def share(partitions: Sequence[P], workers: int, before: Mapping[P, int] | None = None) -> dict[P, int]:
    """Give each partition a worker, 0 to workers - 1.

    Args:
        before: who had it until now; it stays there, so that nobody reads what another is still writing.
    """
    loads = [0] * workers
    shared: dict[P, int] = {}
    for partition in partitions:
        worker = (before or {}).get(partition)
        if worker is not None and worker < workers:
            shared[partition] = worker
            loads[worker] += 1
    for partition in partitions:
        if partition not in shared:
            shared[partition] = loads.index(min(loads))
            loads[shared[partition]] += 1
    return shared
