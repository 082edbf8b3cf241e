"""What people want of templates: merged, split, muted, or written by hand; the views show it, and `learn` follows."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from clustering.key import key_of
from clustering.templates import OTHER, Orders, Template, Templates, template
from clustering.templates_forms import form_of, speaks
from clustering.templates_program import WRITTEN
from connectors.lake import Lake
from pipeline.curate import Done, known_label, labelled, named, ordered, publish, rows_of
from pipeline.curate_find import CurateError, Row, keys_of
from schemas.registry import Kind

APART = "apart"
HOLE = "<*>"


def orders_of(kinds: pa.Table) -> Orders:
    """Give what people want of templates, as rows of KINDS tell it."""
    rows = kinds.filter(pc.not_equal(pc.fill_null(kinds["ordered"], ""), "")).to_pylist()
    return Orders.said((row["key"], row["app"], row["merged_text"] or row["template"], row["ordered"]) for row in rows)


def merge(
    lake: Lake, one: str, other: str, *, into: str | None = None, by: str, reason: str, dry_run: bool = False
) -> Done:
    """Make two templates one: its text has a hole wherever theirs differ, or is given. Other kinds that fit come along.

    Raises:
        CurateError: no such template, two programs, or no text that both fit: a hole takes no word that tells what
            happened (Started, Paused).
    """
    named(by)

    def make(kinds: pa.Table) -> list[Row]:
        keys = [*keys_of(lake, kinds, one), *keys_of(lake, kinds, other)]
        rows = rows_of(kinds, keys)
        if len({row["template_id"] for row in rows}) == 1 and into is None:
            raise CurateError(f"{one} and {other} are one template already; `dioptre templates split {one}` parts it")
        if len({row["app"] for row in rows}) > 1:
            apps = ", ".join(sorted({row["app"] or "(none)" for row in rows}))
            raise CurateError(f"{one} and {other} are of different programs ({apps}); merge templates of one program")
        text = _shaped(rows[0]["app"], into) if into else _common(rows)
        made = template(rows[0]["app"], text)
        fit = _fitting(made, kinds)
        _all_fit(made, rows, {row["key"] for row in fit})
        return [_put(ordered(row, by, reason), made) for row in fit]

    return publish(lake, make, dry_run=dry_run)


def add(lake: Lake, text: str, *, app: str, label: str, by: str, reason: str, dry_run: bool = False) -> Done:
    """Write a template by hand, with its label; the kinds that fit it are of it from now on.

    Args:
        text: words with holes, or a line, of which is masked what looks variable.

    Raises:
        CurateError: no such label, or hardly a constant word in the text.
    """
    known_label(label)
    named(by)
    name = key_of(app, text).kind.app
    made = template(name, _shaped(name, text))

    def make(kinds: pa.Table) -> list[Row]:
        fit = _fitting(made, kinds)
        if made.id not in {row["key"] for row in fit}:
            fit.append(rows_of(kinds, [made.id])[0] if made.id in kinds["key"].to_pylist() else _new(made))
        return [_put(labelled(row, label, by, reason), made) for row in fit]

    return publish(lake, make, dry_run=dry_run)


def split(lake: Lake, told: str, *, by: str, reason: str, dry_run: bool = False) -> Done:
    """Take a template apart: into what its kinds would be without it, or into its single kinds if that is the same.

    Raises:
        CurateError: no such template, or it has one kind.
    """
    named(by)

    def make(kinds: pa.Table) -> list[Row]:
        rows = rows_of(kinds, keys_of(lake, kinds, told))
        if len(rows) == 1:
            raise CurateError(f"{told}: a template of one kind; there is nothing to split")
        id_ = rows[0]["template_id"]
        parts = _parts(kinds, rows, id_)
        if len({part.id for part in parts}) == 1:
            return [_put(ordered(row, by, reason), _kind_alone(row), APART) for row in rows]
        return [_put(ordered(row, by, reason), part, f"{APART} {id_}") for row, part in zip(rows, parts, strict=True)]

    return publish(lake, make, dry_run=dry_run)


def mute(lake: Lake, told: str, *, muted: bool, by: str, reason: str, dry_run: bool = False) -> Done:
    """Leave a template out of lists and of what is new, or take it in again; its events stay.

    Raises:
        CurateError: no such template.
    """
    named(by)

    def make(kinds: pa.Table) -> list[Row]:
        rows = rows_of(kinds, keys_of(lake, kinds, told))
        return [ordered(row, by, reason, muted=muted) for row in rows if bool(row["muted"]) != muted]

    return publish(lake, make, dry_run=dry_run)


def _kind(row: Row) -> Kind:
    return Kind(row["key"], row["app"], row["template"])


def _kind_alone(row: Row) -> Template:
    return Template(row["key"], row["app"], row["template"])


def _put(row: Row, made: Template, order: str = WRITTEN) -> Row:
    """Give the row of a kind that is of a template now, by order."""
    text = None if made.text == row["template"] else made.text
    return row | {"template_id": made.id, "merged_text": text, "ordered": order}


def _shaped(app: str, text: str) -> str:
    """Mask a text as a key and a form are masked."""
    form = form_of(key_of(app, text).kind.template)
    if not speaks(form):
        raise CurateError(f"{text!r}: hardly a constant word; a template needs words that are always there")
    return " ".join(form)


def _common(rows: Sequence[Row]) -> str:
    """Find the text that the forms of kinds share: a hole wherever they differ."""
    forms = sorted({form_of(row["template"]) for row in rows})
    if len({len(form) for form in forms}) > 1:
        shown = " | ".join(" ".join(form) for form in forms[:2])
        raise CurateError(f"they differ in length: {shown}; one template has one number of words: say which by --into")
    words = [those[0] if len(set(those)) == 1 else HOLE for those in zip(*forms, strict=True)]
    if not speaks(words):
        raise CurateError(f"they share hardly a word: {' '.join(words)}; merge what says the same")
    return " ".join(words)


def _fitting(made: Template, kinds: pa.Table) -> list[Row]:
    """Find the kinds of a program that fit a written template, but for those that stay alone."""
    rows = kinds.filter(pc.equal(kinds["app"], made.app)).to_pylist()
    templates = Templates(orders=Orders(written=frozenset({(made.app, made.text)})))
    templates = templates.merge([Kind(made.id, made.app, made.text)])
    found = templates.resolve([_kind(row) for row in rows])
    return [row for row, one in zip(rows, found, strict=True) if one and one.id == made.id and row["ordered"] != APART]


def _all_fit(made: Template, rows: Sequence[Row], fit: set[str]) -> None:
    for row in rows:
        if row["key"] not in fit:
            why = "a hole takes no word that tells what happened"
            raise CurateError(f"{row['template']!r} does not fit {made.text!r}; {why}, and kinds split apart stay so")


def _parts(kinds: pa.Table, rows: Sequence[Row], id_: str) -> list[Template]:
    """Give what kinds are of if a template shall not be."""
    others = kinds.filter(pc.not_equal(kinds["template_id"], id_))
    orders = orders_of(others) | Orders(apart=frozenset({id_}))
    known = kinds.select(["key", "app", "template"]).to_pylist()
    times = pc.cast(kinds["first_seen"], pa.int64()).to_pylist()
    templates = Templates(orders=orders).merge([_kind(row) for row in known], times)
    found = templates.resolve([_kind(row) for row in rows])
    return [_kind_alone(row) if one is None or one.text == OTHER else one for one, row in zip(found, rows, strict=True)]


def _new(made: Template) -> Row:
    """Give the row of a template that no line was met of."""
    return {
        "key": made.id, "app": made.app, "template": made.text, "example": made.text,
        "first_seen": datetime.now(UTC), "source": "", "source_offset": 0,
    }  # fmt: skip
