"""Find the record batches in the bytes of a fetch, check them, and tell which of them are to be read."""

import contextlib
import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple
from zlib import crc32

from crc32c import crc32c

from connectors.kafka.record import Outside, read_record

_HEAD = struct.Struct(">qi")
_HEADER = struct.Struct(">qiibIhiqqqhii")
_MESSAGE = struct.Struct(">qiIb")
_MAGIC_AT, _CHECKED_FROM = 16, 21
_SMALLEST = {0: 26, 1: 34, 2: _HEADER.size}
"""Bytes of the shortest batch, by magic; before magic 2 it is a message."""
SHORTEST_RECORD = 7
_CODEC, _APPENDED, _TRANSACTION, _CONTROL = 0x07, 0x08, 0x10, 0x20
_ABORT = b"\0\0"
"""The key of the marker that ends an aborted transaction, behind its version."""
_MOST = (1 << 63) - 1


class Batch(NamedTuple):
    """A whole batch: where it stands, [at, end), and what its header says.

    Of a message (magic 0 or 1) only the first four and `crc` are known; `base` is then its last offset.
    """

    at: int
    end: int
    magic: int
    base: int
    epoch: int = -1
    crc: int = 0
    attributes: int = 0
    last: int = 0
    first_ms: int = -1
    max_ms: int = -1
    producer: int = -1
    records: int = 0

    @property
    def begin(self) -> int:
        """Where the records begin."""
        return self.at + _HEADER.size

    @property
    def next(self) -> int:
        """The offset behind it; compaction keeps it though the last record is gone."""
        return self.base + self.last + 1

    @property
    def codec(self) -> int:
        """A number of `codecs.NAMES`, or an unknown one."""
        return self.attributes & _CODEC

    @property
    def appended(self) -> bool:
        """Whether all its records bear the broker's time, max_ms."""
        return bool(self.attributes & _APPENDED)


class BadBatch(Exception):  # noqa: N818 - says what it is
    """A batch that cannot be read; the message is one line and names its offset.

    Attributes:
        first, next: its offsets are [first, next).
        damaged: True: its bytes have changed since they were written, another fetch may help, and `next` is `first`,
            as no header is to be trusted; False: it was written so.
    """

    def __init__(self, why: str, batch: Batch, *, damaged: bool = False) -> None:
        super().__init__(f"the record batch at offset {batch.base} cannot be read: {why}")
        self.first, self.next, self.damaged = batch.base, batch.base if damaged else batch.next, damaged


def batches(data: memoryview, start: int) -> Iterator[Batch]:
    """Give the whole batches of a fetch from `start` on, in order; a partial one at the end is left out.

    Raises:
        BadBatch: what stands there is no batch.
    """
    at, reached = 0, start
    while at + _MAGIC_AT < len(data):
        base, length = _HEAD.unpack_from(data, at)
        magic, end = data[at + _MAGIC_AT], at + _HEAD.size + length
        if magic not in _SMALLEST or end - at < _SMALLEST[magic] or not 0 <= base < _MOST:
            why = f"magic {magic}, length {length} and offset {base} are no batch's"
            raise BadBatch(why, Batch(at, end, magic, reached), damaged=True)
        if end > len(data):
            return
        batch = _whole(data, at, end) if magic == 2 else _message(data, at, end)
        yield batch
        at, reached = end, batch.next


def _whole(data: memoryview, at: int, end: int) -> Batch:
    base, _, epoch, _, crc, attributes, last, first_ms, max_ms, producer, _, _, count = _HEADER.unpack_from(data, at)
    return Batch(at, end, 2, base, epoch, crc, attributes, last, first_ms, max_ms, producer, count)


def _message(data: memoryview, at: int, end: int) -> Batch:
    base, _, crc, magic = _MESSAGE.unpack_from(data, at)
    return Batch(at, end, magic, base, crc=crc)


def next_offset(data: memoryview, start: int) -> tuple[int, int]:
    """Tell where to fetch on: behind the last whole batch, or in front of what is none; and its leader epoch or -1."""
    epoch, reached = -1, start
    with contextlib.suppress(BadBatch):
        for batch in batches(data, start):
            epoch, reached = batch.epoch, max(reached, batch.next)
    return reached, epoch


def wanted(
    data: memoryview, start: int, aborted: Collection[tuple[int, int]], check_crc: bool
) -> Iterator[tuple[Batch, bool]]:
    """Check the batches that reach beyond `start`, and tell of each whether its records are a reader's.

    Not a reader's are control batches, and batches of aborted transactions.

    Args:
        aborted: (producer, first offset) of the aborted transactions, as the fetch response told them.

    Raises:
        BadBatch: see there.
    """
    waiting = sorted(((first, producer) for producer, first in aborted), reverse=True)
    gone: set[int] = set()
    for batch in batches(data, start):
        while waiting and waiting[-1][0] < batch.next:
            gone.add(waiting.pop()[1])
        control = batch.attributes & _CONTROL
        if batch.next > start:
            _check(data, batch, check_crc)
            yield batch, not (control or (batch.attributes & _TRANSACTION and batch.producer in gone))
        if control and _is_abort(data, batch):
            gone.discard(batch.producer)


def _check(data: memoryview, batch: Batch, check_crc: bool) -> None:
    """Check a batch against its CRC, and what its header promises."""
    if check_crc and batch.magic == 2 and crc32c(data[batch.at + _CHECKED_FROM : batch.end]) != batch.crc:
        raise BadBatch("its CRC-32C does not fit its bytes", batch, damaged=True)
    if check_crc and batch.magic < 2 and crc32(data[batch.at + _MAGIC_AT : batch.end]) != batch.crc:
        raise BadBatch("its CRC-32 does not fit its bytes", batch, damaged=True)
    if not 0 <= batch.last < _MOST - batch.base or batch.records < 0:
        raise BadBatch(f"it has {batch.records} records, the last at + {batch.last}", batch, damaged=True)


def _is_abort(data: memoryview, batch: Batch) -> bool:
    """Whether a control batch, which is one record and never compressed, ends a transaction as aborted."""
    try:
        key = read_record(data, batch.begin, batch.end).key
    except Outside:
        return False
    return key is not None and key[2:4] == _ABORT
