"""What is known of kinds to columns: labelled rows, and the notes on kinds met for the first time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from clustering.keyed import Keyed
from clustering.registry import Entry
from connectors.privacy import EXAMPLES
from schemas.events import CONTINUATION, LABELLED, WORD
from schemas.registry import INLINE, KINDS, Kind, Verdict
from schemas.taxonomy import UNKNOWN

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EXAMPLE_CHARACTERS = 500


@dataclass(frozen=True)
class Note:
    """A kind met for the first time: what is known of it, the row where it stood, the text of its template."""

    kind: Kind
    entry: Entry
    row: int
    text: str


@dataclass(frozen=True)
class Held:
    """What holds of the kinds of a batch; `which`: (n,) the number of each kind's entry, as many may share one."""

    entries: list[Entry]
    which: Ints


NOTHING = Verdict(UNKNOWN, 0.0, "none", "")


def _spread(values: Sequence[str | None], rows: Ints, null: Bools | None = None) -> pa.DictionaryArray:
    """A WORD column: for each row the value of its kind; each distinct value stands once in the dictionary."""
    numbers: dict[str, int] = {}
    own = np.array([-1 if v is None else numbers.setdefault(v, len(numbers)) for v in values] or [-1], np.int32)[rows]
    mask = own < 0 if null is None else (own < 0) | null
    return pa.DictionaryArray.from_arrays(
        pa.array(own, mask=mask if mask.any() else None), pa.array(list(numbers), pa.string())
    ).cast(WORD)


def events_of(parsed: pa.RecordBatch, keyed: Keyed, held: Held, rejected: Bools, goes_on: Bools) -> pa.RecordBatch:
    """Add the LABELLED columns to the parsed ones."""
    rows = held.which[keyed.codes]
    verdicts = [entry.verdict for entry in held.entries]
    said, judged = rows, verdicts
    if goes_on.any() or rejected.any():
        said, judged = _inherit(rows, verdicts, rejected, goes_on)
    confidence = np.array([v.confidence for v in judged] or [0.0], np.float32)[said]
    params = keyed.params
    null = rejected if rejected.any() else None
    if null is not None:
        params = pa.compute.if_else(pa.array(~rejected), params, pa.scalar(None, pa.string()))
    keys = pa.DictionaryArray.from_arrays(pa.array(keyed.codes, mask=null), pa.array(keyed.keys, pa.string()))
    added = [
        keys.cast(WORD),
        _spread([entry.template_id for entry in held.entries], rows, rejected),
        params,
        _spread([v.label for v in judged], said),
        pa.array(confidence, mask=rejected),
        _spread([v.stage for v in judged], said),
        _spread([v.model or None for v in judged], said, rejected),
        pa.array(np.array([v.settled for v in judged] or [False])[said]),
        _spread([v.cert_id for v in judged], said, rejected),
    ]
    fields = [*parsed.columns, *added]
    schema = pa.schema([*parsed.schema, *list(LABELLED)[len(parsed.schema) :]], parsed.schema.metadata)
    return pa.RecordBatch.from_arrays(fields, schema=schema)


def _inherit(codes: Ints, verdicts: list[Verdict], rejected: Bools, goes_on: Bools) -> tuple[Ints, list[Verdict]]:
    """Let a continuation take its line's label, under a stage of its own; a reject takes none."""
    n = len(verdicts)
    judged = [*verdicts, *(replace(v, stage=CONTINUATION) for v in verdicts), NOTHING]
    line = np.maximum.accumulate(np.where(goes_on | rejected, -1, np.arange(len(codes))))
    said = np.where(goes_on, np.where(line >= 0, codes[line] + n, 2 * n), codes)
    return np.where(rejected, 2 * n, said), judged


def novel_of(parsed: pa.RecordBatch, notes: list[Note]) -> pa.RecordBatch:
    """The notes on kinds met for the first time: what they are, what was said, where they stood, a masked example."""
    rows = pa.array([note.row for note in notes], pa.int64())
    example = EXAMPLES.column(
        pa.compute.utf8_slice_codeunits(parsed.column("message").take(rows), 0, EXAMPLE_CHARACTERS)
    )
    source = (parsed.schema.metadata or {}).get(b"source", b"").decode()
    verdicts = [note.entry.verdict for note in notes]
    columns = {
        "key": [note.kind.key for note in notes],
        "template_id": [note.entry.template_id for note in notes],
        "template": [note.kind.template for note in notes],
        "app": [note.kind.app for note in notes],
        **{name: [getattr(v, name) for v in verdicts] for name in ("label", "confidence", "stage", "model", "settled")},
        "cert_id": [v.cert_id for v in verdicts],
        "spread": [v.spread for v in verdicts],
        "example": example,
        "first_seen": parsed.column("ts").take(rows),
        "source": [source] * len(notes),
        "source_offset": parsed.column("source_offset").take(rows),
        "merged_text": [note.text if note.text != note.kind.template else None for note in notes],
        "set_by": [INLINE] * len(notes),
    }
    told = [columns.get(f.name, [None] * len(notes)) for f in KINDS]
    return pa.RecordBatch.from_arrays([_column(c, f.type) for c, f in zip(told, KINDS, strict=True)], schema=KINDS)


def _column(values: object, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)
