"""The SQL that makes a catalog: the statements of sql/*.sql, with the lake's own paths and labels filled in."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

import duckdb
import pyarrow as pa

from connectors.lake import Lake
from connectors.lake.layout import COMPACTIONS, EMPTY, EVENTS, LANDING, record_name, segment_name
from schemas.events import SEGMENT, describe
from schemas.taxonomy import taxonomy

_GROUP = r"[0-9A-Fa-f]{1,4}"
_ADDRESS = (
    r"\b(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
    rf"|(?:{_GROUP}:){{7}}{_GROUP}|{_GROUP}(?::{_GROUP})*::(?:{_GROUP}(?::{_GROUP})*)?)|::1\b"
)
"""IPv4, IPv6 in full, IPv6 with `::` (so that neither a time nor a hardware address is taken for one)."""


_RANGES = pa.schema(
    [("source", pa.string())]
    + [(name, pa.int64()) for name in ("start_offset", "end_offset", "events", "rejects", "positions")]
    + [("skips", pa.map_(pa.string(), pa.int64())), ("name", pa.string()), ("file", pa.string())]
)


def quoted(text: str | Path) -> str:
    """Write a text as a string literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def literal_glob(path: Path | str) -> str:
    """Write a path so that a glob takes each of its characters for itself."""
    return re.sub(r"([*?\[{\\])", r"[\1]", str(path))


@dataclass(frozen=True)
class Files:
    """The files of a lake, as SQL names them.

    Attributes:
        events: all files with rows: the compacted ones by name, those of landing by a glob.
        landing: those of landing alone.
        cut: a condition on `filename`: the file is not of the compacted part of its source. True of compacted files.
        ranges: the compacted part of each source, as rows of the view `segments`.
    """

    events: str
    landing: str
    cut: str
    ranges: pa.Table


def files_of(lake: Lake, *, empty: bool) -> Files:
    """Write the files of a lake as lists of names and globs.

    DuckDB guesses the number of rows from the first file, so the file without rows comes last; but the glob of the
    others is an error in a lake without a segment.
    """
    state = lake.compacted()
    landing = literal_glob(lake.root / LANDING)
    globs = [f"{landing}/*/*.parquet"]
    if not empty and not state.files:
        globs = [f"{landing}/[!_]*/*.parquet", literal_glob(lake.root / EMPTY)]
    named = [literal_glob(lake.root / EVENTS / name) for name in sorted(state.files)]
    return Files(_listed(named + globs), _listed(globs), _cut(lake), _ranges(lake))


def _listed(paths: list[str]) -> str:
    return f"[{', '.join(map(quoted, paths))}]"


def _cut(lake: Lake) -> str:
    """Write the condition that a file starts behind the compacted part of its source.

    DuckDB asks it once a file, before it opens the file: 30 us for some hundred sources, where a list of comparisons
    takes a millisecond.
    """
    ranges = lake.compacted().ranges
    if not ranges:
        return "true"
    cuts = (f"{quoted(source)}: {quoted(segment_name(known.end))}" for source, known in sorted(ranges.items()))
    folder = f"left(filename, {-len(segment_name(0)) - 1})"
    source = f"substr({folder}, {len(str(lake.root / LANDING)) + 2})"
    last = f"right(filename, {len(segment_name(0))})"
    return f"{last} >= coalesce(map_extract(MAP {{{', '.join(cuts)}}}, {source})[1], '')"


def _ranges(lake: Lake) -> pa.Table:
    """Give the compacted parts as rows."""
    state = lake.compacted()
    file = str(lake.root / COMPACTIONS / record_name(state.sequence))
    rows = [
        {"source": source, "start_offset": r.start, "end_offset": r.end, "events": r.events, "rejects": r.rejects}
        | {"positions": r.positions, "skips": list(r.skips.items()), "name": r.name or None, "file": file}
        for source, r in sorted(state.ranges.items())
    ]
    return pa.Table.from_pylist(rows, schema=_RANGES)


def run_file(con: duckdb.DuckDBPyConnection, name: str, **given: str) -> None:
    """Run a file of sql/, its ${names} filled in."""
    con.execute(Template(_text(name)).substitute(given))


def run_lake(con: duckdb.DuckDBPyConnection, lake: Lake, *, empty: bool) -> None:
    """Make the views and macros of a lake, in the current database, which holds the tables kinds and labels."""
    files = files_of(lake, empty=empty)
    how = "union_by_name = false, hive_partitioning = false, filename = true"
    con.register("given_ranges", files.ranges)
    con.execute("CREATE TABLE compacted AS FROM given_ranges")
    con.unregister("given_ranges")
    run_file(con, "macros.sql", address=quoted(_ADDRESS))
    given = {"events_raw": f"read_parquet({files.events}, {how})", "columns": ", ".join(SEGMENT.names)}
    given |= {"segments": f"parquet_kv_metadata({files.landing})", "cut": files.cut}
    run_file(con, "lake.sql", **given, severity_of_label=_severity_of_label())
    _run_common(con, "VIEW", "events_raw WHERE reject_reason IS NULL")
    run_file(con, "lake_comments.sql")
    comment_columns(con, "events_raw")


def run_export(con: duckdb.DuckDBPyConnection) -> None:
    """Make the views and macros of an exported file, in the current database, which holds all its tables."""
    run_file(con, "macros.sql", address=quoted(_ADDRESS))
    _run_common(con, "TABLE", "events")


def _run_common(con: duckdb.DuckDBPyConnection, relation: str, stored_events: str) -> None:
    run_file(con, "views.sql", stored_events=stored_events)
    run_file(con, "table_macros.sql")
    comment_columns(con, "events")
    run_file(con, "comments.sql", relation=relation)


def comment_columns(con: duckdb.DuckDBPyConnection, relation: str, schema: pa.Schema = SEGMENT) -> None:
    """Say of each stored column what its schema says."""
    here = {row[0] for row in con.execute(f"DESCRIBE {relation}").fetchall()}
    for name, _, _, sentence in describe(schema):
        if name in here:
            con.execute(f"COMMENT ON COLUMN {relation}.{name} IS {quoted(sentence)}")


@cache
def _text(name: str) -> str:
    return files("connectors.catalog").joinpath("sql", name).read_text(encoding="utf-8")


def _severity_of_label() -> str:
    """Write the typical severity of label_at_ingest as an expression; null for a label that has none.

    A map, since DuckDB makes a join of a long IN list, and keeps it in plans that do not need it.
    """
    pairs = (f"{quoted(leaf.id)}: CAST({leaf.severity} AS TINYINT)" for leaf in taxonomy().leaves.values())
    return f"map_extract(MAP {{{', '.join(pairs)}}}, e.label_at_ingest)[1]"
