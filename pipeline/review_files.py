"""Kinds to be labelled as a file for a colleague, a program or a spreadsheet; and the labels it comes back with."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pipeline.cli.results import tamed
from pipeline.curate import known_label
from pipeline.curate_find import CurateError
from pipeline.review_look import Look

COLUMNS = ("template_id", "label", "why", "events", "app", "template", "example", "proposals")
"""Of a file: `label` is to be filled in; the rest is for who fills it in, but for the id."""


def write(file: Path, looks: Sequence[Look]) -> None:
    """Write kinds as YAML or CSV, by the file's ending.

    Raises:
        CurateError: another ending.
    """
    rows = [_row(look) for look in looks]
    if _ending(file) == ".csv":
        sink = io.StringIO()
        out = csv.DictWriter(sink, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows({name: tamed(v) if isinstance(v, str) else v for name, v in row.items()} for row in rows)
        file.write_text(sink.getvalue(), "utf-8", "backslashreplace")
        return
    text = yaml.safe_dump({"version": 1, "review": rows}, sort_keys=False, allow_unicode=True, width=1000)
    file.write_text(text, "utf-8", "backslashreplace")


def read(file: Path) -> dict[str, str]:
    """Read labels by template id; rows without one are left out.

    Raises:
        CurateError: not such a file, a label that is none, or a template twice; the message lists all there is to mend.
        OSError: it cannot be read.
    """
    rows = _rows(file)
    found: dict[str, str] = {}
    faults = []
    for number, row in enumerate(rows, 1):
        id_, label = str(row.get("template_id") or "").strip(), str(row.get("label") or "").strip()
        if not label:
            continue
        try:
            known_label(label)
            if not id_ or id_ in found:
                raise CurateError(f"template_id {id_!r}: {'twice' if id_ else 'missing'}")
            found[id_] = label
        except CurateError as error:
            faults.append(f"row {number}: {error}")
    if faults:
        raise CurateError("\n  ".join([f"{file}: {len(faults)} to mend", *faults[:20]]))
    return found


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text("utf-8")
        if _ending(file) == ".csv":
            rows: Any = list(csv.DictReader(io.StringIO(text)))
        else:
            document = yaml.safe_load(text)
            rows = document.get("review") if isinstance(document, dict) else None
    except (yaml.YAMLError, csv.Error, UnicodeDecodeError) as error:
        raise CurateError(f"{file}: not readable: {' '.join(str(error).split())}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "template_id" in row for row in rows):
        raise CurateError(f"{file}: not a file of `dioptre review --export`; each row has a template_id and a label")
    return rows


def _ending(file: Path) -> str:
    ending = file.suffix.lower()
    if ending not in (".csv", ".yaml", ".yml"):
        raise CurateError(f"{file}: its ending tells no format; .yaml or .csv would be right")
    return ending


def _row(look: Look) -> dict[str, Any]:
    item = look.item
    proposals = ", ".join(one.label if item.blind else f"{one.label} {one.probability:.2f}" for one in look.proposals)
    told = {"template_id": item.template_id, "label": "", "why": item.why, "events": item.events}
    return told | {
        "app": item.kind.app, "template": item.kind.template, "example": look.lines[0] if look.lines else "",
        "proposals": proposals,
    }  # fmt: skip
