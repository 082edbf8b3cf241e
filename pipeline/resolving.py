"""New keys to known templates, without a model: what the registry has learnt, program by program."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from clustering.registry import Place, counts, place
from clustering.templates import OTHER, Bounds, Orders, Template, Templates, template
from pipeline.learn_state import FITS
from schemas.registry import INLINE, LEARN, ORDER, PERSON, RULE, Kind, Verdict
from schemas.taxonomy import UNKNOWN

CLUSTER = "cluster"
"""The stage of a label that a kind has from its template or its cluster."""

TRIED = 500
"""New kinds of a full program that are held against its templates in one batch; the rest are `<other>` at once."""

OTHERS = 10_000
"""Full programs whose `<other>` is remembered; of others it is made anew."""

_SMALL = 200  # templates of a program are learnt anew when its kinds are a tenth more, or so many more


@dataclass(frozen=True)
class Fit:
    """A known template that a new key fits, and the verdict that holds of it."""

    template: Template
    verdict: Verdict


@dataclass(frozen=True)
class _Settled:
    """A settled kind: its template, what holds of it, and whether it took that over from its template."""

    kind: Kind
    template_id: str
    verdict: Verdict
    heir: bool

    def place(self) -> Place:
        """Give its place among those who may speak for their template: the least does."""
        return place(self.verdict, self.kind.key, heir=self.heir)


class Resolver:
    """Templates of what was settled, made program by program when a new key of it is met; they follow people's orders.

    Whatever is known is known by key, as the fold of the lake would have it: a worker that heard it row by row and one
    that was started later say the same.

    A program that has as many kinds as templates are learnt from takes no more: what fits none of its templates is
    `<other>`, which costs no model and no memory. So a flood of junk slows nobody.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._settled: dict[str, dict[str, _Settled]] = {}
        self._orders: dict[str, dict[str, tuple[str, str]]] = {}  # by program and key: the order, the template's text
        self._made: dict[str, tuple[int, Templates]] = {}
        self._verdicts: dict[str, dict[str, Verdict]] = {}  # by program and template, made when asked for
        self._met: Counter[str] = Counter()
        self._counted: set[str] = set()
        self._others: dict[str, Fit] = {}  # of programs that are full, which they stay

    def refresh(self, kinds: pa.Table) -> None:
        """Take over what was settled (KINDS, a fold or a file of the registry), and what people want of templates."""
        of = (Kind(*row) for row in _rows(kinds, "key", "app", "template"))
        says = (Verdict(*row) for row in _rows(kinds, "label", "confidence", "stage", "model", "settled", "cert_id"))
        told = _rows(kinds, "template_id", "set_by", "reason", "merged_text", "ordered")
        for kind, verdict, (template_id, set_by, reason, text, order) in zip(of, says, told, strict=True):
            self._order(kind, text or kind.template, order)
            if set_by in (None, INLINE):
                self._open(kind, verdict, set_by)
            else:
                heir = set_by == LEARN and reason == FITS
                self._settle(_Settled(kind, template_id, verdict, heir), set_by)

    def _order(self, kind: Kind, text: str, order: str | None) -> None:
        """Take over what is wanted of the template of a kind; None: as before."""
        mine = self._orders.setdefault(kind.app, {})
        before = mine.pop(kind.key, None)
        order = order if order is not None or before is None else before[0]
        if order:
            mine[kind.key] = (order, text)
        if mine.get(kind.key) != before:
            self._made.pop(kind.app, None)

    def _open(self, kind: Kind, verdict: Verdict, set_by: str | None) -> None:
        """Take over that a kind is only met: what it had taken over from its template holds no more."""
        known = self._settled.get(kind.app, {}).get(kind.key)
        if known is not None and counts(known.verdict, verdict, set_by):
            del self._settled[kind.app][kind.key]
            self._verdicts.pop(kind.app, None)
            self._made.pop(kind.app, None)
        self.met(kind)

    def _settle(self, now: _Settled, set_by: str) -> None:
        """Take over what holds of a kind; an order tells its template alone, and of a kind not settled nothing."""
        key, app = now.kind.key, now.kind.app
        mine = self._settled.setdefault(app, {})
        known = mine.get(key)
        if known is None:
            full = key not in self._counted and len(self._counted) >= self._bounds.total
            if now.verdict.stage == ORDER or full:
                return
            self.met(now.kind)
        elif not counts(known.verdict, now.verdict, set_by):
            now = replace(now, verdict=known.verdict, heir=known.heir)
        mine[key] = now
        self._verdicts.pop(app, None)

    def met(self, kind: Kind) -> None:
        """Count a kind that takes up room, once, however often it is heard of."""
        if kind.key not in self._counted:
            self._counted.add(kind.key)
            self._met[kind.app] += 1

    def resolve(self, kinds: Sequence[Kind]) -> list[Fit | None]:
        """Give what each new kind fits; None: nothing known, so that it is to be asked about."""
        tried: Counter[str] = Counter()
        fresh: Counter[str] = Counter()
        out: list[Fit | None] = []
        for kind in kinds:
            other = self._others.get(kind.app) or self._other_if_full(kind.app, fresh)
            if other is None:
                found = self._find(kind)
                fresh[kind.app] += found is None
                out.append(found)
                continue
            tried[kind.app] += 1
            out.append(other if tried[kind.app] > TRIED else self._find(kind) or other)
        return out

    def full(self, app: str) -> Fit | None:
        """Give what stands for the kinds of a program that takes none any more; None: it may take some."""
        return self._others.get(app) or self._other_if_full(app, Counter())

    def _find(self, kind: Kind) -> Fit | None:
        if not self._settled.get(kind.app):
            return None
        found = self._templates(kind.app).resolve([kind])[0]
        known = self._verdict(found) if found is not None and found.text != OTHER else None
        return Fit(found, inherited(known)) if found is not None and known is not None else None

    def _verdict(self, one: Template) -> Verdict | None:
        """Give what holds of a template: what the first of its settled kinds says, by place; None: nothing for good."""
        if one.app not in self._verdicts:
            last_first = sorted(self._settled[one.app].values(), key=_Settled.place, reverse=True)
            self._verdicts[one.app] = {of.template_id: of.verdict for of in last_first if of.verdict.settled}
        return self._verdicts[one.app].get(one.id)

    def _other_if_full(self, app: str, fresh: Counter[str]) -> Fit | None:
        """Give what stands for the kinds of a program that takes no more; remembered once it takes none for good."""
        met, total = self._met[app], len(self._counted)
        if met + fresh[app] < self._bounds.program and total + fresh[app] < self._bounds.total:
            return None
        other = Fit(template(app, OTHER), Verdict(UNKNOWN, 0.0, "none", ""))
        if (met >= self._bounds.program or total >= self._bounds.total) and len(self._others) < OTHERS:
            self._others[app] = other
        return other

    def _templates(self, app: str) -> Templates:
        """Give the templates of a program; they are learnt anew when it has grown by a tenth, or by a few."""
        size, made = self._made.get(app, (0, Templates()))
        now = len(self._settled[app])
        if now and (size == 0 or now - size >= min(_SMALL, max(1, size // 10))):
            kinds = (one.kind for one in self._settled[app].values())
            made = Templates(orders=self._orders_of(app), bounds=self._bounds).merge(kinds)
            self._made[app] = (now, made)
        return made

    def _orders_of(self, app: str) -> Orders:
        """Give what people want of the templates of a program."""
        return Orders.said((key, app, text, order) for key, (order, text) in self._orders.get(app, {}).items())


def inherited(verdict: Verdict) -> Verdict:
    """Give the verdict that a kind takes over from its template: a person's or a rule's word is theirs alone."""
    stage = CLUSTER if verdict.stage in (PERSON, RULE) else verdict.stage
    return replace(verdict, stage=stage, settled=True)


def _rows(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """Give some columns row by row."""
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)
