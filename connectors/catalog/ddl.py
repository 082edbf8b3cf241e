"""The SQL that makes a catalog: the statements of sql/*.sql, with the lake's own paths and labels filled in."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

import duckdb

from connectors.lake.layout import EMPTY, LANDING
from schemas.events import SEGMENT, describe
from schemas.taxonomy import taxonomy

_GROUP = r"[0-9A-Fa-f]{1,4}"
_ADDRESS = (
    r"\b(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
    rf"|(?:{_GROUP}:){{7}}{_GROUP}|{_GROUP}(?::{_GROUP})*::(?:{_GROUP}(?::{_GROUP})*)?)|::1\b"
)
"""IPv4, IPv6 in full, IPv6 with `::` (so that neither a time nor a hardware address is taken for one)."""


def quoted(text: str | Path) -> str:
    """Write a text as a string literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def literal_glob(path: Path | str) -> str:
    """Write a path so that a glob takes each of its characters for itself."""
    return re.sub(r"([*?\[{\\])", r"[\1]", str(path))


def globs(root: Path, *, empty: bool) -> str:
    """Write the landing files of a lake as a list of globs.

    DuckDB guesses the number of rows from the first file, so the file without rows comes last; but the glob of the
    others is an error in a lake without a source. Compacted files will be named here, and landing files cut where
    their source's compacted part ends (Lake.base).
    """
    landing = literal_glob(root / LANDING)
    sources = "*" if empty else "[!_]*"
    named = [f"{landing}/{sources}/*.parquet"] + ([] if empty else [literal_glob(root / EMPTY)])
    return f"[{', '.join(map(quoted, named))}]"


def run_file(con: duckdb.DuckDBPyConnection, name: str, **given: str) -> None:
    """Run a file of sql/, its ${names} filled in."""
    con.execute(Template(_text(name)).substitute(given))


def run_lake(con: duckdb.DuckDBPyConnection, root: Path, *, empty: bool) -> None:
    """Make the views and macros of a lake, in the current database, which holds the tables kinds and labels."""
    where = globs(root, empty=empty)
    events = f"read_parquet({where}, union_by_name = false, hive_partitioning = false)"
    run_file(con, "macros.sql", address=quoted(_ADDRESS))
    footers = f"parquet_kv_metadata({where})"
    run_file(con, "lake.sql", events_raw=events, segments=footers, severity_of_label=_severity_of_label())
    _run_common(con, "VIEW", "events_raw WHERE reject_reason IS NULL")
    run_file(con, "lake_comments.sql")
    _comment_columns(con, "events_raw")


def run_export(con: duckdb.DuckDBPyConnection) -> None:
    """Make the views and macros of an exported file, in the current database, which holds all its tables."""
    run_file(con, "macros.sql", address=quoted(_ADDRESS))
    _run_common(con, "TABLE", "events")


def _run_common(con: duckdb.DuckDBPyConnection, relation: str, stored_events: str) -> None:
    run_file(con, "views.sql", stored_events=stored_events)
    run_file(con, "table_macros.sql")
    _comment_columns(con, "events")
    run_file(con, "comments.sql", relation=relation)


def _comment_columns(con: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Say of each stored column what its schema says."""
    here = {row[0] for row in con.execute(f"DESCRIBE {relation}").fetchall()}
    for name, _, _, sentence in describe(SEGMENT):
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
