"""A part of a lake as one file for a colleague who has no lake: DuckDB with the macros, Parquet, or CSV."""

import contextlib
import difflib
import re
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import duckdb

from connectors.catalog import ddl, file
from connectors.catalog.errors import CatalogError, one_line
from connectors.lake import Lake
from schemas.taxonomy import UNKNOWN, taxonomy

Format = Literal["duckdb", "parquet", "csv"]
_SUFFIXES: dict[str, Format] = {".duckdb": "duckdb", ".db": "duckdb", ".parquet": "parquet", ".csv": "csv"}
_KIND = re.compile(r"[0-9a-f]{16}")
_FORMULA = "'^[=+\\-@\\t\\r]'"
"""What a spreadsheet takes for the beginning of a formula, as a regular expression."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    path: Path
    format: Format
    events: int
    templates: int
    bytes: int


def export(
    lake: Lake,
    out: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    labels: Sequence[str] = (),
    kinds: Sequence[str] = (),
    format: Format | None = None,  # noqa: A002 - the word of the command line
    overwrite: bool = False,
) -> Exported:
    """Write the events of a time range, of some labels and kinds, as one file; whole or not at all.

    Args:
        lake: where they are.
        out: the file to write.
        since, until: events with since <= ts < until; None: no bound.
        labels: leaves (`auth.session`, `auth.*`), domains (`auth`) or `unknown`; none: all.
        kinds: template ids of today or before, or keys, 16 hex digits each; none: all.
        format: None: as the suffix of `out` says.
        overwrite: replace a file that is there.

    Raises:
        CatalogError: an unknown label or format, a file that is there, a place that cannot be written.
    """
    told = format or _format_of(out)
    chosen = _condition(since, until, labels, kinds)
    if out.exists() and not overwrite:
        raise CatalogError(f"{out}: exists; name another file, or allow it to be overwritten")
    if not out.parent.is_dir():
        raise CatalogError(f"{out}: no folder {out.parent}; make it, or name another")
    aside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    doing = f"{out}: cannot write: "
    try:
        with one_line(doing):
            events, templates = _write(lake, aside, told, chosen)
            aside.replace(out)
    except OSError as error:
        raise CatalogError(f"{doing}{error.strerror}; name a file in a folder that can be written") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()
    return Exported(out, told, events, templates, out.stat().st_size)


def _format_of(out: Path) -> Format:
    if out.suffix.lower() not in _SUFFIXES:
        raise CatalogError(f"{out}: no format told; end the name in .duckdb, .parquet or .csv")
    return _SUFFIXES[out.suffix.lower()]


_Condition = tuple[str, dict[str, Any]]
_CONDITIONS = {
    "since": "ts >= $since",
    "until": "ts < $until",
    "labels": "(list_contains($labels, label) OR list_contains($labels, domain))",
    "kinds": (
        "(list_contains($kinds, key) OR template_id IN"
        " (SELECT new FROM source.template_ids WHERE list_contains($kinds, old)))"
    ),
}


def _condition(
    since: datetime | None, until: datetime | None, labels: Sequence[str], kinds: Sequence[str]
) -> _Condition:
    """Write what was chosen as a condition on `events` and its parameters."""
    given = {"since": since, "until": until, "labels": _labels(labels), "kinds": _kinds(kinds)}
    for name in ("since", "until"):
        time = given[name]
        if isinstance(time, datetime) and time.tzinfo is None:
            raise CatalogError(f"{name} = {time}: has no time zone; write {time.isoformat()}+00:00")
    given = {name: value for name, value in given.items() if value}
    return " AND ".join(_CONDITIONS[name] for name in given) or "true", given


def _labels(labels: Sequence[str]) -> list[str]:
    """Find the labels and domains that are meant; `auth.*` means the leaves of a domain."""
    known = [*taxonomy().leaves, *taxonomy().domains, UNKNOWN]
    meant: list[str] = []
    for label in labels:
        found = [one for one in known if fnmatchcase(one, label)]
        if not found:
            near = difflib.get_close_matches(label, known, n=1, cutoff=0.5)
            raise CatalogError(f"{label}: no such label" + (f"; did you mean {near[0]}?" if near else ""))
        meant += found
    return meant


def _kinds(kinds: Sequence[str]) -> list[str]:
    for kind in kinds:
        if not _KIND.fullmatch(kind):
            raise CatalogError(f"{kind!r}: not a template id; `dioptre templates list` shows them, 16 hex digits each")
    return list(kinds)


def _write(lake: Lake, aside: Path, told: Format, chosen: _Condition) -> tuple[int, int]:
    """Write the file; give the numbers of events and of templates in it."""
    where, given = chosen
    query = f"SELECT * FROM source.events WHERE {where} ORDER BY ts, source, source_offset, ordinal"
    with (
        tempfile.TemporaryDirectory(prefix="dioptre-export-") as spill,
        file.new_file(aside) if told == "duckdb" else duckdb.connect() as con,
    ):
        con.execute(f"SET temp_directory = {ddl.quoted(spill)}")
        con.execute("SET TimeZone = 'UTC'")
        target = _one(con, "SELECT current_database()")
        con.execute("ATTACH ':memory:' AS source")
        con.execute("USE source")
        file.fill(con, lake)
        con.execute(f"USE {target}")
        if told == "duckdb":
            return _tables(con, query, given)
        return _copy(con, aside, told, query, given)


def _tables(con: duckdb.DuckDBPyConnection, query: str, given: dict[str, Any]) -> tuple[int, int]:
    """Make the tables events, templates and labels, and the macros over them, in the current database."""
    con.execute(f"CREATE TABLE events AS {query}", given or None)
    used = "SELECT template_id FROM events"
    con.execute(f"CREATE TABLE templates AS FROM source.templates WHERE template_id IN ({used}) ORDER BY template_id")
    con.execute(f"CREATE TABLE template_ids AS FROM source.template_ids WHERE new IN ({used}) ORDER BY old, new")
    file.make_labels(con)
    ddl.run_export(con)
    return _one(con, "SELECT count(*) FROM events"), _one(con, "SELECT count(*) FROM templates")


def _copy(
    con: duckdb.DuckDBPyConnection, aside: Path, told: Format, query: str, given: dict[str, Any]
) -> tuple[int, int]:
    """Write what the query gives as Parquet or CSV."""
    how = "FORMAT csv, HEADER" if told == "csv" else "FORMAT parquet, COMPRESSION zstd"
    columns = _without_formulas(con) if told == "csv" else "*"
    events = _one(con, f"COPY (SELECT {columns} FROM ({query})) TO {ddl.quoted(aside)} ({how})", given)
    return events, _one(con, f"SELECT count(DISTINCT template_id) FROM ({query})", given)


def _without_formulas(con: duckdb.DuckDBPyConnection) -> str:
    """List the columns; text that a spreadsheet would take for a formula gets a single quote in front."""
    columns = [(row[0], row[1]) for row in con.execute("DESCRIBE source.events").fetchall()]
    safe = "CASE WHEN regexp_matches({0}, " + _FORMULA + ") THEN '''' || {0} ELSE {0} END AS {0}"
    return ", ".join(safe.format(name) if kind == "VARCHAR" else name for name, kind in columns)


def _one(con: duckdb.DuckDBPyConnection, query: str, given: dict[str, Any] | None = None) -> Any:
    """Give the first value of a query."""
    return con.execute(query, given or None).fetchall()[0][0]
