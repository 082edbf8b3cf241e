"""The kinds a lake knows: `novel/` (met for the first time) and `registry/` (what holds now), and the fold of both."""

import contextlib
import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.lake import commit
from connectors.lake.folding import RANKED, folded, sorted_rows
from connectors.lake.layout import NOVEL, REGISTRY, TornError, sequence_name, sequence_of
from schemas.registry import KINDS, conform


class Kinds:
    """The two folders of a lake that remember kinds. Safe among threads and processes; reads each file once.

    A novel file is an Arrow stream named by the sha256 of its bytes: read nine times faster than Parquet when there
    are thousands of a few rows (5,000: .75 s for 7 s), and a torn one is told by its name.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._seen: frozenset[str] = frozenset()
        self._rows = RANKED.empty_table()
        self._folded = KINDS.empty_table()

    def note_novel(self, kinds: pa.RecordBatch) -> Path | None:
        """Remember kinds met for the first time; durable on return. None when there are none.

        The name is the content, so a replay finds its note made. A torn note of that name is mended.
        """
        _check(kinds.schema)
        if kinds.num_rows == 0:
            return None
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, KINDS) as out:
            out.write_batch(kinds.replace_schema_metadata(None))
        data = sink.getvalue().to_pybytes()
        final = self._root / NOVEL / novel_name(data)
        if not commit.create(self._root, data, final) and final.read_bytes() != data:
            commit.replace(self._root, data, final)
        return final

    def publish(self, kinds: pa.Table) -> int:
        """Write the next registry file; the loser of a race takes the number after. `set_at` of all rows is now.

        Returns:
            its sequence, from 1; for an empty table the newest there is (0: none), and nothing is written.

        Raises:
            ValueError: other columns than KINDS, or a key stands twice.
        """
        while (written := self.publish_after(self.stamp()[0], kinds)) is None:
            continue
        return written

    def publish_after(self, sequence: int, kinds: pa.Table) -> int | None:
        """Publish rows that were made from what held at a sequence; None: the registry is no longer there."""
        _check(kinds.schema)
        if len(kinds.column("key").unique()) != kinds.num_rows:
            raise ValueError("registry: a key stands twice in what is to be published")
        if kinds.num_rows == 0:
            return sequence
        if sequence != self.stamp()[0]:
            return None
        data = memoryview(registry_bytes(_stamped(kinds)))
        final = self._root / REGISTRY / sequence_name(sequence + 1)
        return sequence + 1 if commit.create(self._root, data, final) else None

    def stamp(self) -> tuple[int, int]:
        """Give (newest registry sequence, number of novel files): when it is unchanged, so are the kinds."""
        sequences = [n for name in self._list(REGISTRY) if (n := sequence_of(name)) is not None]
        return max(sequences, default=0), sum(1 for name in self._list(NOVEL) if name.endswith(".arrow"))

    def published(self, after: int) -> tuple[int, list[pa.Table]]:
        """Give the newest sequence, and the registry files behind `after`, oldest first; torn ones are left out.

        Whoever keeps the kinds in memory learns by it what people and learners have published meanwhile.
        """
        fresh = sorted(n for name in self._list(REGISTRY) if (n := sequence_of(name)) is not None and n > after)
        tables: list[pa.Table] = []
        for sequence in fresh:
            with contextlib.suppress(TornError):
                tables.append(read_registry(self._root / REGISTRY / sequence_name(sequence)))
        return max([after, *fresh]), tables

    def fold(self) -> pa.Table:
        """Give one row a key, as `folding` says. Torn files are left out."""
        with self._lock:
            self._read()
            return self._folded

    def history(self) -> pa.Table:
        """Give all that was ever said, ordered by key, then from the newest to the oldest: KINDS, and `_rank`.

        `_rank` is the sequence of the registry file, 0 for novel, of which there is one row a key.
        """
        with self._lock:
            self._read()
            return self._rows

    def _read(self) -> None:
        """Read what is new since the last look."""
        names = frozenset(f"{folder}/{name}" for folder in (NOVEL, REGISTRY) for name in self._list(folder))
        if self._seen - names:
            self._seen, self._rows = frozenset(), RANKED.empty_table()
        fresh = [t for name in sorted(names - self._seen) if (t := self._ranked(name)) is not None]
        if fresh or not self._seen:
            self._rows = sorted_rows(pa.concat_tables([self._rows, *fresh]))
            self._folded = folded(self._rows)
        self._seen = names

    def _list(self, folder: str) -> list[str]:
        with commit.told(self._root / folder, "list"):
            return [entry.name for entry in os.scandir(self._root / folder)]

    def _ranked(self, name: str) -> pa.Table | None:
        """Read a file with its rank: the sequence, 0 for novel; None when it is torn or not ours."""
        path = self._root / name
        try:
            table = read_novel(path) if name.startswith(NOVEL) else read_registry(path)
        except TornError:
            return None
        rank = 0 if name.startswith(NOVEL) else sequence_of(path.name)
        return table.append_column("_rank", pa.array(np.full(table.num_rows, rank), pa.int64()))


def novel_name(data: bytes) -> str:
    """Name a novel file by its bytes."""
    return f"{hashlib.sha256(data).hexdigest()[:32]}.arrow"


def read_novel(path: Path) -> pa.Table:
    """Read a novel file.

    Raises:
        TornError: it cannot be read, or its bytes are not those of its name.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TornError(f"{path}: unreadable: {error.strerror}") from error
    if novel_name(data) != path.name:
        raise TornError(f"{path}: torn: its bytes are not those it is named after")
    return conform(pa.ipc.open_stream(data).read_all())


def read_registry(path: Path) -> pa.Table:
    """Read a registry file.

    Raises:
        TornError: it cannot be read, is not named by a number, or has other columns.
    """
    if sequence_of(path.name) is None:
        raise TornError(f"{path}: not a registry file: its name is no number of ten digits")
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read(use_threads=False)
        return conform(table)
    except (OSError, ValueError) as error:
        raise TornError(f"{path}: torn or unreadable: {str(error).splitlines()[0]}") from error


def _check(schema: pa.Schema) -> None:
    if not schema.equals(KINDS):
        raise ValueError(f"not the columns of KINDS: {schema.names}")


def registry_bytes(kinds: pa.Table) -> bytes:
    """Write rows as a registry file."""
    sink = pa.BufferOutputStream()
    pq.write_table(kinds.cast(KINDS), sink, compression="zstd", store_schema=False, write_page_checksum=True)
    return bytes(sink.getvalue().to_pybytes())


def _stamped(kinds: pa.Table) -> pa.Table:
    """Say of all rows that they were published now."""
    at, now = KINDS.get_field_index("set_at"), datetime.now(UTC)
    return kinds.set_column(at, KINDS.field(at), pa.array([now] * kinds.num_rows, KINDS.field(at).type))
