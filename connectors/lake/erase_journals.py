"""Erasure in what is known of certificates: a drawn line or template that says what is to be erased says nothing more.

Rows stay: that a line was audited, and found right or wrong, is no part of what it said, and promises rest on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from connectors.lake import commit
from connectors.lake.certificates import AUDITS_FOLDER, DRAWS_FOLDER, FOLDERS, encoded, read_certificates
from connectors.lake.erase_kinds import BLANK
from connectors.lake.layout import TornError, sequence_of
from connectors.lake.store import Lake

if TYPE_CHECKING:
    import duckdb

_SAID = """
SELECT _row FROM (SELECT no_rows.* REPLACE ({columns}), j.label AS label, j.template AS template, j._row AS _row
  FROM journal AS j LEFT JOIN no_rows ON false) WHERE ({where}
)"""
_OWN = "SELECT _row FROM journal JOIN gone USING (source, source_offset)"
_COLUMNS = ("message", "app", "key", "template_id", "source", "source_offset", "ordinal")


@dataclass(frozen=True)
class Spoken:
    """A file of a journal, and which of its rows say what is to be erased, in the column of that name."""

    path: Path
    column: str
    rows: tuple[int, ...]


def spoken(con: "duckdb.DuckDBPyConnection", lake: Lake, where: str, templates: set[str]) -> list[Spoken]:
    """Find audits whose record is gone or whose message fulfils the condition; and drawn kinds whose template does, or
    is one of `templates`, by key.
    """
    return [
        Spoken(path, column, rows)
        for folder, column in ((AUDITS_FOLDER, "message"), (DRAWS_FOLDER, "template"))
        for path, table in _files(lake, folder)
        if (rows := _rows(con, table, column, where, templates))
    ]


def erase(lake: Lake, found: list[Spoken]) -> None:
    """Write the files anew, in their places; durable on return."""
    for one in found:
        table = read_certificates(one.path, FOLDERS[str(one.path.parent.relative_to(lake.root))])
        said = pc.is_in(pa.array(range(table.num_rows)), value_set=pa.array(one.rows))
        at = table.schema.get_field_index(one.column)
        blank = pc.if_else(said, BLANK, table[one.column])
        commit.replace(lake.root, encoded(table.set_column(at, table.schema.field(at), blank)), one.path)


def _rows(
    con: "duckdb.DuckDBPyConnection", table: pa.Table, column: str, where: str, templates: set[str]
) -> tuple[int, ...]:
    """Give the rows of a file that say what is to be erased, and are not blank yet."""
    text = {"message": table[column], "template": table[column], "_row": pa.array(range(table.num_rows))}
    nothing = {name: pa.nulls(table.num_rows, pa.string()) for name in ("label", "key")}
    known = {name: table[name] for name in table.column_names if name in (*_COLUMNS, "label")}
    con.register("journal", pa.table(nothing | known | text))
    names = ("label_at_ingest", *(name for name in _COLUMNS if name in known or name in text))
    columns = ", ".join(f"j.{'label' if name == 'label_at_ingest' else name} AS {name}" for name in names)
    queries = [_SAID.format(columns=columns, where=where), *([_OWN] if column == "message" else [])]
    found = {row for query in queries for (row,) in con.execute(query).fetchall()}
    if column == "template":
        found |= {i for i, key in enumerate(table["key"].to_pylist()) if key in templates}
    said = table[column].to_pylist()
    return tuple(sorted(i for i in found if said[i] not in (None, BLANK)))


def _files(lake: Lake, folder: str) -> Iterator[tuple[Path, pa.Table]]:
    """Read all files of a journal, but for torn ones."""
    here = lake.root / folder
    for path in sorted(here.iterdir()) if here.is_dir() else []:
        if sequence_of(path.name) is not None:
            try:
                yield path, read_certificates(path, FOLDERS[folder])
            except TornError:
                continue
