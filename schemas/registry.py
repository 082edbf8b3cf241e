"""Kinds and verdicts: what the classifiers see and say, and the rows in which the lake remembers it."""

from dataclasses import dataclass, field

import pyarrow as pa

from schemas.events import TS


@dataclass(frozen=True)
class Kind:
    """A kind of line. `key` is 16 hex digits; `app` is masked, "" if the header told none; `template` is the
    key's text, its holes written `<*>`. Whatever a stage sees is in these three, so two workers never disagree.
    """

    key: str
    app: str
    template: str


@dataclass(frozen=True)
class Verdict:
    """A stage's answer for one kind. `label` is a leaf or `unknown`; `confidence` is calibrated, in [0, 1].

    `spread`: of an answer given inline, what the model gave each of its labels: float32, little endian, in their order.
    """

    label: str
    confidence: float
    stage: str
    model: str
    settled: bool = False
    cert_id: str | None = None
    spread: bytes | None = field(default=None, compare=False, repr=False)


KINDS = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("template_id", pa.string(), nullable=False),
        pa.field("template", pa.string(), nullable=False),
        pa.field("app", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("confidence", pa.float32(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("settled", pa.bool_(), nullable=False),
        pa.field("cert_id", pa.string()),
        pa.field("example", pa.string(), nullable=False),
        pa.field("first_seen", TS, nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_offset", pa.int64(), nullable=False),
        pa.field("merged_text", pa.string()),
        pa.field("cluster_id", pa.string()),
        pa.field("set_by", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("set_at", TS),
        pa.field("ordered", pa.string()),
        pa.field("muted", pa.bool_()),
        pa.field("spread", pa.binary()),
    ]
)
"""One row a kind, in `novel/` (met for the first time: who, where, and a masked example) and in `registry/` (what
holds now). The fold of both is the state of the lake (`connectors.lake.folding`). What may be null:

merged_text: text of the template that the key resolved to; null: `template`, the key's own.
cluster_id: 16 hex digits, key of the cluster's medoid when it was formed; null: this row tells none.
set_by: who wrote the row: `inline`, `learn`, `rule`, `undo`, or the name of a person. reason: why, in words.
set_at: when the row was published; the lake fills it in.
ordered: what a person wants of the key's template: `written` (its text shall be a template), `apart` (the key stays
    alone), `apart` and the id of a template that shall not be; "": nothing any more; null: this row tells none.
muted: not shown among templates; null: this row tells none.
spread: in novel/, what `model` gave each of its labels (`Verdict.spread`), so that learning need not ask it again: 220
    bytes; null: it was not asked. Not passed on to registry/.
"""

PERSON = "person"
"""The stage of a label that a person gave; it wins over rules and models."""

LEARN, UNDO, INLINE = "learn", "undo", "inline"
"""Who wrote a row of the registry, if it was not a rule (`RULE`) or a person by name."""

RULE = "rule"
"""The stage of a label that the operator's rules gave, and who wrote such a row; it goes when the rule goes."""

ORDER = "order"
"""The stage of a row that tells what a person wants of a template (`ordered`, `muted`) and nothing of a label."""

COPIES = frozenset({LEARN, RULE})
"""Who writes rows that may repeat a person's label, which does not make them words of that person."""


def conform(table: pa.Table) -> pa.Table:
    """Give a table the columns of KINDS: those that came later than it are null, others than ours are left out."""
    missing = [pa.nulls(table.num_rows, f.type) if f.name not in table.column_names else table[f.name] for f in KINDS]
    return pa.Table.from_arrays(missing, names=KINDS.names).cast(KINDS)
