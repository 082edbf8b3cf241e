"""Whose turn it is to be learnt: of programs that bring a flood of new kinds a pass takes a few, all others first."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.learn_state import Item

FLOOD = 1_000
"""Templates of one program that wait, from which on it floods, unless as many of it are settled; and programs that
nobody has met, from which on they flood together, unless as many are known."""

SAMPLE = 200
"""Templates of all that flood that a pass takes: .8 s of models every half minute. The others wait for theirs."""


def turns(items: Sequence[Item], settled: Mapping[str, int], most: int) -> list[Item]:
    """Choose what a pass learns, in order: one template of each program, then a second one, ...

    A function of the set of items: of a program the first seen come first, and a flood does not move others' turns.

    Args:
        items: what waits. settled: templates that are settled, by program. most: of all.
    """
    ordered = sorted(items, key=lambda item: (item.since, item.kind.key))
    floods = _floods(ordered, settled)
    met: Counter[str] = Counter()
    quiet: list[tuple[int, Item]] = []
    loud: list[tuple[int, Item]] = []
    for item in ordered:
        met[item.kind.app] += 1
        (loud if item.kind.app in floods else quiet).append((met[item.kind.app], item))
    chosen = [item for turn, item in sorted(quiet, key=lambda one: one[0])][:most]
    sample = [item for turn, item in sorted(loud, key=lambda one: one[0])][:SAMPLE]
    return (chosen + sample)[:most]


def _floods(items: Sequence[Item], settled: Mapping[str, int]) -> frozenset[str]:
    """Find the programs that bring far more than they ever did, and new ones that come by the thousand."""
    waiting = Counter(item.kind.app for item in items)
    floods = {app for app, n in waiting.items() if n > max(FLOOD, settled.get(app, 0))}
    strangers = [app for app in waiting if not settled.get(app)]
    return frozenset(floods.union(strangers if len(strangers) > max(FLOOD, len(settled)) else ()))
