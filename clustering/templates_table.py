"""Templates as an Arrow table and back: what the lake stores, and what a worker loads without learning anew.

A row is a kind that is kept; what is not of a kind stands in the schema's metadata as JSON.
"""

import json
from dataclasses import asdict
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from clustering.templates import Bounds, Orders, Templates
from clustering.templates_forms import Form
from clustering.templates_kept import Known
from clustering.templates_program import Program
from clustering.templates_slots import Level

_WORDS = pa.list_(pa.string())
TEMPLATES = pa.schema(
    [
        pa.field("app", pa.string(), nullable=False),
        pa.field("form", _WORDS, nullable=False),
        pa.field("since", pa.int64(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("template_id", pa.string(), nullable=False),
        pa.field("template", pa.string(), nullable=False),
    ]
)
"""One row a kind that templates are learnt from: program, form, when first seen, key and text, and its template."""

_META = b"dioptre.templates"


def to_table(templates: Templates) -> pa.Table:
    """Write templates (TEMPLATES), ordered by program, form, first seen and key."""
    rows = [
        (app, form, *known, program.of_form[form].id, program.of_form[form].text)
        for app, program in sorted(templates.programs.items())
        for form in sorted(program.forms)
        for known in program.forms[form]
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(TEMPLATES)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, TEMPLATES, strict=True)]
    meta = {
        "apart": sorted(templates.orders.apart),
        "written": sorted(templates.orders.written),
        "retired": {id_: list(what) for id_, what in sorted(templates.retired.items())},
        "registers": templates.registers.tobytes().hex(),
        "bounds": asdict(templates.bounds),
        "programs": {app: _of_program(program) for app, program in sorted(templates.programs.items())},
    }
    return pa.table(arrays, schema=TEMPLATES.with_metadata({_META: json.dumps(meta)}))


def _of_program(program: Program) -> dict[str, Any]:
    changed = [[[form, now] for form, now in sorted(level.items()) if form != now] for level in program.levels]
    return {"lists": sorted(program.lists), "levels": changed}


def from_table(table: pa.Table) -> Templates:
    """Read templates as `to_table` wrote them, without learning anew.

    Raises:
        ValueError: it is no such table.
    """
    said = (table.schema.metadata or {}).get(_META)
    if said is None:
        raise ValueError(f"not a table of templates: its metadata lacks {_META.decode()}")
    meta = json.loads(said)
    orders = Orders(frozenset(meta["apart"]), frozenset((app, text) for app, text in meta["written"]))
    forms: dict[str, dict[Form, tuple[Known, ...]]] = {app: {} for app in meta["programs"]}
    rows = zip(*(table.column(name).to_pylist() for name in ("app", "form", "since", "key", "text")), strict=True)
    for (app, form), those in groupby(rows, key=lambda row: row[:2]):
        forms[app][tuple(form)] = tuple(Known(*row[2:]) for row in those)
    programs = {
        app: Program(app, forms[app], frozenset(map(tuple, of["lists"])), [*map(_level, of["levels"])], orders)
        for app, of in meta["programs"].items()
    }
    return Templates(
        programs=programs,
        orders=orders,
        retired={id_: (app, text) for id_, (app, text) in meta["retired"].items()},
        registers=np.frombuffer(bytes.fromhex(meta["registers"]), np.uint8).copy(),
        bounds=Bounds(**meta["bounds"]),
    )


def _level(changed: list[list[list[str]]]) -> Level:
    return {tuple(form): tuple(now) for form, now in changed}
