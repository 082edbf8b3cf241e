"""A session: SQL over one lake that can read nothing else and write nothing, and sees kinds as they are today."""

import contextlib
import os
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from connectors.catalog import ddl, file
from connectors.catalog.errors import CatalogError, one_line
from connectors.catalog.guard import statements
from connectors.lake import Lake, LakeError
from connectors.scratch import Scratch

_TRIES = 3
_GONE = re.compile(r"No such file|No files found|[Cc]annot open file|[Ff]ailed to open")

Parameters = Sequence[Any] | Mapping[str, Any]


class Session:
    """Reads a lake with SQL. Before each statement a catalog that has changed is built and opened anew.

    If the lake cannot be written, the catalog is made in memory. Not for several threads at once.

    Args:
        memory: bound on DuckDB's memory; what does not fit goes to a temporary folder, gone when the session ends.
        threads: None: one a core.
        timeout_s: a statement that takes longer is ended; None: never. Needs DuckDB 2.

    Raises:
        CatalogError, LakeError: the catalog can neither be written nor made.
    """

    def __init__(
        self, lake: Lake, *, memory: str = "4GB", threads: int | None = None, timeout_s: float | None = None
    ) -> None:
        self._lake = lake
        self._stamp: str | None = None
        self._spill = contextlib.ExitStack()
        spill = self._spill.enter_context(Scratch()).path
        self._con = duckdb.connect(config=_config(memory, threads or os.cpu_count() or 1))
        try:
            with one_line("cannot open a session: "):
                _lock(self._con, lake.root, spill, timeout_s)
            self._refresh()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: types.TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session; what it put into the temporary folder is removed."""
        self._con.close()
        self._spill.close()

    def interrupt(self) -> None:
        """End the statement that runs now in another thread; it raises there."""
        self._con.interrupt()

    def run(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        """Run one or more statements.

        Args:
            sql: statements that read, `;` between them. Variables (SET VARIABLE) last as long as the session.
            parameters: values for `?` or `$name`; then `sql` is one statement.

        Returns:
            what the last statement gave; a table without columns if that is nothing (SET VARIABLE, a mere comment).

        Raises:
            CatalogError: one line: refused since it would write, or DuckDB's message with its hint.
        """
        return [pa.table({}), *self.results(sql, parameters)][-1]

    def results(self, sql: str, parameters: Parameters | None = None) -> Iterator[pa.Table]:
        """Run statements as `run` does, and give the result of each in turn. All are checked before the first runs."""
        found = statements(self._con, sql)
        if parameters and len(found) != 1:
            raise CatalogError(f"parameters are for one statement, this is {len(found)}; run them one at a time")
        for statement in found:
            yield self._answer(statement, parameters)

    def _answer(self, statement: duckdb.Statement, parameters: Parameters | None) -> pa.Table:
        """Run a statement; again, if a file went between its listing and its opening, as after a compaction."""
        for left in range(_TRIES - 1, -1, -1):
            self._refresh()
            try:
                with one_line():
                    return self._table(statement, parameters)
            except CatalogError as error:
                if not left or not _GONE.search(str(error)):
                    raise
        raise AssertionError("unreachable")

    def _table(self, statement: duckdb.Statement, parameters: Parameters | None) -> pa.Table:
        if duckdb.ExpectedResultType.QUERY_RESULT not in statement.expected_result_type:
            self._con.execute(statement)
            return pa.table({})
        given = list(parameters) if isinstance(parameters, tuple) else parameters
        relation = self._con.sql(statement.query, params=given or None)
        return _whole_numbers(relation.to_arrow_table()) if relation is not None else pa.table({})

    def _refresh(self) -> None:
        """Open the catalog if it is another than the one that is open."""
        now = file.stamp(self._lake)
        if now == self._stamp:
            return
        path: Path | None = self._lake.root / file.CATALOG
        if file.read_stamp(self._lake.root / file.CATALOG) != now:
            try:
                path = file.build(self._lake)
            except (CatalogError, LakeError):
                path = None
        with one_line("cannot open the catalog: "):
            self._stamp = self._open(path)

    def _open(self, path: Path | None) -> str:
        """Make the catalog the current database: the file, or (None) one in memory; give its stamp."""
        self._con.execute("USE memory")
        self._con.execute("DETACH DATABASE IF EXISTS lake")
        if path is None:
            self._con.execute("ATTACH ':memory:' AS lake")
            self._con.execute("USE lake")
            return file.fill(self._con, self._lake)
        self._con.execute(f"ATTACH {ddl.quoted(path)} AS lake (READ_ONLY)")
        self._con.execute("USE lake")
        return str(self._con.execute("SELECT stamp FROM catalog_stamp").fetchall()[0][0])


def _whole_numbers(table: pa.Table) -> pa.Table:
    """Give sums as int64 where they fit: DuckDB's 128-bit integers come as decimals, which JSON makes text."""
    for i, field in enumerate(table.schema):
        if field.type == pa.decimal128(38, 0):
            with contextlib.suppress(pa.ArrowInvalid):
                table = table.set_column(i, field.name, table.column(i).cast(pa.int64()))
    return table


def _config(memory: str, threads: int) -> dict[str, Any]:
    return {
        "memory_limit": memory,
        "threads": threads,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def _lock(con: duckdb.DuckDBPyConnection, root: Path, spill: Path, timeout_s: float | None) -> None:
    """Shut the sandbox: nothing is read but the lake's events and catalog, no setting changes any more."""
    events = {f"{root}/events/", ddl.literal_glob(f"{root}/events/")}
    catalog = root / file.CATALOG
    paths = [str(catalog), f"{catalog}.wal"]
    con.execute(f"SET allowed_directories = [{', '.join(map(ddl.quoted, sorted(events)))}]")
    con.execute(f"SET allowed_paths = [{', '.join(map(ddl.quoted, paths))}]")
    con.execute(f"SET temp_directory = {ddl.quoted(spill)}")
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    if timeout_s is not None:
        con.execute(f"SET max_execution_time = {int(timeout_s * 1000)}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
