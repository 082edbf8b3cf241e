"""The templates of one program: what its forms have become, and how a form is resolved."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from clustering.templates_fit import Fits, given, text_of
from clustering.templates_forms import Form
from clustering.templates_kept import Forms, Leaf, count, leaf_of
from clustering.templates_lists import learn_lists, listless
from clustering.templates_slots import Level, after, learn

WRITTEN = "written"
"""The order of a kind whose template a person wrote; the other is `apart`, with the id of a template or without."""


@dataclass(frozen=True, order=True)
class Template:
    """A template: `id` is 16 hex digits, `app` a masked program, `text` words with holes as `<*>`."""

    id: str
    app: str
    text: str


def template(app: str, text: str) -> Template:
    """Give the template of a program and a text; its id is a 64-bit BLAKE2b of both, as a kind's key is."""
    digest = hashlib.blake2b(f"{app}\0{text}".encode("utf-8", "replace"), digest_size=8).hexdigest()
    return Template(digest, app, text)


@dataclass(frozen=True)
class Orders:
    """What people want otherwise.

    Attributes:
        apart: ids of templates that shall not be, whose forms stay as they are; and keys of kinds that stay alone.
        written: (program, text) of templates that shall be; a hole in them takes any word that tells nothing.
    """

    apart: frozenset[str] = frozenset()
    written: frozenset[tuple[str, str]] = frozenset()

    @staticmethod
    def said(rows: Iterable[tuple[str, str, str, str]]) -> "Orders":
        """Read what kinds say of their templates: (key, program, text of the template, order) of each that says any."""
        apart, written = set[str](), set[tuple[str, str]]()
        for key, app, text, order in rows:
            if order == WRITTEN:
                written.add((app, text))
            else:
                apart.add(order.partition(" ")[2] or key)
        return Orders(frozenset(apart), frozenset(written))

    def __or__(self, other: "Orders") -> "Orders":
        return Orders(self.apart | other.apart, self.written | other.written)

    def of(self, app: str) -> frozenset[str]:
        """Texts of the templates written for a program."""
        return frozenset(text for whose, text in self.written if whose == app)


def without_list(form: Form, lists: frozenset[Form]) -> Form:
    """Give the listless form if it is one of those learnt, else the form."""
    short = listless(form) if lists else None
    return short if short in lists and short is not None else form


def learn_programs(forms: Mapping[str, Forms], orders: Orders) -> dict[str, "Program"]:
    """Learn the templates of programs, each by itself."""
    lists = {app: learn_lists(those) for app, those in forms.items()}
    levels = learn((app, without_list(form, lists[app])) for app, those in forms.items() for form in those)
    return {app: Program(app, those, lists[app], levels.get(app, []), orders) for app, those in forms.items()}


@dataclass(frozen=True)
class Program:
    """What is known of one program: its forms with the first of their kinds, and what the forms have become."""

    app: str
    forms: Forms
    lists: frozenset[Form]
    levels: Sequence[Level]
    orders: Orders = field(default_factory=Orders)

    @cached_property
    def of_form(self) -> dict[Form, Template]:
        """The template of each form."""
        groups: dict[Form, list[Form]] = {}
        for form in self.forms:
            groups.setdefault(self._become(form), []).append(form)
        return {form: self._named(become, those) for become, those in groups.items() for form in those}

    def _named(self, become: Form, forms: list[Form]) -> Template:
        """Give the template of the forms that have become one: the key's own text if they have but one key."""
        texts = {known.text for form in forms for known in self.forms[form]}
        alone = len(texts) == 1 and text_of(become) not in self._texts
        return template(self.app, texts.pop() if alone else text_of(become))

    def _become(self, form: Form) -> Form:
        """Give what a form becomes, level after level: as learnt, or by fitting what others have become."""
        written = self._written.find(form)
        if written is not None:
            return written
        now = without_list(form, self.lists)
        for level, fits in zip(self.levels, self._fits, strict=True):
            become = level.get(now, now)
            now = after(become if become != now else fits.find(now) or now)
        return form if self.orders.apart and template(self.app, text_of(now)).id in self.orders.apart else now

    @cached_property
    def _fits(self) -> list[Fits]:
        return [Fits(level.values()) for level in self.levels]

    @cached_property
    def _texts(self) -> frozenset[str]:
        return self.orders.of(self.app)

    @cached_property
    def _written(self) -> Fits:
        return Fits(map(given, self._texts))

    @cached_property
    def _of_become(self) -> dict[Form, Template]:
        """The templates by what their forms have become."""
        written = {form: template(self.app, text_of(form)) for form in self._written.all}
        return written | {self._become(form): one for form, one in self.of_form.items()}

    @cached_property
    def templates(self) -> dict[str, Template]:
        """All templates by id."""
        return {one.id: one for one in self._of_become.values()}

    @cached_property
    def _by_leaf(self) -> dict[Leaf, int]:
        out: dict[Leaf, int] = {}
        for form, those in self.forms.items():
            leaf = leaf_of(form)
            out[leaf] = out.get(leaf, 0) + len(those)
        return out

    @cached_property
    def kinds(self) -> int:
        """Kinds kept."""
        return count(self.forms)

    def in_leaf(self, form: Form) -> int:
        """Kinds kept in the leaf of a form."""
        return self._by_leaf.get(leaf_of(form), 0)

    def resolve(self, form: Form) -> Template | None:
        """Give the template of a form, or None."""
        return self.of_form.get(form) or self._of_become.get(self._become(form))
