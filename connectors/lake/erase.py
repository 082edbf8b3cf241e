"""Erasure: the records that fulfil a condition go from every file of the lake; their positions stay counted.

A position goes whole: all events of its record. What is erased is a skip `erased` in the footer or the sums of its
source, so the chain keeps its end and nobody reads the position again. Each file is replaced by itself, day files by a
record (switch.py), segments of landing and kinds in place; killed halfway, the same command finds what is left.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.lake import commit, erase_journals, erase_kinds, sweep
from connectors.lake.compactions import DayFile
from connectors.lake.layout import ERASED, EVENTS, LakeError
from connectors.lake.mend_compacted import MEMORY, THREADS
from connectors.lake.rows import footer_of
from connectors.lake.segments import Segment, encode, read_segment
from connectors.lake.sorting import files_list, relation, sort, sorter
from connectors.lake.step import Step
from connectors.lake.store import Lake
from connectors.lake.switch import hold, signature
from schemas.events import SEGMENT

if TYPE_CHECKING:
    import duckdb

_KEPT = "NOT EXISTS (FROM gone AS g WHERE g.source = e.source AND g.source_offset = e.source_offset)"
_BATCH = 512 << 20
"""So many bytes of day files are written anew by one record."""


@dataclass
class Erased:
    """What an erasure took away, or would take.

    Attributes:
        events, rejects: rows.
        positions: records of the sources, each with all its events.
        files: day files and segments written anew.
        kinds: kinds whose example or template said what was erased.
        drawn: lines drawn for audits, and templates drawn for cert sets, that said so.
    """

    events: int = 0
    rejects: int = 0
    positions: int = 0
    files: int = 0
    kinds: int = 0
    drawn: int = 0


def erase(lake: Lake, where: str, *, dry_run: bool = False) -> Erased:
    """Erase the records of which an event or reject fulfils a condition.

    Of compacted files, landing, novel/, registry/, and what was drawn for audits and cert sets. Not of quarantine/,
    runs/, what was exported, nor of the source: what is read again from there by another name, or after `forget`, comes
    back. Statements that run meanwhile may fail, since what was replaced goes at once.

    Args:
        where: SQL on the columns of events_raw, `label` (what the kind is called now) and `template`.

    Raises:
        LakeError: the condition is no SQL condition; a file cannot be read; or another compaction came between.
    """
    with hold(lake, "erase"), sorter(lake.root, memory=MEMORY, threads=THREADS) as con:
        now = datetime.now(UTC)
        step = Step(lake, now, MEMORY, THREADS, lake.kinds())
        days = list(lake.compacted().files.values())
        segments = [s for name in lake.sources() for s in lake.chain(name).segments() if not s.footer.get("compacted")]
        paths = [lake.root / EVENTS / file.name for file in days] + [s.path for s in segments]
        done = _find(con, step, paths, where)
        touched = _touched(con, paths)
        done.files = len(touched)
        spoken = erase_kinds.spoken(con, lake, where)
        done.kinds = len(spoken)
        drawn = erase_journals.spoken(con, lake, where, {key for key, (_, template) in spoken.items() if template})
        done.drawn = sum(len(one.rows) for one in drawn)
        if not dry_run:
            _days(con, step, [file for file in days if lake.root / EVENTS / file.name in touched])
            for segment in segments:
                if segment.path in touched:
                    _segment(con, lake, segment)
            erase_kinds.erase(lake, spoken)
            erase_journals.erase(lake, drawn)
            sweep.sweep(lake, now=now, grace_s=-1.0, wait=True)
    return done


def _find(con: "duckdb.DuckDBPyConnection", step: Step, paths: Sequence[Path], where: str) -> Erased:
    """Find the positions that are to go, as the table `gone`, and count what stands at them."""
    columns = {"source": pa.string(), "source_offset": pa.int64()}
    con.register("kinds_now", step.kinds.select(["key", "label", "template"]))
    con.execute("CREATE TEMP TABLE gone (source VARCHAR, source_offset BIGINT)")
    _checked(con, where)
    if not paths:
        return Erased()
    con.execute(f"INSERT INTO gone SELECT DISTINCT {', '.join(columns)} FROM {_told(paths)} WHERE ({where}\n)")
    counted = f"""
        SELECT count(*) FILTER (WHERE e.reject_reason IS NULL), count(*) FILTER (WHERE e.reject_reason IS NOT NULL)
        FROM {relation(paths)} AS e WHERE NOT {_KEPT}"""
    events, rejects = con.execute(counted).fetchall()[0]
    return Erased(events, rejects, con.execute("SELECT count(*) FROM gone").fetchall()[0][0])


def _told(paths: Sequence[Path]) -> str:
    """Write files as the relation that a condition is about."""
    label = "CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.label_at_ingest ELSE k.label END AS label"
    return f"(SELECT e.*, {label}, k.template FROM {relation(paths)} AS e LEFT JOIN kinds_now AS k ON k.key = e.key)"


def _checked(con: "duckdb.DuckDBPyConnection", where: str) -> None:
    """Refuse what is no condition, before anything is read.

    Raises:
        LakeError: with what DuckDB says.
    """
    import duckdb

    con.register("no_rows", SEGMENT.empty_table().cast(pa.schema([(f.name, _flat(f.type)) for f in SEGMENT])))
    query = f"SELECT count(*) FROM (SELECT *, '' AS label, '' AS template FROM no_rows) WHERE ({where}\n)"
    try:
        if len(con.extract_statements(query)) != 1:
            raise LakeError(f"{where}: more than one statement; give one condition, as host = 'web01'")
        con.execute(query).fetchall()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise LakeError(f"{where}: not a condition on events: {first}; `message LIKE '%alice%'` is one") from error


def _flat(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _touched(con: "duckdb.DuckDBPyConnection", paths: Sequence[Path]) -> set[Path]:
    """Find the files that hold a position that is to go."""
    if not paths:
        return set()
    of = f"read_parquet({files_list(paths)}, union_by_name = false, hive_partitioning = false, filename = true) AS e"
    found = con.execute(f"SELECT DISTINCT filename FROM {of} WHERE NOT {_KEPT}").fetchall()
    return {Path(name) for (name,) in found}


def _days(con: "duckdb.DuckDBPyConnection", step: Step, files: Sequence[DayFile]) -> None:
    """Write day files anew without what is gone, some at a time."""
    batch: list[DayFile] = []
    for i, file in enumerate(files):
        batch.append(file)
        if sum(f.bytes for f in batch) >= _BATCH or i == len(files) - 1:
            _replace(con, step, batch)
            batch = []


def _replace(con: "duckdb.DuckDBPyConnection", step: Step, files: Sequence[DayFile]) -> None:
    """Write day files anew by one record.

    Raises:
        LakeError: another compaction came between.
    """
    paths = [step.lake.root / EVENTS / file.name for file in files]
    before = signature(paths)
    gone = con.execute(f"""
        SELECT source, count(*) FILTER (WHERE reject_reason IS NULL), count(*) FILTER (WHERE reject_reason IS NOT NULL),
          count(*) FILTER (WHERE ordinal = 0)
        FROM {relation(paths)} AS e WHERE NOT {_KEPT} GROUP BY source""").fetchall()
    changed = {
        source: {"events": -events, "rejects": -rejects, "positions": -n, "skips": {ERASED: n}}
        for source, events, rejects, n in gone
    }
    made = sort(con, step.lake.root, paths, kinds=step.kinds, now=step.now, where=_KEPT)
    record = {"why": "erase", "replaced": [file.name for file in files], "changed": changed}
    if not step.switch(record, made, before):
        raise LakeError(f"{step.lake.root}: a compaction came between; run the same command again")


def _segment(con: "duckdb.DuckDBPyConnection", lake: Lake, segment: Segment) -> None:
    """Write a segment of landing anew, in its place, its footer with it."""
    found = con.execute("SELECT source_offset FROM gone WHERE source = ?", [segment.footer["source"]]).fetchall()
    gone = pa.array([offset for (offset,) in found], pa.int64())
    with commit.told(segment.path, "erase in"), commit.held(lake.root, alone=True):
        known = read_segment(segment.path)
        rows = pq.ParquetFile(segment.path).read(use_threads=False).cast(SEGMENT)
        kept = rows.filter(pa.compute.invert(pa.compute.is_in(rows["source_offset"], value_set=gone)))
        commit.replace(lake.root, bytes(encode(_batch(kept), _footer(known, kept))), segment.path)


def _batch(rows: pa.Table) -> pa.RecordBatch:
    """Give a table as one batch, its dictionaries made one."""
    batches = rows.unify_dictionaries().combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=SEGMENT)


def _footer(known: Segment, kept: pa.Table) -> dict[str, Any]:
    """Write the footer of a segment that lacks some rows: their positions are skips."""
    there = len(kept["source_offset"].unique())
    skips = Counter(known.footer["skips"])
    skips[ERASED] += known.footer["positions"] - there
    told = {**known.footer, "skips": dict(skips)}
    footer = footer_of(_batch(kept), known.start, known.end, told, whole=True, at_end=True)
    return dict(json.loads(json.dumps(footer)))
