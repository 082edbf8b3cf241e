"""The ledger of a lake: small files, each created once and never changed, and the coefficients that go with them."""

import contextlib
import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.lake import commit
from connectors.lake.layout import LEDGER_FOLDER
from schemas.ledger import LEDGER, Coefficients


def note_ledger(root: Path, table: pa.Table, coefficients: Coefficients) -> Path | None:
    """Write rows (LEDGER schema) and, if they are new here, their coefficients; durable. None: there are no rows.

    Raises:
        LakeError: it cannot be written.
    """
    if not table.num_rows:
        return None
    commit.create(root, coefficients.json().encode(), root / LEDGER_FOLDER / f"{coefficients.id}.json")
    sink = pa.BufferOutputStream()
    pq.write_table(table.cast(LEDGER), sink, compression="zstd", store_schema=False, write_page_checksum=True)
    final = root / LEDGER_FOLDER / f"{uuid.uuid4().hex}.parquet"
    commit.create(root, memoryview(sink.getvalue()), final)
    return final


def read_ledger(root: Path) -> pa.Table:
    """Read all rows; a torn file is left out: the ledger informs, and nothing rests on it."""
    tables = [LEDGER.empty_table()]
    for name in sorted(_names(root, ".parquet")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            tables.append(table_of(root / LEDGER_FOLDER / name))
    return pa.concat_tables(tables)


def table_of(path: Path) -> pa.Table:
    """Read one file.

    Raises:
        OSError, ValueError, KeyError: it cannot be read, or has other columns.
    """
    found = pq.ParquetFile(path, page_checksum_verification=True).read(use_threads=False)
    return found.select(LEDGER.names).cast(LEDGER)


def read_coefficients(root: Path) -> dict[str, Coefficients]:
    """Read the sets of coefficients by id; what is damaged is left out."""
    found: dict[str, Coefficients] = {}
    for name in sorted(_names(root, ".json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            found[name.removesuffix(".json")] = Coefficients.of((root / LEDGER_FOLDER / name).read_text("utf-8"))
    return found


def ledger_stamp(root: Path) -> int:
    """Count the files: when it is unchanged, so is the ledger."""
    return len(_names(root, ".parquet"))


def _names(root: Path, ending: str) -> list[str]:
    """List the files of the ledger; a lake that was made before there was one has no folder for it."""
    try:
        return [entry.name for entry in os.scandir(root / LEDGER_FOLDER) if entry.name.endswith(ending)]
    except FileNotFoundError:
        return []
