"""Stamps as numbers: RFC 3164 up to its hour, which needs a year and a zone; ISO 8601 with a zone whole."""

import numpy as np

from connectors.formats import stamps
from connectors.formats.kernels.clean import Bytes
from schemas.compiled import helper

MICROS, NANOS = 6, 9
"""Digits of a fraction: what syslog daemons write, and what Docker and programs in Go do."""
NO_TIME = int(np.iinfo(np.int64).min)
HOURS = 12 * 32 * 24
"""Hours of a year that are told apart: (month * 32 + day) * 24 + hour."""

_MONTHS = np.array([int.from_bytes(name.encode(), "little") for name in stamps.MONTHS], np.int64)
_COLON, _DASH, _PLUS, _DOT, _T, _Z = 58, 45, 43, 46, 84, 90
_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000


def hour_text(hour: int) -> str:
    """Write an hour of HOURS as a stamp does, without minutes: `Nov 20 11`."""
    day, clock = divmod(hour, 24)
    return f"{list(stamps.MONTHS)[day // 32]} {day % 32:2d} {clock:02d}"


@helper
def digit(data: Bytes, at: int) -> int:
    """One digit; a large negative number for none, which spoils any sum it enters."""
    return data[at] - 48 if 48 <= data[at] <= 57 else -(1 << 32)


@helper
def two(data: Bytes, at: int, most: int) -> int:
    """Two digits up to `most`; a large negative number for none."""
    value = digit(data, at) * 10 + digit(data, at + 1)
    return value if value <= most else -(1 << 32)


@helper
def hour_of(data: Bytes, at: int) -> int:
    """The hour of HOURS that `Nov 20 11` or `Nov  5 01` at `at` is; negative for none."""
    name = np.int64(data[at]) | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2]) << 16
    day = (0 if data[at + 4] == 32 else digit(data, at + 4) * 10) + digit(data, at + 5)
    for month in range(12):
        if _MONTHS[month] == name:
            return (month * 32 + day) * 24 + two(data, at + 7, 23) if day <= 31 else -1
    return -1


@helper
def minutes_us(data: Bytes, at: int) -> int:
    """Microseconds of `:59:58`; negative for none, and for :60."""
    if data[at] != _COLON or data[at + 3] != _COLON:
        return -1
    return (two(data, at + 1, 59) * 60 + two(data, at + 4, 59)) * 1_000_000


@helper
def iso_us(data: Bytes, at: int, end: int, most: int) -> int:
    """Microseconds since 1970 of the stamp [at, end), which has a `T`, a zone and up to `most` digits of fraction."""
    zone = 1 if data[end - 1] == _Z else 6
    part = end - at - 19 - zone
    if part < 0 or part == 1 or part > most + 1 or data[at + 10] != _T:
        return NO_TIME
    day, hour, rest = _day_us(data, at), two(data, at + 11, 23), minutes_us(data, at + 13)
    east = 0 if zone == 1 else _east_us(data, end - 6)
    micros = _fraction_us(data, at + 19, part)
    if day == NO_TIME or hour < 0 or rest < 0 or east == NO_TIME or micros < 0:
        return NO_TIME
    return day + hour * _HOUR_US + rest + micros - east


@helper
def _fraction_us(data: Bytes, at: int, size: int) -> int:
    """Microseconds of `.123`, `size` bytes long, cut behind the sixth digit; negative for none."""
    if size > 0 and data[at] != _DOT:
        return -1
    value = 0
    for i in range(1, 7):
        value = value * 10 + (digit(data, at + i) if i < size else 0)
    for i in range(7, size):
        if digit(data, at + i) < 0:
            return -1
    return value


@helper
def _east_us(data: Bytes, at: int) -> int:
    """Microseconds of `+01:00`."""
    minutes = two(data, at + 1, 23) * 60 + two(data, at + 4, 59)
    if data[at + 3] != _COLON or minutes < 0:
        return NO_TIME
    east = minutes * 60_000_000
    return east if data[at] == _PLUS else -east if data[at] == _DASH else NO_TIME


@helper
def _day_us(data: Bytes, at: int) -> int:
    """Microseconds of the midnight of `2026-11-20` in UTC, of the years 2 to 9998.

    Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    """
    year = two(data, at, 99) * 100 + two(data, at + 2, 99)
    month, day = two(data, at + 5, 12), two(data, at + 8, 31)
    if data[at + 4] != _DASH or data[at + 7] != _DASH or not 2 <= year <= 9998 or month < 1 or day < 1:
        return NO_TIME
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    short = month == 4 or month == 6 or month == 9 or month == 11
    if day > (28 + leap if month == 2 else 31 - short):
        return NO_TIME
    since_march = (month + 9) % 12
    if month <= 2:
        year -= 1
    of_year = (153 * since_march + 2) // 5 + day - 1
    return (year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719_468) * _DAY_US
