"""Make a lake of many events for the SQL bench: some forty hosts, twelve programs, three hundred kinds, skewed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from connectors.lake import Lake
from schemas.events import SEGMENT, WORD
from schemas.registry import KINDS
from schemas.taxonomy import taxonomy

END = datetime(2026, 11, 20, 18, tzinfo=UTC)
SPAN = timedelta(days=2)
SEGMENT_ROWS = 131_072
SOURCES = 4
HOSTS = [f"web{i:02d}" for i in range(24)] + [f"db{i:02d}" for i in range(8)] + [f"edge{i:02d}" for i in range(8)]
APPS = ("sshd", "postgres", "nginx", "kernel", "systemd", "haproxy", "postfix/smtpd", "named", "cron", "redis", "sudo")
APPS += ("backup",)
Ints = npt.NDArray[np.int64]

_SSH_BAD, _SSH_OK, _CHECKPOINT = 3, 9, 12
_NAMED = {
    _SSH_BAD: ("sshd", "auth.login_failure", "Failed password for root from <*> port <*> ssh2"),
    _SSH_OK: ("sshd", "auth.login_success", "Accepted publickey for deploy from <*> port <*> ssh2"),
    _CHECKPOINT: ("postgres", "database.operation", "checkpoint complete: took <*> s, wrote <*> buffers"),
}
_WORDS = "request served queue drained upstream timed out while reading reply retry later worker child exited".split()


@dataclass(frozen=True)
class Pool:
    """The kinds of the lake as columns; `shares` is the chance of each, skewed like a real log's."""

    table: pa.Table
    shares: npt.NDArray[np.float64]
    heads: pa.Array
    middles: pa.Array
    tails: pa.Array


def pool(kinds: int, seed: int) -> Pool:
    """Make `kinds` kinds: two holes each, a program, a label; the three that the questions ask for among the first."""
    rng = np.random.default_rng(seed)
    leaves = list(taxonomy().leaves)
    rows = []
    for i in range(kinds):
        words = rng.choice(_WORDS, 7)
        told = f"{' '.join(words[:4])} k{chr(97 + i % 26)}{chr(97 + i // 26)} <*> {' '.join(words[4:])} <*> done"
        app, label, template = _NAMED.get(i, (APPS[i % 12], str(rng.choice(leaves)), told))
        key = f"{rng.integers(1 << 62):016x}"
        confidence = float(np.float32(rng.uniform(0.4, 1)))
        rows.append(
            {"key": key, "template_id": key, "template": template, "app": app, "label": label, "stage": "tiny"}
            | {"confidence": confidence, "model": "tiny-1", "settled": False, "cert_id": None}
            | {"example": template.replace("<*>", "3.25"), "first_seen": END - SPAN}
            | {"source": "file-0000000000000000.0000", "source_offset": 0}
        )
    parts = [r["template"].split("<*>") for r in rows]
    shares = 1 / (np.arange(kinds) + 3) ** 1.1
    columns = [pa.array([p[i] for p in parts]) for i in range(3)]
    return Pool(pa.Table.from_pylist(rows, schema=KINDS), shares / shares.sum(), *columns)


def make(root: Path, events: int, *, kinds: int = 300, seed: int = 7) -> Lake:
    """Make a lake of `events` events in segments of 131,072 rows, through the chains as a backfill would."""
    lake = Lake.create(root)
    told = pool(kinds, seed)
    lake.note_novel(told.table.combine_chunks().to_batches()[0])
    rng = np.random.default_rng(seed)
    each = -(-events // SOURCES)
    for source in range(SOURCES):
        chain = lake.chain(f"file-{source:016x}.0000")
        for start, batch in _batches(chain.source, told, rng, each):
            chain.append(batch, start, start + batch.num_rows, {"prefix": "bench"})
    return lake


def _batches(source: str, told: Pool, rng: np.random.Generator, count: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    stamps = np.sort(rng.integers(0, int(SPAN.total_seconds() * 1e6), count)) + int((END - SPAN).timestamp() * 1e6)
    for start in range(0, count, SEGMENT_ROWS):
        yield start, _batch(source, start, stamps[start : start + SEGMENT_ROWS], told, rng)


def _batch(source: str, start: int, ts: Ints, told: Pool, rng: np.random.Generator) -> pa.RecordBatch:
    n = len(ts)
    kind = rng.choice(len(told.shares), n, p=told.shares)
    host = (rng.zipf(1.3, n) + kind) % len(HOSTS)
    first = _first_params(kind, rng)
    second = pc.cast(pa.array(rng.integers(1, 65_535, n)), pa.string())
    message = pc.binary_join_element_wise(
        told.heads.take(kind), first, told.middles.take(kind), second, told.tails.take(kind), ""
    )
    values = {
        "ts": pa.array(ts, SEGMENT.field("ts").type),
        "ts_quality": _words(["exact", "tz_assumed"], (rng.random(n) < 0.2).astype(np.int64)),
        "observed_ts": pa.array(ts + rng.integers(0, 2_000_000, n), SEGMENT.field("ts").type),
        "host": _words(HOSTS, host),
        "app": _column(told, "app", kind),
        "procid": pc.cast(pa.array(rng.integers(1, 30_000, n)), pa.string()),
        "severity": pa.array(rng.integers(3, 8, n), pa.int8(), mask=rng.random(n) < 0.5),
        "message": message,
        "format": _words(["rfc3164"], np.zeros(n, np.int64)),
        "source_offset": pa.array(np.arange(start, start + n)),
        "ordinal": pa.array(np.zeros(n, np.int32)),
        "key": _column(told, "key", kind),
        "template_id": _column(told, "template_id", kind),
        "params": pc.binary_join_element_wise(first, second, " "),
        "label_at_ingest": _column(told, "label", kind),
        "confidence": told.table.column("confidence").combine_chunks().take(pa.array(kind)),
        "stage": _words(["tiny"], np.zeros(n, np.int64)),
        "model": _words(["tiny-1"], np.zeros(n, np.int64)),
        "settled": pa.array(np.zeros(n, np.bool_)),
        "source": _words([source], np.zeros(n, np.int64)),
        "ingest_ts": pa.array(np.full(n, int(END.timestamp() * 1e6)), SEGMENT.field("ts").type),
    }
    return pa.RecordBatch.from_arrays([values.get(f.name, pa.nulls(n, f.type)) for f in SEGMENT], schema=SEGMENT)


def _first_params(kind: Ints, rng: np.random.Generator) -> pa.Array:
    """An address for most, a number of seconds for the checkpoints."""
    addresses = pa.array([f"198.51.100.{i}" for i in range(250)]).take(pa.array(rng.zipf(1.2, len(kind)) % 250))
    seconds = pc.cast(pa.array(np.round(rng.gamma(2, 4, len(kind)), 3)), pa.string())
    return pc.if_else(pa.array(kind == _CHECKPOINT), seconds, addresses)


def _words(words: list[str], codes: Ints) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words)).cast(WORD)


def _column(told: Pool, name: str, kind: Ints) -> pa.Array:
    return told.table.column(name).combine_chunks().take(pa.array(kind)).cast(WORD)
