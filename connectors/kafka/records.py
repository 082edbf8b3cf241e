"""Decode the record batches of a fetch response straight into Arrow, without Python for each record."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.kafka import codecs, few
from connectors.kafka.batches import SHORTEST_RECORD, BadBatch, Batch, wanted

__all__ = ["BadBatch", "Decoded", "Limits", "decode"]

FEW_RECORDS = 2_000
"""Fewer are read one by one: loading the kernel takes as long as that takes for ten thousand."""

Piece = tuple[Batch, memoryview]
"""A batch to be read and its records, decompressed; those of a message are read with it."""


@dataclass(frozen=True)
class Limits:
    """What decoding may take, in bytes of decompressed records."""

    total: int = 32 << 20
    """No further batch is read once so many are."""
    batch: int = 128 << 20
    """A compressed batch may grow to this. Producers make them from 16 KiB to 1 MiB, or of one larger record."""


@dataclass(frozen=True)
class Decoded:
    """Records in the order of their offsets.

    Attributes:
        offsets: (n,) int64, ascending.
        timestamps: (n,) int64, ms since 1970; -1 where the record has none.
        appended: (n,) bool: the time is the broker's (LogAppendTime), not the producer's.
        values: (n,) binary; null is a tombstone.
        next_offset: behind the last batch that was read; batches without a record for the reader count as read.
    """

    offsets: npt.NDArray[np.int64]
    timestamps: npt.NDArray[np.int64]
    appended: npt.NDArray[np.bool_]
    values: pa.BinaryArray
    next_offset: int


def decode(
    data: bytes | memoryview, start: int, *,
    aborted: Collection[tuple[int, int]] = (), check_crc: bool = True, limits: Limits = Limits(),
) -> Decoded:  # fmt: skip
    """Decode the records from offset `start` on, up to the last whole batch or the limit.

    Control batches and the records of aborted transactions are left out.

    Args:
        data: the records field of a fetch response: batches (v2), or messages (v0, v1).
        start: the first offset wanted; it may lie within a batch.
        aborted: (producer id, first offset) of the aborted transactions that the same response told of.
        check_crc: whether each batch is checked against its CRC.

    Raises:
        BadBatch: the first batch wanted cannot be read. Where a later one cannot, those in front of it are given, and
            the error comes when asked from there.
    """
    view = memoryview(data).toreadonly()
    pieces, reached = _pieces(view, start, aborted, check_crc, limits)
    try:
        return _decoded(view, pieces, start, reached)
    except BadBatch as bad:
        good = [piece for piece in pieces if piece[0].next <= bad.first]
        if not good:
            raise
        return _decoded(view, good, start, good[-1][0].next)


def _pieces(
    view: memoryview, start: int, aborted: Collection[tuple[int, int]], check_crc: bool, limits: Limits
) -> tuple[list[Piece], int]:
    """What is to be read, and the offset behind it."""
    pieces: list[Piece] = []
    reached, size = start, 0
    try:
        for batch, ours in wanted(view, start, aborted, check_crc):
            if ours:
                pieces.append((batch, _records(view, batch, limits.batch)))
                size += len(pieces[-1][1])
            reached = batch.next
            if size >= limits.total:
                break
    except BadBatch:
        if reached == start:
            raise
    return pieces, reached


def _records(view: memoryview, batch: Batch, limit: int) -> memoryview:
    """The decompressed records of a batch; a message as it is."""
    if batch.magic < 2:
        return view[batch.at : batch.end]
    records = view[batch.begin : batch.end]
    if batch.codec:
        try:
            records = memoryview(codecs.undo(batch.codec, records, limit))
        except (codecs.TooLarge, codecs.Broken) as error:
            raise BadBatch(str(error), batch) from error
    if batch.records * SHORTEST_RECORD > len(records):
        raise BadBatch(f"{batch.records} records do not fit into its {len(records)} bytes", batch)
    return records


def _decoded(view: memoryview, pieces: list[Piece], start: int, reached: int) -> Decoded:
    old = any(batch.magic < 2 for batch, _ in pieces)
    if old or sum(batch.records for batch, _ in pieces) < FEW_RECORDS:
        return _by_one(pieces, start, reached)
    return _by_kernel(view, pieces, start, reached)


def _by_one(pieces: list[Piece], start: int, reached: int) -> Decoded:
    found = [row for batch, records in pieces for row in few.rows(batch, records) if row.offset >= start]
    offsets, ms, appended, values = zip(*found, strict=True) if found else ((), (), (), ())
    return Decoded(
        np.array(offsets, np.int64), np.array(ms, np.int64), np.array(appended, np.bool_),
        pa.array(values, pa.binary()), reached,
    )  # fmt: skip


def _by_kernel(view: memoryview, pieces: list[Piece], start: int, reached: int) -> Decoded:
    from connectors.kafka.kernels import door  # numba takes a second to import

    found = [batch for batch, _ in pieces]
    ends = [batch.end for batch in found]
    if any(batch.codec for batch in found):
        view = memoryview(b"".join(records for _, records in pieces))
        ends = list(accumulate(len(records) for _, records in pieces))
    begins = [end - len(records) for end, (_, records) in zip(ends, pieces, strict=True)]
    columns, bad = door.read(view, found, begins, ends, start)
    if bad is not None:
        raise few.disorder(found[bad])
    return Decoded(*columns, reached)
