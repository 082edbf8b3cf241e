"""Rows of many files as day files, sorted by time: DuckDB sorts within bounded memory, Arrow writes as they stream."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.lake import commit
from connectors.lake.compactions import DayFile
from connectors.lake.layout import EVENTS, QUARANTINED_DAY, STAGING, LakeError
from connectors.lake.segments import FOOTER, OPTIONS
from schemas.events import SEGMENT

if TYPE_CHECKING:
    import duckdb

ROW_GROUP, ROW_GROUP_BYTES = 61_440, 32 << 20
"""Rows that are written at once; fewer where rows are large."""
LARGEST = 192 << 20
"""A day file is closed when it has grown to so many bytes."""

EARLIEST, LATEST = timedelta(days=3653), timedelta(days=1)
"""Stamps before now - 10 years or after now + 1 day go to the file of the day `quarantine`."""

_FLAT = pa.schema(
    [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type, f.nullable) for f in SEGMENT]
    + [pa.field("label", pa.string())]
)
_DAY_US = 86_400_000_000
_NO_SPAN = (1 << 62, -(1 << 62))
_ODD = int(np.iinfo(np.int64).max)
"""Stands for the day of rows whose stamps cannot be right."""
TOLD = ("events", "rejects", "positions")


class CrampedError(LakeError):
    """Rows are so large that the sort needs more memory."""


@dataclass
class Sorted:
    """What was written: the files, and of each source the events, rejects and positions, and the newest event."""

    files: list[DayFile] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def sorter(root: Path, *, memory: str, threads: int) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open a DuckDB that spills into the lake's staging folder."""
    import duckdb

    spill = root / STAGING / f"{uuid.uuid4().hex}.spill"
    settings: dict[str, Any] = {"memory_limit": memory, "threads": threads, "temp_directory": str(spill)}
    con = duckdb.connect(config={**settings, "preserve_insertion_order": False})
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET enable_progress_bar = false")
        yield con
    except duckdb.OutOfMemoryException as error:
        raise CrampedError(f"{root}: cannot sort in {memory}: its records are too large") from error
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise LakeError(f"{root}: cannot sort: {first}; `dioptre lake verify` names a file that is torn") from error
    finally:
        con.close()
        shutil.rmtree(spill, ignore_errors=True)


def files_list(paths: Sequence[Path]) -> str:
    """Write paths as a list that read_parquet takes, each character for itself."""
    escaped = (str(p).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]").replace("'", "''") for p in paths)
    return "[" + ", ".join(f"'{path}'" for path in escaped) + "]"


def relation(paths: Sequence[Path]) -> str:
    """Write files as a relation with the columns of a segment, whatever else some of them hold."""
    columns = ", ".join(SEGMENT.names)
    return (
        f"(SELECT {columns} FROM read_parquet({files_list(paths)}, union_by_name = false, hive_partitioning = false))"
    )


def sort(
    con: "duckdb.DuckDBPyConnection",
    root: Path,
    inputs: Sequence[Path],
    *,
    kinds: pa.Table,
    now: datetime,
    where: str = "true",
) -> Sorted:
    """Write the rows of files, sorted by time, as new day files; nothing refers to them yet.

    Args:
        kinds: KINDS; the column `label` says what each kind is called now.
        where: a condition on the rows of `e`; others are left out.

    Raises:
        LakeError: a file cannot be read, or the file system refused.
    """
    con.register("kinds_now", kinds.select(["key", "label"]))
    low, high = now - EARLIEST, now + LATEST
    query = f"""
        SELECT
          e.*, CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.label_at_ingest ELSE k.label END AS label,
          e.ts < TIMESTAMPTZ '{low.isoformat()}' OR e.ts >= TIMESTAMPTZ '{high.isoformat()}' AS odd
        FROM {relation(inputs)} AS e LEFT JOIN kinds_now AS k ON k.key = e.key
        WHERE {where} ORDER BY odd, ts, source, source_offset, ordinal"""
    out = _Writer(root)
    try:
        for batch in con.sql(query).to_arrow_reader(_rows_at_once(inputs)):
            out.add(batch)
        out.close()
    except BaseException:
        out.discard()
        raise
    finally:
        con.unregister("kinds_now")
    return out.done


def _rows_at_once(inputs: Sequence[Path]) -> int:
    """Give how many rows are held at once, by what the footers tell of their size."""
    rows, size = 1, 1
    for path in inputs:
        with commit.told(path, "read"):
            meta = pq.read_metadata(path)
        rows += meta.num_rows
        size += sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    return max(256, min(ROW_GROUP, ROW_GROUP_BYTES * rows // size))


class _Writer:
    """Takes rows sorted by (odd, ts); a file a day, or more where they grow large."""

    def __init__(self, root: Path) -> None:
        self.done = Sorted()
        self._root = root
        self._day: int | None = None
        self._path: Path | None = None
        self._sink: Any = None
        self._parquet: Any = None
        self._counts: dict[str, Counter[str]] = {}
        self._rows, self._span, self._ingested = 0, _NO_SPAN, _NO_SPAN[1]

    def add(self, batch: pa.RecordBatch) -> None:
        """Write a batch, cut where the day changes."""
        if not batch.num_rows:
            return
        odd = batch.column("odd").to_numpy(zero_copy_only=False).astype(bool)
        days = np.where(odd, _ODD, batch.column("ts").cast(pa.int64()).to_numpy() // _DAY_US)
        rows = pa.Table.from_batches([batch.select(_FLAT.names)]).cast(_FLAT)
        cuts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for low, high in itertools.pairwise(cuts):
            self._write(int(days[low]), rows.slice(low, high - low))

    def _write(self, day: int, rows: pa.Table) -> None:
        if self._path is None or day != self._day or self._sink.tell() >= LARGEST:
            self.close()
            self._open(day)
        self._parquet.write_table(rows, row_group_size=ROW_GROUP)
        ts = rows["ts"].cast(pa.int64())
        low, high = pc.min(ts).as_py(), pc.max(ts).as_py()
        self._rows += rows.num_rows
        self._span = (min(self._span[0], low), max(self._span[1], high))
        self._ingested = max(self._ingested, pc.max(rows["ingest_ts"].cast(pa.int64())).as_py())
        self._count(rows)

    def _open(self, day: int) -> None:
        self._day, self._counts = day, {}
        self._rows, self._span, self._ingested = 0, _NO_SPAN, _NO_SPAN[1]
        with commit.told(self._root / STAGING, "write"):
            commit.make_folder(self._root / STAGING)
            self._path = self._root / STAGING / f"{uuid.uuid4().hex}.part"
            self._sink = pa.OSFile(str(self._path), "wb")
        self._parquet = pq.ParquetWriter(self._sink, _FLAT, **{**OPTIONS, "compression_level": 3})

    def _count(self, rows: pa.Table) -> None:
        """Count the rows of each source; a position counts where its first row, of ordinal 0, stands."""
        event = pc.is_null(rows["reject_reason"])
        told = pa.table(
            {
                "source": rows["source"],
                "events": event.cast(pa.int64()),
                "positions": pc.equal(rows["ordinal"], 0).cast(pa.int64()),
                "newest": pc.if_else(event, rows["ts"].cast(pa.int64()), pa.scalar(None, pa.int64())),
            }
        )
        sums = [("events", "sum"), ("positions", "sum"), ("newest", "max"), ("source", "count")]
        for row in told.group_by("source").aggregate(sums).to_pylist():
            n = {"events": row["events_sum"], "rejects": row["source_count"] - row["events_sum"]}
            n["positions"] = row["positions_sum"]
            for counts in (self._counts, self.done.counts):
                counts.setdefault(row["source"], Counter()).update(n)
            if row["newest_max"] is not None and self._day != _ODD:
                newest = _stamp(row["newest_max"])
                self.done.newest[row["source"]] = max(newest, self.done.newest.get(row["source"], ""))

    def close(self) -> None:
        """End the open file: its counts into its footer, the file durable and into its day's folder."""
        if self._path is None:
            return
        told = {source: [n[name] for name in TOLD] for source, n in sorted(self._counts.items())}
        self._parquet.add_key_value_metadata({FOOTER: json.dumps({"compacted": told}, separators=(",", ":"))})
        with commit.told(self._path, "write"):
            self._parquet.close()
            self._sink.close()
            self.done.files.append(self._place(self._path))
        self._path = None

    def _place(self, path: Path) -> DayFile:
        with path.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
            os.fsync(written.fileno())
        stamps = [_stamp(us) for us in (*self._span, self._ingested)]
        day = QUARANTINED_DAY if self._day == _ODD else stamps[0][:10]
        name = f"day={day}/{path.stem}.parquet"
        final = self._root / EVENTS / name
        commit.make_folder(final.parent)
        path.rename(final)
        commit.sync_folder(final.parent)
        return DayFile(name, self._rows, final.stat().st_size, digest, *stamps)

    def discard(self) -> None:
        """Remove what was written."""
        if self._path is not None:
            with contextlib.suppress(Exception):
                self._sink.close()
            self._path.unlink(missing_ok=True)
        remove(self._root, [file.name for file in self.done.files])


def remove(root: Path, names: Sequence[str]) -> None:
    """Remove files that no record tells of."""
    for name in names:
        with contextlib.suppress(OSError):
            (root / EVENTS / name).unlink()


def counts_in(path: Path) -> Mapping[str, Mapping[str, int]]:
    """Read from a day file's footer how many events, rejects and positions of each source it holds."""
    told: dict[str, Any] = json.loads((pq.read_metadata(path).metadata or {})[FOOTER])["compacted"]
    return {source: dict(zip(TOLD, n, strict=True)) for source, n in told.items()}


def _stamp(us: int) -> str:
    """Write microseconds since 1970 as ISO 8601; what no calendar holds is the nearest that it does."""
    first = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        return (first + timedelta(microseconds=us)).isoformat()
    except OverflowError:
        return (datetime.max if us > 0 else datetime.min).replace(tzinfo=UTC).isoformat()
