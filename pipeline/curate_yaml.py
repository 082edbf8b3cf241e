"""Labels and templates of people as YAML, by program and text: a new lake can start from what an old one knows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from clustering.templates import template
from connectors.lake import Lake
from pipeline.curate import MACHINES, Done, known_label, named, publish
from pipeline.curate_find import CurateError, Row
from schemas.registry import INLINE, LEARN, ORDER, PERSON
from schemas.taxonomy import UNKNOWN

VERSION = 1
_COLUMNS = ("label", "stage", "confidence", "settled", "model")
_TEXTS = {"app", "kind", "template", "label", "stage", "model", "first_seen"}
_MAY_BE_EMPTY = {"by", "reason", "ordered"}
_FLAGS = {"settled", "muted"}
_FIELDS = {*_TEXTS, *_MAY_BE_EMPTY, *_FLAGS, "confidence"}


def export_labels(lake: Lake, *, everything: bool = False) -> tuple[str, int]:
    """Write what people said of kinds, one entry a kind; with `everything` all kinds and what is known of them.

    Returns:
        the YAML document, and the number of entries.
    """
    rows = lake.kinds().to_pylist()
    chosen = [row for row in rows if everything or row["stage"] == PERSON or row["ordered"] or row["muted"]]
    chosen.sort(key=lambda row: (row["app"], row["template"]))
    document = {"version": VERSION, "kinds": [_entry(row) for row in chosen]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000), len(chosen)


def _entry(row: Row) -> dict[str, Any]:
    """Write what is known of a kind; of a kind with orders what machines said too, so that it can be made elsewhere."""
    out: dict[str, Any] = {"app": row["app"], "kind": row["template"]}
    if row["merged_text"]:
        out["template"] = row["merged_text"]
    if row["stage"] == PERSON:
        out |= {"label": row["label"], "by": None if row["set_by"] in MACHINES else row["set_by"]}
    else:
        out |= {name: row[name] for name in _COLUMNS} | {"confidence": round(row["confidence"], 6)}
    out |= {name: row[name] for name in ("reason", "ordered", "muted") if row[name]}
    return out | {"first_seen": row["first_seen"].isoformat()}


def import_labels(lake: Lake, file: Path, *, by: str, dry_run: bool = False) -> Done:
    """Take over what people said of kinds, and what machines said of kinds that this lake does not know yet.

    A kind that was met here and is not settled is not known yet, if it was settled there.

    Raises:
        CurateError: not such a file; the message lists everything there is to mend.
        OSError: it cannot be read.
    """
    named(by)
    entries = _read(file)

    def make(kinds: pa.Table) -> list[Row]:
        keys = {template(one["app"], one["kind"]).id: one for one in entries}
        chosen = kinds.filter(pc.is_in(kinds["key"], value_set=pa.array(list(keys), pa.string())))
        known = {row["key"]: row for row in chosen.to_pylist()}
        made = [_row(key, one, known.get(key), by, str(file)) for key, one in keys.items()]
        return [row for row in made if row is not None and _new(row, known.get(row["key"]))]

    return publish(lake, make, dry_run=dry_run)


def _new(row: Row, known: Row | None) -> bool:
    """Say whether a row tells anything that is not known."""
    if known is None:
        return True
    orders = any(row[name] is not None and row[name] != known[name] for name in ("ordered", "muted"))
    told = ("template_id",) if row["stage"] == ORDER else ("template_id", "label", "stage")
    return orders or any(row[name] != known[name] for name in told)


def _row(key: str, one: dict[str, Any], known: Row | None, by: str, file: str) -> Row | None:
    """Make the row of an entry; None: what it tells counts less than what is known."""
    by_person = "by" in one
    orders = bool(one.get("ordered") or one.get("muted"))
    if known is not None and not by_person and not (one.get("settled") and _open(known)):
        one = _orders(one)
        if not orders:
            return None
    if known is None and "label" not in one:
        return None
    row = known or {
        "key": key, "template_id": key, "template": one["kind"], "app": one["app"], "example": one["kind"],
        "first_seen": datetime.fromisoformat(one["first_seen"]) if "first_seen" in one else datetime.now(UTC),
        "source": file, "source_offset": 0,
    }  # fmt: skip
    row = row | {"reason": one.get("reason"), "ordered": one.get("ordered"), "muted": one.get("muted")}
    if "template" in one or one.get("ordered"):
        text = one.get("template", one["kind"])
        row |= {"template_id": template(one["app"], text).id, "merged_text": one.get("template")}
    if by_person:
        said = {"confidence": 1.0, "stage": PERSON, "model": "", "settled": True, "cert_id": None}
        return row | said | {"label": one["label"], "set_by": (one["by"] or "").strip() or by}
    if "label" not in one:
        return row | {"stage": ORDER, "set_by": by}
    told = {name: one[name] for name in _COLUMNS if name in one}
    missing = {"confidence": 0.0, "stage": "none", "model": "", "settled": False, "cert_id": None}
    return row | missing | told | {"set_by": LEARN if one.get("settled") and not orders else INLINE}


def _open(known: Row) -> bool:
    """Say whether a kind was met here and nothing more."""
    return known["set_by"] in (None, INLINE) and not known["settled"]


def _orders(one: dict[str, Any]) -> dict[str, Any]:
    """Give an entry without what machines said: its label, and the template that no person wants."""
    machines = _COLUMNS if one.get("ordered") else (*_COLUMNS, "template")
    return {name: value for name, value in one.items() if name not in machines}


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise CurateError(f"{file}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise CurateError(f"{file}: not a file of labels; it begins with `version: {VERSION}`, then `kinds:`")
    entries = document.get("kinds") or []
    if not isinstance(entries, list):
        raise CurateError(f"{file}: not a file of labels; `kinds:` is a list of entries, each with app and kind")
    faults = [f"kinds[{i}]: {why}" for i, one in enumerate(entries) if (why := _fault(one))]
    if faults:
        raise CurateError("\n  ".join([f"{file}: {len(faults)} to mend", *faults[:20]]))
    return entries


def _fault(one: Any) -> str | None:
    """Say what is wrong with an entry."""
    if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("app", "kind")):
        return "app and kind are needed, both texts"
    if one.keys() - _FIELDS:
        return f"{min(map(str, one.keys() - _FIELDS))}: no such field; known are {', '.join(sorted(_FIELDS))}"
    wrong = next((why for name, value in one.items() if (why := _not_of_type(name, value))), None)
    if wrong:
        return wrong
    try:
        known_label(one.get("label", UNKNOWN))
    except CurateError as error:
        return str(error)
    if one.get("by") in MACHINES:
        return f"by: {one['by']!r}: not the name of a person"
    return "by is told, but no label" if "by" in one and "label" not in one else _of_nobody(one)


def _not_of_type(name: str, value: Any) -> str | None:
    """Say what is wrong with a value by itself."""
    if name in _FLAGS and not isinstance(value, bool):
        return f"{name}: {value!r}: neither true nor false"
    if name in _TEXTS | _MAY_BE_EMPTY and not (isinstance(value, str) or (value is None and name in _MAY_BE_EMPTY)):
        return f"{name}: {value!r}: not a text"
    if name == "confidence" and not (type(value) in (int, float) and 0 <= value <= 1):
        return f"{name}: {value!r}: not a number in [0, 1]"
    if name == "first_seen" and not _time(value):
        return f"{name}: {value!r}: not a time like 2026-01-31T12:00:00"
    return None


def _time(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _of_nobody(one: dict[str, Any]) -> str | None:
    """Refuse a stage that is no machine's from an entry that names no person."""
    if "by" in one or one.get("stage") not in (PERSON, ORDER):
        return None
    return f"stage: {one['stage']!r}: not of a machine; what a person said has a `by`, the name or nothing"
