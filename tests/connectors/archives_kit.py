"""A lake in memory that keeps the contract of connectors.lake, and shorthands for the tests of archives."""

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard

from connectors.archives import Finding, Outcome, Plan, find, plan, read

OLD = 1_700_000_000.0
COMPRESS = {
    "plain": lambda data: data,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@dataclass
class Piece:
    """A segment in memory."""

    start: int
    end: int
    footer: dict[str, Any]
    rows: list[tuple[int, bytes, bool]]


@dataclass
class Chain:
    """A chain in memory: append writes what the chain lacks, as connectors.lake does."""

    base: int
    pieces: list[Piece] = field(default_factory=list)

    def end(self) -> int | None:
        return self.pieces[-1].end if self.pieces else None

    def first(self) -> int | None:
        return self.pieces[0].start if self.pieces else None

    def prefix(self) -> str | None:
        return self.pieces[-1].footer["prefix"] if self.pieces else None

    def segments(self) -> list[Piece]:
        return list(self.pieces)

    def append(self, batch: pa.RecordBatch) -> None:
        meta = {k.decode(): v.decode() for k, v in batch.schema.metadata.items()}
        start, end, tail = int(meta["start"]), int(meta["end"]), self.base if self.end() is None else self.end()
        rejects, skips = json.loads(meta["rejects"]), json.loads(meta["skips"])
        assert end - start == batch.num_rows + len(rejects) + sum(skips.values()), "conservation"
        assert tail is not None
        assert start <= tail, "a gap"
        if tail >= end:
            return
        columns = [batch.column(name).to_pylist() for name in ("source_offset", "raw", "truncated")]
        rows = [row for row in zip(*columns, strict=True) if row[0] >= tail]
        footer = {**meta, "marks": json.loads(meta["marks"]), "skips": skips, "rejects": rejects}
        self.pieces.append(Piece(tail, end, footer, rows))


class MemoryLake:
    """Chains by source."""

    def __init__(self) -> None:
        self.chains: dict[str, Chain] = {}

    def chain(self, source: str) -> Chain:
        return self.chains.get(source, Chain(-1))

    def append(self, batch: pa.RecordBatch, range_size: int) -> None:
        source = batch.schema.metadata[b"source"].decode()
        self.chains.setdefault(source, Chain(int(source.rsplit(".", 1)[1]) * range_size)).append(batch)

    def rows(self) -> list[tuple[str, int, bytes, bool]]:
        """All rows: (family, offset, bytes, truncated), in order of family and offset."""
        return sorted((s.rsplit(".", 1)[0], *row) for s, c in self.chains.items() for p in c.pieces for row in p.rows)

    def lines(self) -> list[bytes]:
        return [row[2] for row in self.rows()]

    def rejects(self) -> list[tuple[int, str]]:
        told = [r for c in self.chains.values() for p in c.pieces for r in p.footer["rejects"]]
        return [(r["offset"], r["reason"]) for r in told]


@dataclass
class Run:
    """What a backfill did."""

    plan: Plan
    outcomes: list[Outcome]

    @property
    def findings(self) -> list[Finding]:
        return [f for outcome in self.outcomes for f in outcome.findings]


def backfill(
    lake: MemoryLake, specs: Sequence[Path | str], *, range_size: int = 1 << 30, batches: int = -1, **options: Any
) -> Run:
    """Find, plan, read, append; stop, as if killed, after so many batches."""
    found = find([str(spec) for spec in specs], stdin=options.pop("stdin", None))
    planned = plan(found.archives, lake.chain, range_size, hints=options.pop("hints", None))
    outcomes: list[Outcome] = []
    for r in planned.reads:
        reader = read(r, **options)
        for batch in drive(reader, outcomes):
            if batches == 0:
                return Run(planned, outcomes)
            lake.append(batch, range_size)
            batches -= 1
    return Run(planned, outcomes)


def drive(reader: Any, outcomes: list[Outcome]) -> Iterator[pa.RecordBatch]:
    """Yield a reader's batches, then keep its outcome."""
    outcomes.append((yield from reader))


def put(path: Path, data: bytes, codec: str = "plain", *, mtime: float = OLD) -> Path:
    """Write a file that was last changed long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(COMPRESS[codec](data))
    os.utime(path, (mtime, mtime))
    return path
