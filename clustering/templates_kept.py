"""The kinds that templates are learnt from: a bounded sample that is the same in any order and any sharding.

Of each form the two first kinds are kept, of each leaf (length and first two words of a program's forms) a thousand,
of each program ten thousand, in all a hundred thousand; first is who was first seen, then who has the smaller key.
Whoever is among the first of a union is among the first of its part, so keeping commutes with joining. A flood fills
its own leaf, and what came before it stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clustering.survivors import MASK
from clustering.templates_forms import Form, is_word

Registers = npt.NDArray[np.uint8]


class Known(NamedTuple):
    """A kind that is kept; in order of who is kept first."""

    since: int
    key: str
    text: str


Forms = Mapping[Form, tuple[Known, ...]]
"""Of one program: its forms, each with the first of its kinds, in order."""


@dataclass(frozen=True)
class Bounds:
    """Kinds kept at most; some 600 bytes each."""

    form: int = 2
    leaf: int = 1_000
    program: int = 10_000
    total: int = 100_000


Leaf = tuple[int, tuple[str, ...]]


def leaf_of(form: Form) -> Leaf:
    """Give the leaf of a form: its length and its first two constant words."""
    words = [word for word in form[:12] if MASK not in word and is_word(word)]
    return len(form), tuple(words[:2])


def joined(parts: Iterable[Forms], bounds: Bounds) -> Forms:
    """Join what is known of one program, within the bounds of forms, leaves and the program."""
    together: dict[Form, dict[str, Known]] = {}
    for form, those in chain.from_iterable(part.items() for part in parts):
        mine = together.setdefault(form, {})
        for one in those:
            mine[one.key] = min(one, mine.get(one.key, one))
    forms = {form: tuple(sorted(mine.values())[: bounds.form]) for form, mine in together.items()}
    leaves: dict[Leaf, list[Form]] = {}
    if sum(map(len, forms.values())) > bounds.leaf:
        for form in forms:
            leaves.setdefault(leaf_of(form), []).append(form)
        kept = (_first({f: forms[f] for f in those}, bounds.leaf) for those in leaves.values())
        forms = {form: those for part in kept for form, those in part.items()}
    return _first(forms, bounds.program)


def _first(forms: dict[Form, tuple[Known, ...]], most: int) -> dict[Form, tuple[Known, ...]]:
    """Keep the first kinds of all."""
    if sum(map(len, forms.values())) <= most:
        return forms
    last = nsmallest(most, chain.from_iterable(forms.values()))[-1]
    cut = {form: tuple(one for one in those if one <= last) for form, those in forms.items()}
    return {form: those for form, those in cut.items() if those}


def within(programs: dict[str, Forms], most: int) -> dict[str, Forms]:
    """Keep the first kinds of all programs together."""
    if sum(map(count, programs.values())) <= most:
        return programs
    everyone = ((one, app) for app, forms in programs.items() for those in forms.values() for one in those)
    last = nsmallest(most, everyone)[-1]
    out: dict[str, Forms] = {}
    for app, forms in programs.items():
        cut = {form: tuple(one for one in those if (one, app) <= last) for form, those in forms.items()}
        kept = {form: those for form, those in cut.items() if those}
        if kept:
            out[app] = forms if count(kept) == count(forms) else kept
    return out


def count(forms: Forms) -> int:
    """Count the kinds kept of a program."""
    return sum(map(len, forms.values()))


REGISTERS = 1_024


def no_registers() -> Registers:
    """Give the sketch of nothing."""
    return np.zeros(REGISTERS, np.uint8)


def sketch(registers: Registers, keys: Iterable[str]) -> Registers:
    """Count keys in: HyperLogLog (Flajolet et al. 2007) on the keys themselves, which are hashes."""
    numbers = np.array([int(key, 16) for key in keys], np.uint64)
    if not len(numbers):
        return registers
    out = registers.copy()
    rest = numbers & np.uint64((1 << 54) - 1)
    zeros = 54 - np.floor(np.log2(rest.astype(np.float64) + 0.5)).astype(np.int64)
    np.maximum.at(out, (numbers >> np.uint64(54)).astype(np.int64), np.clip(zeros, 1, 55).astype(np.uint8))
    return out


def estimate(registers: Registers) -> int:
    """Estimate how many different keys were counted in; the standard error is 3 %."""
    m = REGISTERS
    raw = 0.7213 / (1 + 1.079 / m) * m * m / np.sum(2.0 ** -registers.astype(np.float64))
    empty = int((registers == 0).sum())
    return round(m * np.log(m / empty)) if raw <= 2.5 * m and empty else round(raw)


def larger(a: Registers, b: Registers) -> Registers:
    """Give the sketch of what either of two has met."""
    return np.maximum(a, b)
