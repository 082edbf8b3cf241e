"""One record of a batch, read in plain Python: what the kernel does for many.

Source: https://kafka.apache.org/documentation/#record
"""

from typing import NamedTuple

_WORD = (1 << 64) - 1


class Outside(Exception):  # noqa: N818 - says where it is
    """A record leaves the bytes it should stand in."""


class Record(NamedTuple):
    """`next`: where the record behind it begins."""

    next: int
    after_ms: int
    delta: int
    key: bytes | None
    value: bytes | None


def read_record(data: memoryview, at: int, end: int) -> Record:
    """Read the record at `at`; headers are passed over.

    Raises:
        Outside: it leaves [at, end).
    """
    length, at = _varint(data, at, end)
    if not 1 <= length <= end - at:
        raise Outside
    stop = at + length
    after_ms, at = _varint(data, at + 1, stop)
    delta, at = _varint(data, at, stop)
    key, at = _text(data, at, stop)
    value, at = _text(data, at, stop)
    return Record(stop, after_ms, delta, key, value)


def int64(value: int) -> int:
    """Wrap a sum as the kernel's integers do."""
    return ((value + (1 << 63)) & _WORD) - (1 << 63)


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """The zigzag number at `at`, at most ten bytes, and the position behind it."""
    value = 0
    for shift in range(0, 64, 7):
        if at >= end:
            break
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return ((value & _WORD) >> 1) ^ -(value & 1), at
    raise Outside


def _text(data: memoryview, at: int, end: int) -> tuple[bytes | None, int]:
    size, at = _varint(data, at, end)
    if size > end - at:
        raise Outside
    return (bytes(data[at : at + size]), at + size) if size >= 0 else (None, at)
