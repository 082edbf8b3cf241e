"""Keys of whole Arrow columns at millions of lines a second: what `key` defines, computed by compiled loops.

The kernels cut the skeleton and the params of every message. Only the distinct skeletons of a block (a few hundred)
reach Python, and rows that the byte rules do not cover (JSON, CEF, several lines, control bytes) go through `key_of`
one by one; so does a whole column of few rows, which is not worth loading the kernels for.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clustering.key import key_of, kind_of, mask_app
from clustering.keyed import Keyed, Making
from clustering.memo import Memo
from clustering.survivors import CLASSES, HOLE, MASK, MAX_TEXT, Plan, Telling, plan_of
from schemas.registry import Kind

if TYPE_CHECKING:
    from clustering.kernels.door import Cut

Ints = npt.NDArray[np.int64]

Classes = tuple[tuple[int, str], ...]
"""What a row's telling holes say: (hole, class) each."""

Said = dict[tuple[int, str] | None, int]
"""What holes say, numbered as it is met; None is 0."""

BLOCK_ROWS = 131_072
"""Rows worked on at once, a whole batch: what is done once a distinct skeleton is then done most seldom (1.1 us a line
for 1.4 with 16,384)."""

FEW_ROWS = 16_384
"""Rows met in all up to which the definition itself is faster than loading the kernels; once loaded, they serve any."""

MEMO_ENTRIES = 32_768
"""Skeletons, and kinds, remembered that were met in several blocks, and as many others: a quarter of a kB each."""


class Keys:
    """Keys of batch after batch; remembers plans and kinds with classes, those that come back first of all (`memo`)."""

    def __init__(self) -> None:
        self._plans: Memo[str, Plan] = Memo(MEMO_ENTRIES)
        self._kinds: Memo[tuple[str, tuple[str, ...], Classes], Kind] = Memo(MEMO_ENTRIES)
        self._apps: Memo[str | None, str] = Memo(MEMO_ENTRIES)
        self._met = 0

    def of(self, app: pa.DictionaryArray, message: pa.StringArray) -> Keyed:
        """Name the kind of every row, as `key_of` does.

        Args:
            app, message: (n,) columns of the same length; message without nulls.
        """
        self._met += len(message)
        if self._met < FEW_ROWS and "clustering.kernels.door" not in sys.modules:
            return _defined(app, message)
        made, codes = Making(), np.empty(len(message), np.int32)
        params = []
        for at in range(0, len(message), BLOCK_ROWS):
            inverse, words = self._block(app.slice(at, BLOCK_ROWS), message.slice(at, BLOCK_ROWS), made)
            codes[at : at + len(inverse)] = inverse
            params.append(words)
        return made.keyed(codes, pa.concat_arrays(params) if params else pa.array([], pa.string()))

    def _block(
        self, app: pa.DictionaryArray, message: pa.StringArray, made: Making
    ) -> tuple[npt.NDArray[np.int32], pa.StringArray]:
        """Name the kinds of a block: for each row the number of its kind, and the words in its holes."""
        from clustering.kernels.door import cut_all  # numba takes a second to import

        cut = cut_all(message)
        encoded = cut.skeletons.dictionary_encode()
        skeletons, which = self._planned(encoded.dictionary), encoded.indices.to_numpy()
        told, classes = _classes(cut, skeletons.plans, skeletons.plan_of[which])
        codes = self._name(app, skeletons, which, told, classes, made)
        return _one_by_one(app, message, cut, codes, made) if len(cut.odd) else (codes, cut.params)

    def _planned(self, texts: pa.StringArray) -> "_Skeletons":
        """Plan the skeletons that have holes; a flood of invented words pays for no plan."""
        plan_of = np.zeros(len(texts), np.int64)
        holed = np.flatnonzero(pc.match_substring(texts, HOLE).to_numpy(zero_copy_only=False))
        plan_of[holed] = 1 + np.arange(len(holed))
        plans = [_PLAIN, *map(self._plan, texts.take(pa.array(holed)).to_pylist())]
        shown = pc.replace_substring(texts, HOLE, MASK) if len(holed) else texts
        special = np.array([plan.tail is not None for plan in plans])[plan_of]
        special |= pc.utf8_length(shown).to_numpy() > MAX_TEXT
        return _Skeletons(texts, plans, plan_of, shown, special)

    def _plan(self, skeleton: str) -> Plan:
        return self._plans.get(skeleton) or self._plans.put(skeleton, plan_of(skeleton))

    def _app(self, app: str | None) -> str:
        masked = self._apps.get(app)
        return self._apps.put(app, mask_app(app)) if masked is None else masked

    def _kind(self, app: str, plan: Plan, classes: Classes) -> Kind:
        memo = (app, plan.pieces, classes)
        return self._kinds.get(memo) or self._kinds.put(memo, kind_of(app, plan, classes))

    def _name(
        self,
        app: pa.DictionaryArray,
        skeletons: "_Skeletons",
        which: npt.NDArray[np.int32],
        told: Ints,
        classes: list[Classes],
        made: Making,
    ) -> npt.NDArray[np.int32]:
        """Give each distinct (app, skeleton, classes) its kind; gives for each row the number of its own.

        The text of most is the skeleton itself with its holes shown; the others are looked at one by one.
        """
        apps = [*app.dictionary.to_pylist(), None]
        own = app.indices.fill_null(len(apps) - 1).to_numpy().astype(np.int64)
        size = len(skeletons.texts)
        together = pa.array((own * size + which) * len(classes) + told).dictionary_encode()
        rest, told_of = np.divmod(together.dictionary.to_numpy(), len(classes))
        app_of, text_of = np.divmod(rest, max(1, size))
        masked = [self._app(one) for one in apps]
        special = {
            i: self._kind(masked[app_of[i]], skeletons.plan(int(text_of[i])), classes[told_of[i]])
            for i in np.flatnonzero((told_of > 0) | skeletons.special[text_of]).tolist()
        }
        numbers = made.add(masked, app_of, skeletons.shown.take(pa.array(text_of)), special)
        return np.asarray(numbers[together.indices.to_numpy()], np.int32)


_PLAIN = Plan((), (), None)


@dataclass(frozen=True)
class _Skeletons:
    """The distinct skeletons of a block.

    Attributes:
        plans, plan_of: of those with holes, and for each the number of its own; 0 stands for those without.
        shown: their holes written as in templates. special: (n,) that is not the template, whatever holes tell.
    """

    texts: pa.StringArray
    plans: list[Plan]
    plan_of: Ints
    shown: pa.StringArray
    special: npt.NDArray[np.bool_]

    def plan(self, i: int) -> Plan:
        at = int(self.plan_of[i])
        return self.plans[at] if at else plan_of(self.texts[i].as_py())


def _one_by_one(
    app: pa.DictionaryArray, message: pa.StringArray, cut: "Cut", codes: npt.NDArray[np.int32], made: Making
) -> tuple[npt.NDArray[np.int32], pa.StringArray]:
    """Key the odd rows by the definition itself and put them in their places."""
    odd = cut.odd
    rows = pa.array(odd)
    keyed = [key_of(a, m) for a, m in zip(app.take(rows).to_pylist(), message.take(rows).to_pylist(), strict=True)]
    codes[odd] = made.put([one.kind for one in keyed])
    order = np.arange(len(codes))
    order[odd] = len(order) + np.arange(len(odd))
    params = pa.concat_arrays([cut.params, pa.array([k.params for k in keyed], pa.string())])
    return codes, params.take(pa.array(order))


def _defined(app: pa.DictionaryArray, message: pa.StringArray) -> Keyed:
    keyed = [key_of(a, m) for a, m in zip(app.to_pylist(), message.to_pylist(), strict=True)]
    made = Making()
    return made.keyed(made.put([k.kind for k in keyed]), pa.array([k.params for k in keyed], pa.string()))


def _classes(cut: "Cut", plans: list[Plan], which: Ints) -> tuple[Ints, list[Classes]]:
    """Read the telling holes of a block: for each row the number of its classes, and the classes by number."""
    told = np.zeros(len(which), np.int64)
    rows = np.flatnonzero(np.array([bool(plan.telling) for plan in plans], np.bool_)[which])
    if not len(rows):
        return told, [()]
    reads = sorted({t.reads for plan in plans for t in plan.telling})
    said: dict[tuple[int, str] | None, int] = {None: 0}
    codes = np.zeros(len(rows), np.int64)
    combined: list[Classes] = [()]
    for n in range(max(len(plan.telling) for plan in plans)):
        of_slot = [p.telling[n] if n < len(p.telling) else None for p in plans]
        result = _slot(cut, of_slot, rows, which[rows], reads, said)
        both = pa.array(codes * len(said) + result).dictionary_encode()
        combined = [_with(combined, back, len(said), list(said)) for back in both.dictionary.to_pylist()]
        codes = both.indices.to_numpy().astype(np.int64)
    told[rows] = codes + 1
    return told, [(), *combined]


def _with(combined: list[Classes], number: int, size: int, said: list[tuple[int, str] | None]) -> Classes:
    """What `number` stands for: what was said before this slot, and what the slot says."""
    before, part = divmod(number, size)
    what = said[part]
    return combined[before] if what is None else (*combined[before], what)


def _slot(cut: "Cut", telling: list[Telling | None], rows: Ints, plan: Ints, reads: list[str], said: Said) -> Ints:
    """Number of what the n-th telling hole of each row says; of its choices the first that says something."""
    result = np.zeros(len(rows), np.int64)
    kind = np.array([reads.index(t.reads) if t else 0 for t in telling])
    for choice in range(max((len(t.holes) for t in telling if t), default=0)):
        hole = np.array([t.holes[choice] if t and choice < len(t.holes) else -1 for t in telling])
        open_ = np.flatnonzero((hole[plan] >= 0) & (result == 0))
        result[open_] = _read(cut, rows[open_], hole[plan[open_]], kind[plan[open_]], reads, said)
    return result


def _read(cut: "Cut", rows: Ints, holes: Ints, kind: Ints, reads: list[str], said: Said) -> Ints:
    """Number of what each row's hole says, 0 for nothing; `said` grows by what is new."""
    values = cut.values(rows, holes).dictionary_encode()
    words = values.dictionary.to_pylist()
    most = int(holes.max(initial=0)) + 1
    together = pa.array(
        (values.indices.to_numpy().astype(np.int64) * len(reads) + kind) * most + holes
    ).dictionary_encode()
    numbers = []
    for number in together.dictionary.to_pylist():
        rest, hole = divmod(number, most)
        word, which = divmod(rest, len(reads))
        what = CLASSES[reads[which]](words[word])
        numbers.append(said.setdefault((hole, what), len(said)) if what is not None else 0)
    return np.array(numbers, np.int64)[together.indices.to_numpy()] if numbers else np.zeros(0, np.int64)
