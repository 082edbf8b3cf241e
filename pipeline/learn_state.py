"""What a learner sees of a lake: kinds by row, which of them are settled, and the clusters that are known."""

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clustering.registry import Place, place
from clustering.templates import OTHER, Orders, Template, Templates
from clustering.templates_program import Program
from schemas.registry import INLINE, LEARN, PERSON, RULE, UNDO, Kind, Verdict
from schemas.taxonomy import UNKNOWN

DEFERRED = "a stage was out of reach; asked again later"
"""The reason of a row whose label is provisional, since a server did not answer."""


FITS = "fits a template that is settled"
"""The reason of a row that took over what is known of its template: it follows that, whatever becomes of it."""

INHERITED = "inherited"
"""How the reason of a row begins that took over the label of a cluster: it follows that of the medoid, likewise."""


@dataclass(frozen=True)
class Known:
    """A known cluster: its medoid, and the verdict that holds of it."""

    medoid: Kind
    verdict: Verdict


@dataclass(frozen=True)
class Item:
    """A template that is not settled.

    Attributes:
        kind: its text, under the key of the first of its kinds.
        rows: those that are of it. since: when the first was seen. inline: what was said of that when it was met.
    """

    template_id: str
    kind: Kind
    rows: tuple[int, ...]
    since: int
    inline: Verdict


class State:
    """The kinds of a lake.

    Args:
        table: of the schema KINDS, one row a key.
        again: take for open what was learnt before; what people and rules said stays.
        retry: take for open what waits for a stage that was out of reach.
    """

    def __init__(self, table: pa.Table, *, again: bool = False, retry: bool = False) -> None:
        self.table, self._again, self._retry = table, again, retry
        self._columns: dict[str, list[Any]] = {}
        self.keys: list[str] = self._of("key")
        self.done = [self._done(i) for i in range(len(self.keys))]

    def __len__(self) -> int:
        return len(self.keys)

    def kind(self, i: int) -> Kind:
        """Give the kind of a row, its own text."""
        return Kind(self.keys[i], self._of("app")[i], self._of("template")[i])

    def app(self, i: int) -> str:
        """Give the program of a row."""
        return str(self._of("app")[i])

    def verdict(self, i: int) -> Verdict:
        """Give what holds of a row."""
        of = self._of
        return Verdict(
            of("label")[i], of("confidence")[i], of("stage")[i], of("model")[i], of("settled")[i], of("cert_id")[i]
        )

    def label(self, i: int) -> str:
        """Give the label of a row."""
        return str(self._of("label")[i])

    def by_person(self, i: int) -> bool:
        """Tell whether a person gave the label."""
        return bool(self._of("stage")[i] == PERSON)

    def fixed(self, i: int) -> bool:
        """Tell whether the label is a person's or a rule's, which nothing learnt replaces."""
        return self._of("stage")[i] in (PERSON, RULE)

    def cluster(self, i: int) -> str | None:
        """Give the cluster of a row; None in none."""
        return None if self._again else self._of("cluster_id")[i]

    def since(self, i: int) -> int:
        """Give when a kind was first seen, in microseconds."""
        return int(self._times[i])

    def fresh(self, seen: set[str]) -> list[int]:
        """Give the rows whose keys are not in a set, but for those that stand for `<other>`."""
        texts = self._of("template")
        return [i for i, key in enumerate(self.keys) if key not in seen and texts[i] != OTHER]

    def orders(self) -> Orders:
        """Give what people want of templates."""
        kinds = (self._text_of(i) for i, said in enumerate(self._of("ordered")) if said)
        orders = (said for said in self._of("ordered") if said)
        return Orders.said((kind.key, kind.app, kind.template, said) for kind, said in zip(kinds, orders, strict=True))

    def moved(self, i: int, now: Template) -> bool:
        """Tell whether a row's template is another than the lake says."""
        text = self._of("merged_text")[i] or self._of("template")[i]
        return (self._of("template_id")[i], text) != (now.id, now.text)

    def clusters(self, most: int | None = None) -> dict[str, Known]:
        """Give the known clusters by id: of each the medoid with what holds of it now; and what people labelled.

        Args:
            most: of more the first by id.
        """
        rows = {
            key: i for i, key in enumerate(self.keys)
            if self.label(i) != UNKNOWN and (self.by_person(i) or (self.done[i] and self.cluster(i) == key))
        }  # fmt: skip
        return {key: Known(self._text_of(rows[key]), self.verdict(rows[key])) for key in sorted(rows)[:most]}

    def settled(self, templates: list[Template]) -> dict[str, int]:
        """Give for each template the settled row whose label is that of the template, by its place among them."""
        best: dict[str, int] = {}
        for i, one in enumerate(templates):
            if self.done[i] and one.text != OTHER and not self.deferred(i):
                other = best.get(one.id)
                best[one.id] = i if other is None else min(other, i, key=self._place)
        return best

    def items(self, templates: list[Template], settled: dict[str, int]) -> list[Item]:
        """Give the templates that are not settled, in the order in which they were first seen."""
        rows: dict[str, list[int]] = {}
        for i, one in enumerate(templates):
            if not self.done[i] and one.text != OTHER and one.id not in settled:
                rows.setdefault(one.id, []).append(i)
        items = [self._item(templates[those[0]], those) for those in rows.values()]
        return sorted(items, key=lambda item: (item.since, item.kind.key))

    def _item(self, one: Template, rows: list[int]) -> Item:
        first = min(rows, key=lambda i: (self.since(i), self.keys[i]))
        inline = Verdict(UNKNOWN, 0.0, "", "") if self._again else self.verdict(first)
        if not self._again and one.text == self._of("template")[first]:  # else it was said of another text
            inline = replace(inline, spread=self.table.column("spread")[first].as_py())
        return Item(one.id, Kind(self.keys[first], one.app, one.text), tuple(rows), self.since(first), inline)

    def _text_of(self, i: int) -> Kind:
        return Kind(self.keys[i], self._of("app")[i], self._of("merged_text")[i] or self._of("template")[i])

    def heir(self, i: int) -> bool:
        """Tell whether a row took over what is known of its template."""
        return bool(self._of("set_by")[i] == LEARN and self._of("reason")[i] == FITS)

    def reopen(self, templates: list[Template]) -> None:
        """Take rows for open that took over what does not hold any more: who said it has taken it back, or changed it.

        From a cluster they took the label of its medoid; from a template that of any other of its kinds.
        """
        row = {key: i for i, key in enumerate(self.keys)}
        for i, reason in enumerate(self._of("reason")):
            if self.done[i] and self._of("set_by")[i] == LEARN and (reason or "").startswith(INHERITED):
                medoid = row.get(self._of("cluster_id")[i], i)
                self.done[i] = self.done[medoid] and self._of("label")[medoid] == self._of("label")[i]
        at: dict[str, list[int]] = {}
        for i, one in enumerate(templates):
            at.setdefault(one.id, []).append(i)
        for rows in at.values():
            others = [i for i in rows if not self.heir(i)]
            if not any(self.done[i] for i in others):
                for i in rows:
                    self.done[i] = False

    def _place(self, i: int) -> Place:
        return place(self.verdict(i), self.keys[i], heir=self.heir(i))

    def _done(self, i: int) -> bool:
        if self.fixed(i) or self._of("template")[i] == OTHER:
            return True
        if self._retry and self.deferred(i):
            return False
        if self._of("set_by")[i] == UNDO:
            return not self._again and bool(self._of("settled")[i])
        if self._of("set_by")[i] == RULE and not self._of("settled")[i]:  # a guess, since its rule is gone
            return False
        return not self._again and self._of("set_by")[i] not in (None, INLINE)

    def deferred(self, i: int) -> bool:
        """Tell whether a row waits for a stage that was out of reach."""
        return bool(self._of("reason")[i] == DEFERRED) and not self._of("settled")[i]

    def waiting(self) -> bool:
        """Tell whether any row does."""
        return any(self.deferred(i) for i in range(len(self)))

    def _of(self, name: str) -> list[Any]:
        if name not in self._columns:
            self._columns[name] = self.table.column(name).to_pylist()
        return self._columns[name]

    @property
    def _times(self) -> list[Any]:
        if "since" not in self._columns:
            self._columns["since"] = pc.cast(self.table.column("first_seen"), pa.int64()).to_pylist()
        return self._columns["since"]


Resolved = dict[str, tuple[Program | None, Template]]
"""By key: what the templates of its program were when it was resolved, and its template."""


def templates_of(templates: Templates, state: State, before: Resolved) -> Resolved:
    """Give the template of each row by key; a kind that fits none is its own, one without room to learn from it too.

    Kinds that are noted are bounded where they are met (`pipeline.resolving`), so all of them may be settled.

    Args:
        before: what this gave under the same orders: a kind whose program has learnt nothing since is as it was.
    """
    out: Resolved = {}
    fresh: list[Kind] = []
    for i, key in enumerate(state.keys):
        program = templates.programs.get(state.app(i))
        known = before.get(key)
        if known is not None and known[0] is program:
            out[key] = known
        else:
            fresh.append(state.kind(i))
    for kind, one in zip(fresh, templates.resolve(fresh), strict=True):
        fits = one is not None and OTHER not in (one.text, kind.template)
        own = one if one is not None and fits else Template(kind.key, kind.app, kind.template)
        out[kind.key] = (templates.programs.get(kind.app), own)
    return out
