"""What a lake remembers of certificates: append-only files for their life, for draws of cert sets, and for audits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.lake import commit
from connectors.lake.layout import TornError, sequence_name, sequence_of
from schemas.certificates import AUDITS, CERTIFICATES, DRAWS

FOLDER = "certificates"
DRAWS_FOLDER, AUDITS_FOLDER = f"{FOLDER}/draws", f"{FOLDER}/audits"
FOLDERS: Mapping[str, pa.Schema] = {FOLDER: CERTIFICATES, DRAWS_FOLDER: DRAWS, AUDITS_FOLDER: AUDITS}
Row = dict[str, Any]


class Certificates:
    """The three journals of a lake. Files are created under the next number; the loser of a race takes the one after.

    A torn file is left out when reading, as in the registry.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, pa.Table] = {}

    def note(self, rows: Sequence[Row]) -> int:
        """Append to the life of certificates (rows of CERTIFICATES); give the number of the file."""
        return self._append(FOLDER, rows)

    def note_after(self, rows: Sequence[Row], number: int) -> bool:
        """Append to the life of certificates right after the file of that number (`stamp`); False: somebody else has
        written since, and what rests on the journal as it was is to be thought over. So nobody spends twice.
        """
        return self._created(FOLDER, rows, number + 1)

    def note_draw(self, rows: Sequence[Row]) -> int:
        """Append a draw (rows of DRAWS)."""
        return self._append(DRAWS_FOLDER, rows)

    def note_audits(self, rows: Sequence[Row]) -> int:
        """Append audits (rows of AUDITS)."""
        return self._append(AUDITS_FOLDER, rows)

    def life(self) -> pa.Table:
        """Give all that happened to certificates, oldest first."""
        return self._all(FOLDER)

    def draws(self) -> pa.Table:
        """Give all draws, oldest first."""
        return self._all(DRAWS_FOLDER)

    def audits(self) -> pa.Table:
        """Give all that happened to audits, oldest first."""
        return self._all(AUDITS_FOLDER)

    def stamp(self) -> int:
        """Give the newest number of the life of certificates, 0: none; when it is unchanged, so is that."""
        return max((sequence_of(path.name) or 0 for path in self._paths(FOLDER)), default=0)

    def _append(self, folder: str, rows: Sequence[Row]) -> int:
        while True:
            number = max((sequence_of(path.name) or 0 for path in self._paths(folder)), default=0) + 1
            if self._created(folder, rows, number):
                return number

    def _created(self, folder: str, rows: Sequence[Row], number: int) -> bool:
        """Create the file of a number; False: it is there."""
        schema = FOLDERS[folder]
        told = [{name: row.get(name) for name in schema.names} for row in rows]
        data = encoded(pa.Table.from_pylist(told, schema))
        return commit.create(self._root, data, self._root / folder / sequence_name(number))

    def _paths(self, folder: str) -> list[Path]:
        here = self._root / folder
        with commit.told(here, "list"):
            found = here.iterdir() if here.is_dir() else iter(())
            return sorted(path for path in found if sequence_of(path.name) is not None)

    def _all(self, folder: str) -> pa.Table:
        for path in self._paths(folder):
            if path not in self._read:
                try:
                    self._read[path] = read_certificates(path, FOLDERS[folder])
                except TornError:
                    continue
        mine = [table for path, table in sorted(self._read.items()) if path.parent == self._root / folder]
        return pa.concat_tables([FOLDERS[folder].empty_table(), *mine])


def encoded(table: pa.Table) -> bytes:
    """Write a table as the bytes of a file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return bytes(sink.getvalue().to_pybytes())


def read_certificates(path: Path, schema: pa.Schema) -> pa.Table:
    """Read one file; columns that came later than it are null.

    Raises:
        TornError: it cannot be read.
    """
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read(use_threads=False)
        columns = [table[f.name] if f.name in table.column_names else pa.nulls(table.num_rows, f.type) for f in schema]
        return pa.Table.from_arrays(columns, names=schema.names).cast(schema)
    except (OSError, ValueError) as error:
        raise TornError(f"{path}: torn or unreadable: {str(error).splitlines()[0]}") from error
