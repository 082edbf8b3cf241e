"""Which statements a session runs: those that read. The sandbox stands behind this; here the refusal is kind."""

import re

import duckdb

from connectors.catalog.errors import CatalogError, one_line

_BLANK = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_VARIABLE = re.compile(_BLANK + r"(?:RE)?SET\s+VARIABLE\b", re.IGNORECASE | re.DOTALL)
_EXPLAIN = re.compile(_BLANK + r"EXPLAIN\s*(?:ANALYZE\b)?\s*(?:\([^)]*\))?", re.IGNORECASE | re.DOTALL)
_PIVOT = re.compile(_BLANK + r"(?:PIVOT|PIVOT_WIDER|FROM|SELECT|WITH|\()", re.IGNORECASE | re.DOTALL)
_WRITES = re.compile(
    r"\b(?:COPY|CREATE|INSERT|UPDATE|DELETE|MERGE|EXPORT|ATTACH|INSTALL|LOAD|DROP|ALTER)\b", re.IGNORECASE
)
_FILES = "`dioptre sql --format parquet` and `dioptre export` write files"
_LAKE_ONLY = "it holds one lake, and what is built into DuckDB"
_INSTEAD = {
    "COPY": _FILES,
    "EXPORT": _FILES,
    "SET": "the settings of a session are fixed; `SET VARIABLE name = value` works",
    "PRAGMA": "`DESCRIBE events` and `SHOW TABLES` tell what there is",
    "CALL": "`FROM function(...)` asks a table function",
    **dict.fromkeys(("ATTACH", "DETACH", "LOAD", "COPY_DATABASE"), _LAKE_ONLY),
    **dict.fromkeys(
        ("PREPARE", "EXECUTE"), "`SET VARIABLE name = value` keeps a value, `getvariable('name')` gives it"
    ),
}
_ELSE = "`WITH name AS (SELECT ...)` makes an intermediate table"


def statements(con: duckdb.DuckDBPyConnection, sql: str) -> list[duckdb.Statement]:
    """Split SQL into its statements, each of which only reads.

    Raises:
        CatalogError: a statement would write, or load, or change the session; or the text is not SQL.
    """
    with one_line():
        sql.encode()
        found = con.extract_statements(sql)
    for statement in found:
        _check(con, statement)
    return list(found)


def _check(con: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> None:
    kind = statement.type.name
    if kind == "SELECT" or (kind == "MULTI" and _only_pivots(statement.query)):
        return
    if kind == "SET" and _VARIABLE.match(statement.query):
        return
    if kind == "EXPLAIN":
        statements(con, _EXPLAIN.sub("", statement.query, count=1))
        return
    raise CatalogError(f"{kind}: not run, a session only reads; {_INSTEAD.get(kind, _ELSE)}")


def _only_pivots(query: str) -> bool:
    """Say whether a statement of several parts is a PIVOT that is asked, not one whose answer is written anywhere.

    DuckDB calls both `MULTI`; so a PIVOT may not name a word that writes, not even a column of that name.
    """
    return _PIVOT.match(query) is not None and _WRITES.search(query) is None
