"""New keys to known templates, without a model: what the registry has learnt, program by program."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from clustering.templates import OTHER, Bounds, Orders, Template, Templates, template
from schemas.registry import INLINE, PERSON, RULE, Kind, Verdict
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


class Resolver:
    """Templates of what was settled, made program by program when a new key of it is met.

    A program that has as many kinds as templates are learnt from takes no more: what fits none of its templates is
    `<other>`, which costs no model and no memory. So a flood of junk slows nobody.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._made: dict[str, tuple[int, Templates]] = {}
        self._verdicts: dict[str, tuple[str, Verdict]] = {}  # by template: of which of its kinds, and what
        self._met: Counter[str] = Counter()
        self._total = 0
        self._others: dict[str, Fit] = {}  # of programs that are full, which they stay

    def refresh(self, kinds: pa.Table) -> None:
        """Take over what was settled (KINDS, a fold or a file of the registry)."""
        names = ("key", "app", "template", "template_id", "set_by")
        columns = [kinds.column(name).to_pylist() for name in names]
        told = ("label", "confidence", "stage", "model", "settled", "cert_id")
        verdicts = zip(*(kinds.column(name).to_pylist() for name in told), strict=True)
        for key, app, text, template_id, set_by, said in zip(*columns, verdicts, strict=True):
            mine = self._kinds.setdefault(app, {})
            if set_by in (None, INLINE):
                self.met(app)
                continue
            if key not in mine and self._total < self._bounds.total:
                mine[key] = Kind(key, app, text)
                self.met(app)
            whose, known = self._verdicts.get(template_id, (key, None))
            if known is None or known.stage != PERSON or said[2] == PERSON or whose == key:
                self._verdicts[template_id] = (key, Verdict(*said))

    def met(self, app: str) -> None:
        """Count a kind that takes up room."""
        self._met[app] += 1
        self._total += 1

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
        if not self._kinds.get(kind.app):
            return None
        found = self._templates(kind.app).resolve([kind])[0]
        known = self._verdicts.get(found.id) if found is not None and found.text != OTHER else None
        return Fit(found, inherited(known[1])) if found is not None and known is not None else None

    def _other_if_full(self, app: str, fresh: Counter[str]) -> Fit | None:
        """Give what stands for the kinds of a program that takes no more; remembered once it takes none for good."""
        met, total = self._met[app], self._total
        if met + fresh[app] < self._bounds.program and total + fresh[app] < self._bounds.total:
            return None
        other = Fit(template(app, OTHER), Verdict(UNKNOWN, 0.0, "none", ""))
        if (met >= self._bounds.program or total >= self._bounds.total) and len(self._others) < OTHERS:
            self._others[app] = other
        return other

    def _templates(self, app: str) -> Templates:
        """Give the templates of a program; they are learnt anew when it has grown by a tenth, or by a few."""
        size, made = self._made.get(app, (0, Templates()))
        now = len(self._kinds[app])
        if now and (size == 0 or now - size >= min(_SMALL, max(1, size // 10))):
            made = Templates(orders=Orders(), bounds=self._bounds).merge(self._kinds[app].values())
            self._made[app] = (now, made)
        return made


def inherited(verdict: Verdict) -> Verdict:
    """Give the verdict that a kind takes over from its template: a person's or a rule's word is theirs alone."""
    stage = CLUSTER if verdict.stage in (PERSON, RULE) else verdict.stage
    return replace(verdict, stage=stage, settled=True)
