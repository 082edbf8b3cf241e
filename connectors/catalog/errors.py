"""What the catalog says when it cannot: one line, with what would be right; DuckDB's messages are made so too."""

import contextlib
import re
from collections.abc import Iterator

import duckdb

_EXCERPT = re.compile(r"\n\s*LINE (\d+):.*", re.DOTALL)
_OUTSIDE = " - file system operations are disabled by configuration"
_TORN = re.compile(r"[Nn]o magic bytes|[Pp]arquet footer|[Tt]hrift|TProtocol|checksum|File '[^']*\.parquet'")
_SHORTER = "ask for less: a shorter time, fewer columns"


class CatalogError(Exception):
    """The catalog or a query of it failed. The message is one line: what, where, and what would be right."""


@contextlib.contextmanager
def one_line(doing: str = "") -> Iterator[None]:
    """Turn whatever DuckDB raises into a CatalogError of one line, `doing` in front."""
    try:
        yield
    except (duckdb.Error, UnicodeError) as error:
        raise CatalogError(doing + told(str(error))) from error


def told(message: str) -> str:
    """Give DuckDB's message in one line: without the excerpt of the query, with its hint, or ours."""
    first, *more = [line.strip().rstrip("!.") for line in _EXCERPT.sub("", message).splitlines() if line.strip()]
    if _OUTSIDE in first:
        return f"{first.partition(_OUTSIDE)[0]}: a session reads the lake and nothing else"
    if _TORN.search(first) and ".parquet" in message:
        return f"{first}; `dioptre lake verify` names what is torn, `dioptre lake repair` moves it aside"
    if first.startswith("Out of Memory"):
        return f"{first}; {_SHORTER}; or give the session more memory"
    if first.startswith("INTERRUPT"):
        return f"{first}; {_SHORTER}; or give the session more time"
    if first.startswith("Parser Error") and not more:
        at = _EXCERPT.search(message)
        first += f" in line {at[1]}" if at else ""
        more = ["`FROM events LIMIT 5` is a query, `SHOW TABLES` lists what can be asked"]
    return "; ".join([first, *more])
