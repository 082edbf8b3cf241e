"""Kinds and verdicts: what the classifiers see and say, and the rows in which the lake remembers it."""

from dataclasses import dataclass

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
    """A stage's answer for one kind. `label` is a leaf or `unknown`; `confidence` is calibrated, in [0, 1]."""

    label: str
    confidence: float
    stage: str
    model: str
    settled: bool = False
    cert_id: str | None = None


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
    ]
)
"""One row a kind, in `novel/` (met for the first time: who, where, and a masked example) and in `registry/` (what
holds now). The fold of both, registry over novel, later sequence over earlier, is the state of the lake."""
