"""Rows for the lake's tests: position p of any source says `line p`, so a lake can be checked against what it read."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.lake import Appended, Chain
from connectors.lake.segments import FOOTER
from schemas.events import SEGMENT
from schemas.registry import KINDS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_SAME = {
    "ts": NOON,
    "ts_quality": "exact",
    "observed_ts": NOON,
    "host": "web01",
    "app": "sshd",
    "format": "rfc3164",
    "ordinal": 0,
    "key": "0123456789abcdef",
    "template_id": "0123456789abcdef",
    "label_at_ingest": "auth.failure",
    "confidence": 0.9,
    "stage": "tiny",
    "model": "m1",
    "settled": False,
    "ingest_ts": NOON,
}


def rows(source: str, positions: Iterable[int], **change: Any) -> pa.RecordBatch:
    """One row a position; `change` sets columns of all rows."""
    told = [{**_SAME, "source": source, "source_offset": p, "message": f"line {p}", **change} for p in positions]
    return pa.RecordBatch.from_pylist(told, schema=SEGMENT)


def add(chain: Chain, start: int, end: int, **footer: Any) -> Appended:
    """Append [start, end), every position a row."""
    return chain.append(rows(chain.source, range(start, end)), start, end, {"prefix": f"hash to {end}", **footer})


def kinds(*keys: str, **change: Any) -> pa.Table:
    told = {"template_id": "t", "template": "line <*>", "app": "sshd", "label": "auth.failure", "confidence": 0.5}
    told |= {"stage": "tiny", "model": "m1", "settled": False, "example": "line 1", "first_seen": NOON}
    told |= {"source": "s", "source_offset": 0} | change
    return pa.Table.from_pylist([{**told, "key": key} for key in keys], schema=KINDS)


def novel(*keys: str, **change: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(kinds(*keys, **change).to_pylist(), schema=KINDS)


def ask(root: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask DuckDB about all of landing, as `events`."""
    with duckdb.connect() as db:
        return db.execute(query.replace("events", f"'{root}/events/landing/*/*.parquet'", 1)).fetchall()


def messages(root: Path) -> list[str]:
    return [m for (m,) in ask(root, "SELECT message FROM events ORDER BY source, source_offset")]


def rewrite(path: Path, change: pa.Table | None = None, footer: Mapping[str, Any] | None = None) -> None:
    """Write a segment again with other rows, or another footer: a fault that no writer of ours makes."""
    old = pq.ParquetFile(path)
    told = json.loads(old.metadata.metadata[FOOTER]) | dict(footer or {})
    table = old.read() if change is None else change
    path.unlink()
    with pq.ParquetWriter(path, table.schema, store_schema=False) as out:
        out.write_table(table)
        out.add_key_value_metadata({FOOTER: json.dumps(told)})
