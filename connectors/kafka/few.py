"""Read batches record by record: few of them, and the message sets (v0, v1) that came before batches."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from connectors.kafka import codecs
from connectors.kafka.batches import BadBatch, Batch
from connectors.kafka.record import Outside, int64, read_record

MESSAGE_BYTES = 16 << 20
"""A compressed message may grow to this."""


class Row(NamedTuple):
    """A record: offset, time in ms and whether that is LogAppendTime, value (None: a tombstone)."""

    offset: int
    ms: int
    appended: bool
    value: bytes | None


def rows(batch: Batch, records: memoryview) -> Iterator[Row]:
    """Read the records of a batch.

    Args:
        records: decompressed; of a message all its bytes as they are.

    Raises:
        BadBatch: a record leaves its bounds, offsets do not ascend, or bytes are left over.
    """
    return _messages(batch, records) if batch.magic < 2 else _rows(batch, records)


def disorder(batch: Batch) -> BadBatch:
    """Say that the records are not as a batch's must be."""
    return BadBatch("its records leave their bounds, or their order", batch)


def _rows(batch: Batch, records: memoryview) -> Iterator[Row]:
    at, last = 0, -1
    for _ in range(batch.records):
        try:
            record = read_record(records, at, len(records))
        except Outside:
            raise disorder(batch) from None
        if not last < record.delta <= batch.last:
            raise disorder(batch)
        at, last = record.next, record.delta
        ms = batch.max_ms if batch.appended else int64(batch.first_ms + record.after_ms)
        yield Row(batch.base + last, ms, batch.appended, record.value)
    if at != len(records):
        raise disorder(batch)


def _messages(batch: Batch, data: memoryview) -> Iterator[Row]:
    """Read a message, or those that it wraps compressed, by kafka-python's own reader."""
    from kafka.record.legacy_records import LegacyRecordBatch

    class Message(LegacyRecordBatch):  # type: ignore[misc]
        def _decompress(self, key_at: int) -> bytes:
            if batch.magic == 0 and self.compression_type == codecs.NAMES.index("lz4"):
                return bytes(super()._decompress(key_at))  # framed by a rule of its own
            (key,) = struct.unpack_from(">i", data, key_at)
            return codecs.undo(self.compression_type, data[key_at + 8 + max(key, 0) :], MESSAGE_BYTES)

    try:
        for found in Message(data, batch.magic):
            value = None if found.value is None else bytes(found.value)
            yield Row(
                found.offset, -1 if found.timestamp is None else found.timestamp, found.timestamp_type == 1, value
            )
    except Exception as error:  # the reader trusts its input: struct.error, AssertionError, UnsupportedCodecError ...
        raise BadBatch(str(error) or type(error).__name__, batch) from error
