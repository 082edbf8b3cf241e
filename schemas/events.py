"""Arrow schemas of a line on its way: RECORDS (read), PARSED (header understood), SEGMENT (as stored in the lake).

Every field carries one sentence in its metadata under `doc`; `describe` turns a schema into a table for people.
"""

import pyarrow as pa

TS = pa.timestamp("us", tz="UTC")
WORD = pa.dictionary(pa.int32(), pa.string())
"""Strings that repeat: hosts, programs, labels."""

TS_QUALITIES = ("exact", "tz_assumed", "year_inferred", "received", "inherited")
"""How `ts` came about, best first; the worst that applies is stored. `exact`: the record told date and zone.
`tz_assumed`: it told no zone. `year_inferred`: it told no year (and so no zone). `received`: it told no usable
stamp, ts = observed_ts. `inherited`: a continuation line, ts of the line it continues."""

REJECTS = ("empty", "binary", "short_frame", "too_deep", "bomb", "nested_archive", "unsupported_encoding")
"""Why a position holds no event. Everything else is an event, however odd."""

CONTINUATION = "continuation"
"""The issue that flags a line which goes on with the line before it."""


def _field(name: str, kind: pa.DataType, doc: str, *, null: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=null, metadata={"doc": doc})


RECORDS = pa.schema(
    [
        _field("raw", pa.binary(), "The record's bytes; of a file's line, with its line end. Null: a tombstone."),
        _field("source_offset", pa.int64(), "Position in the source: Kafka offset, or decompressed byte.", null=False),
        _field("observed_ts", TS, "When the record was received: Kafka's record time, or the file's date.", null=False),
        _field(
            "truncated", pa.bool_(), "True: the line was longer than the limit and its rest was left out.", null=False
        ),
    ]
)

_PARSED = [
    _field("ts", TS, "Event time after the year and zone rules; observed_ts when the record told none.", null=False),
    _field("ts_quality", WORD, "exact, tz_assumed, year_inferred, received or inherited.", null=False),
    _field("observed_ts", TS, "When the record was received: Kafka's record time, or the file's date.", null=False),
    _field("host", WORD, "Host as the header tells it; never invented."),
    _field("app", WORD, "Program (tag, APP-NAME, identifier) as the header tells it."),
    _field("procid", pa.string(), "Process id as the header tells it; may be text."),
    _field("msgid", WORD, "RFC 5424 MSGID, or a vendor's mnemonic such as %ASA-6-302013."),
    _field("facility", pa.int8(), "Syslog facility 0 to 23, from PRI or a named field."),
    _field("severity", pa.int8(), "Syslog severity 0 to 7, from PRI or a named field; null when the record has none."),
    _field("message", pa.string(), "What the program said: valid UTF-8, newlines kept.", null=False),
    _field("attrs", pa.map_(pa.string(), pa.string()), "Structured data as sdid.param, and a shipper's extra fields."),
    _field(
        "format",
        WORD,
        "The wire format that spoke: rfc3164, rfc5424, iso, cisco, json:rsyslog, plain ...",
        null=False,
    ),
    _field("issues", pa.list_(pa.string()), "What was odd: bad_utf8, bad_sd, truncated, continuation, ..."),
    _field("raw", pa.binary(), "The original bytes, only where parsing lost something; always of a reject."),
    _field("source_offset", pa.int64(), "Position in the source: Kafka offset, or decompressed byte.", null=False),
    _field("ordinal", pa.int32(), "Number of the event in its record; 0 unless one holds several.", null=False),
    _field("reject_reason", WORD, "Why the position holds no event; null for an event."),
]
PARSED = pa.schema(_PARSED)

_LABELLED = [
    _field("key", WORD, "16 hex digits: content hash of (app, message) with the variable words masked."),
    _field("template_id", WORD, "The template the key belonged to at ingest, 16 hex digits."),
    _field("params", pa.string(), "The words in the key's holes, in order, joined by one blank."),
    _field("label_at_ingest", WORD, "The label given then: a leaf of the taxonomy, or `unknown`.", null=False),
    _field("confidence", pa.float32(), "Calibrated probability that the label is right, 0 to 1."),
    _field("stage", WORD, "Who spoke: person, rule, registry, tiny, ..., or none.", null=False),
    _field("model", WORD, "Version of the cascade that spoke."),
    _field("settled", pa.bool_(), "False: provisional, a dearer stage may still settle the kind.", null=False),
    _field("cert_id", WORD, "The certificate the label stands under; null: uncertified."),
]
LABELLED = pa.schema(_PARSED + _LABELLED)

SEGMENT = pa.schema(
    [
        *_PARSED,
        *_LABELLED,
        _field("source", WORD, "The chain the row belongs to: file-<id>.<range> or kafka-<...>.", null=False),
        _field("ingest_ts", TS, "When the segment was written.", null=False),
    ]
)


def describe(schema: pa.Schema) -> list[tuple[str, str, bool, str]]:
    """List a schema's columns as (name, type, nullable, sentence), in order."""
    return [(f.name, str(f.type), f.nullable, (f.metadata or {}).get(b"doc", b"").decode()) for f in schema]
