"""Templates: keys that say the same but for names, hosts, units or the length of a list, merged without any model.

What a stranger needs to compute them by hand:

1. *Form*: paths, empty values, units behind numbers and untelling fields become holes; rows of holes are one hole
   (`templates_forms`).
2. *Slots*: a place where otherwise equal forms of one program show enough different words becomes a hole, unless the
   words tell what happened (`templates_slots`, `templates_traits`, `templates_words`). Repeated until nothing changes.
3. Forms that are then equal are one template; so is a form that fits one (`templates_fit`).
4. A template's text is that of its only key, or the common form if it has several; its id is a hash of program and
   text, computed as a key is. So the id of a kind that merged with none is its key.

All of it is a function of the set of keys: any order, any sharding, any restart gives the same. Memory is bounded, in
a way that does not break this (`templates_kept`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, repeat

from clustering.templates_forms import Form, form_of
from clustering.templates_kept import (
    Bounds,
    Forms,
    Known,
    Registers,
    estimate,
    joined,
    larger,
    no_registers,
    sketch,
    within,
)  # fmt: skip
from clustering.templates_program import Orders, Program, Template, learn_programs, template
from schemas.registry import Kind

__all__ = ["OTHER", "Bounds", "Orders", "Template", "Templates", "template"]

CHUNK = 50_000
"""Kinds taken in before the bounds apply: the most that a flood makes us hold."""

OTHER = "<other>"
"""Text of the template of kinds that came when there was no room left to learn from them."""


@dataclass(frozen=True, eq=False)
class Templates:
    """All templates: a frozen value. `merge` and `join` give new ones, which share what did not change.

    Attributes:
        programs: by masked name.
        orders: what people want otherwise.
        retired: id -> (program, text) of templates that are none any more, as far as this value has seen.
        registers: a sketch of all kinds met (see `met`).
    """

    programs: Mapping[str, Program] = field(default_factory=dict)
    orders: Orders = field(default_factory=Orders)
    retired: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    registers: Registers = field(default_factory=no_registers)
    bounds: Bounds = field(default_factory=Bounds)

    def merge(self, kinds: Iterable[Kind], since: Iterable[int] | None = None) -> "Templates":
        """Learn from kinds.

        Args:
            kinds: any, known ones too; the order says nothing.
            since: when each was first seen, in any unit; who is earlier is kept when there is no room for all.
        """
        rows = zip(kinds, since if since is not None else repeat(0), strict=since is not None)
        forms, registers = self._forms, self.registers
        while chunk := list(islice(rows, CHUNK)):
            forms = self._together(forms, _formed(chunk))
            registers = sketch(registers, (kind.key for kind, _ in chunk))
        return self._with(forms, self.orders, self.retired, registers)

    def join(self, other: "Templates") -> "Templates":
        """Learn from all that two values were learnt from: associative, commutative, idempotent."""
        forms = self._together(self._forms, other._forms)
        retired = {**self.retired, **other.retired} | {t.id: (t.app, t.text) for t in other}
        return self._with(forms, self.orders | other.orders, retired, larger(self.registers, other.registers))

    def ordered(self, orders: Orders) -> "Templates":
        """Follow other orders than before. A key that is no longer apart takes part again once it is merged anew."""
        return self._with(self._forms, orders, self.retired, self.registers)

    def __iter__(self) -> Iterator[Template]:
        """Give all templates."""
        return (one for program in self.programs.values() for one in program.templates.values())

    def resolve(self, kinds: Sequence[Kind]) -> list[Template | None]:
        """Give the template of each kind, known or new, in the order given.

        None: a new kind that fits none; once merged it has one. `<other>`: there is no room left to learn from it.
        """
        return [self._resolve(kind) for kind in kinds]

    def _resolve(self, kind: Kind) -> Template | None:
        if kind.key in self.orders.apart:
            return Template(kind.key, kind.app, kind.template)
        form, program = form_of(kind.template), self.programs.get(kind.app)
        found = program.resolve(form) if program else None
        return template(kind.app, OTHER) if found is None and self._full(program, form) else found

    def _full(self, program: Program | None, form: Form) -> bool:
        if self.kept >= self.bounds.total:
            return True
        return program is not None and (
            program.kinds >= self.bounds.program or program.in_leaf(form) >= self.bounds.leaf
        )

    @cached_property
    def merged_into(self) -> dict[str, str]:
        """Id -> id of the template that holds now, for all known ids that are none now: keys, forms, old templates."""
        out: dict[str, str] = {}
        for id_, (app, text) in self.retired.items():
            now = self._resolve(Kind(id_, app, text))
            if now is not None:
                out[id_] = now.id
        for program in self.programs.values():
            for form, now in program.of_form.items():
                out |= {known.key: now.id for known in program.forms[form]}
                out[template(program.app, " ".join(form)).id] = now.id
        return {old: new for old, new in out.items() if old != new}

    @cached_property
    def kept(self) -> int:
        """Kinds that these templates were learnt from."""
        return sum(program.kinds for program in self.programs.values())

    @property
    def met(self) -> int:
        """About how many different kinds were ever merged, kept or not; the standard error is 3 %."""
        return max(self.kept, estimate(self.registers))

    @property
    def _forms(self) -> dict[str, Forms]:
        return {app: program.forms for app, program in self.programs.items()}

    def _together(self, mine: dict[str, Forms], fresh: Mapping[str, Forms]) -> dict[str, Forms]:
        changed = {app: joined([mine.get(app, {}), forms], self.bounds) for app, forms in fresh.items()}
        return within({**mine, **changed}, self.bounds.total)

    def _with(
        self,
        forms: Mapping[str, Forms],
        orders: Orders,
        retired: Mapping[str, tuple[str, str]],
        registers: Registers,
    ) -> "Templates":
        """Give the value with these forms; what did not change is taken over."""
        if orders.apart:
            forms = {app: _without(those, orders.apart) for app, those in forms.items()}
        apps = forms.keys() | {app for app, _ in orders.written}
        same = {
            app: self.programs[app]
            for app in apps & self.programs.keys()
            if orders == self.orders and self.programs[app].forms == forms.get(app)
        }
        fresh = learn_programs({app: forms.get(app, {}) for app in apps - same.keys()}, orders)
        out = replace(self, programs=same | fresh, orders=orders, registers=registers, retired={})
        old = {**retired, **{t.id: (t.app, t.text) for t in self}}
        now = {t.id for t in out}
        return replace(out, retired={id_: what for id_, what in old.items() if id_ not in now})


def _formed(chunk: list[tuple[Kind, int]]) -> dict[str, dict[Form, tuple[Known, ...]]]:
    """Give the forms of kinds, by program."""
    out: dict[str, dict[Form, tuple[Known, ...]]] = {}
    for kind, since in chunk:
        mine, form = out.setdefault(kind.app, {}), form_of(kind.template)
        mine[form] = (*mine.get(form, ()), Known(since, kind.key, kind.template))
    return out


def _without(forms: Forms, apart: frozenset[str]) -> Forms:
    """Leave out the kinds that stay alone."""
    kept = {form: tuple(one for one in those if one.key not in apart) for form, those in forms.items()}
    return {form: those for form, those in kept.items() if those}
