"""Certificates, draws and audits as the lake keeps them: a row for each event in a certificate's life."""

import pyarrow as pa

from schemas.events import TS

ISSUED, REFUSED, WITHDRAWN, DECIDED = "issued", "refused", "withdrawn", "decided"
"""What may happen: it was proved; it was tried and not proved; an alarm or a person took it back; kinds were decided
anew under another policy (`reason` names it)."""

VALID, EXPIRED, VOID, UNCERTIFIED = "valid", "expired", "void", "uncertified"
"""How a certificate stands today, beside `withdrawn`. `void`: something that it froze has changed."""

NOVEL, MIX = "novel", "mix"
"""The two promises. `novel`: of kinds not met before, of programs like those in cert. `mix`: of an event drawn from the
stream of today."""

PEOPLE, LAST_STAGE, CORPUS = "people", "last-stage", "corpus"
"""Whose labels were taken for true. `last-stage`: the promise is agreement with the last stage. `corpus`: our own; it
certifies nothing on anybody's lake."""


def _field(name: str, kind: pa.DataType, doc: str, *, null: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=null, metadata={"doc": doc})


CERTIFICATES = pa.schema(
    [
        _field("cert_id", pa.string(), "16 hex digits; every label that stands under it bears it.", null=False),
        _field("event", pa.string(), "issued, refused, withdrawn or decided.", null=False),
        _field("at", TS, "When that happened.", null=False),
        _field("promise", pa.string(), "novel: of kinds not met before; mix: of an event of today's stream."),
        _field("tier", pa.string(), "The precision tier."),
        _field("depth", pa.string(), "domain or leaf: as deep as the label is promised to be right."),
        _field("p", pa.float64(), "The precision that is promised."),
        _field("domain", pa.string(), "Of kinds whose first stage names it; empty: over all domains."),
        _field("delta", pa.float64(), "Chance that the promise is wrong."),
        _field("spent", pa.float64(), "What this attempt took of the budget of its cert set."),
        _field("n", pa.int64(), "Labelled kinds that are answered; for mix, audited events."),
        _field("errors", pa.int64(), "Of these, wrong ones."),
        _field("lower", pa.float64(), "The precision that n and errors prove with confidence 1 - delta."),
        _field("coverage", pa.float64(), "Share of the cert set that is answered."),
        _field("knob", pa.float64(), "Where the one knob stands."),
        _field("thresholds", pa.map_(pa.string(), pa.float64()), "What each stage's exit score must reach."),
        _field("passes", pa.map_(pa.string(), pa.float64()), "What it must reach to be passed on; none: all are."),
        _field("cost", pa.float64(), "CPU-seconds a kind of the cert set takes."),
        _field("reference", pa.string(), "Whose labels were taken for true: people or last-stage."),
        _field("cert_set", pa.string(), "The draw it rests on."),
        _field("data_hash", pa.string(), "sha256 of the kinds and labels it rests on."),
        _field("frozen", pa.map_(pa.string(), pa.string()), "What must not change: models, exit scores, map of kinds."),
        _field("valid_until", TS, "From then on it is expired."),
        _field(
            "needed", pa.int64(), "Labels more that may do; null: more labels alone would not help, or none needed."
        ),
        _field("reason", pa.string(), "Why, in words."),
    ]
)

DRAWS = pa.schema(
    [
        _field("cert_set", pa.string(), "16 hex digits.", null=False),
        _field(
            "rank", pa.int64(), "Place in the random order; labels count up to the first that is missing.", null=False
        ),
        _field("key", pa.string(), "The kind.", null=False),
        _field("template_id", pa.string(), "Its template when it was drawn.", null=False),
        _field("app", pa.string(), "Its program.", null=False),
        _field("template", pa.string(), "Its text when it was drawn; stages are asked about that.", null=False),
        _field("inclusion", pa.float64(), "The chance it had to be drawn.", null=False),
        _field("population", pa.int64(), "Templates that were drawn from.", null=False),
        _field("seed", pa.int64(), "Of the random order.", null=False),
        _field("drawn_at", TS, "When; no label was seen before.", null=False),
        _field("apps", pa.list_(pa.string()), "Programs that were drawn from; told in the first row."),
    ]
)

AUDITS = pa.schema(
    [
        _field("audit_id", pa.string(), "16 hex digits: the line.", null=False),
        _field("event", pa.string(), "drawn or answered.", null=False),
        _field("at", TS, "When that happened.", null=False),
        _field("source", pa.string(), "Where the line stands.", null=False),
        _field("source_offset", pa.int64(), "Where the line stands.", null=False),
        _field("ordinal", pa.int32(), "Where the line stands.", null=False),
        _field("template_id", pa.string(), "Its template."),
        _field("app", pa.string(), "Its program."),
        _field("message", pa.string(), "What it says, masked."),
        _field("label", pa.string(), "Its label when it was drawn.", null=False),
        _field("cert_id", pa.string(), "The certificate that the label stands under.", null=False),
        _field("inclusion", pa.float64(), "The chance it had to be drawn.", null=False),
        _field("said", pa.string(), "What a person says it is; null: not answered yet."),
        _field("by", pa.string(), "Who says so."),
        _field("wrong", pa.bool_(), "Whether the label is wrong at the depth of its certificate."),
    ]
)
