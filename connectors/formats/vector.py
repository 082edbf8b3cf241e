"""The common wire formats, many records at once: RFC 3164, RFC 5424 and the ISO file format in their plain forms.

`read` finds the fields of the records that have exactly the plain form, on byte positions; every word that decides
(stamp, host and tag, structured data) is judged by the per-line modules themselves, once for each distinct value.
What it is not sure of it leaves to `line.parse_record`; a property test holds the two together.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.formats import pri, rfc3164, rfc5424, stamps
from connectors.formats.block import Block, Bools, Ints, Words64
from connectors.formats.record import Context, Event

FORMATS = ("rfc3164", "rfc5424", "iso")
_NONE = -1
_HOST_TAG = re.compile(rf"({rfc3164.HOST}) ({rfc3164.TAG})")
_ZEROS = np.uint64(0x3030303030303030)
_NINES = np.uint64(0x7676767676767676)
_HIGH = np.uint64(0x8080808080808080)


class Memo:
    """What a batch has judged so far: its words, numbered, and its `HOST TAG` pairs."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.pairs: dict[str, tuple[int, int]] = {}

    def word(self, word: str) -> int:
        """Number a word."""
        return self.words.setdefault(word, len(self.words))

    def pair(self, pair: str) -> tuple[int, int]:
        """Judge `HOST TAG`: the numbers of both words, -1 where it is none."""
        known = self.pairs.get(pair)
        if known is None:
            split = _split(pair)
            known = (_NONE, _NONE) if split is None else (self.word(split[0]), self.word(split[1]))
            self.pairs[pair] = known
        return known


@dataclass
class Found:
    """The fields of the records read: positions where they are cut from the block, codes where they repeat.

    (n,) each. `format`: index into FORMATS, -1 for a record left over. `host`, `app`, `msgid`: numbers of the memo's
    words, -1 for null. `extra`: index into `extras`, what structured data said. `pri`: -1 without one.
    """

    format: npt.NDArray[np.int8]
    pri: Ints
    ts_us: Ints
    year_inferred: Bools
    host: Ints
    app: Ints
    msgid: Ints
    procid_start: Ints
    procid_end: Ints
    message_start: Ints
    message_end: Ints
    extra: Ints
    memo: Memo = field(default_factory=Memo)
    extras: list[Event] = field(default_factory=list)

    @staticmethod
    def nothing(block: Block, memo: Memo) -> "Found":
        """All records left over."""
        n = len(block.starts)

        def none() -> Ints:
            return np.full(n, _NONE, np.int64)

        return Found(
            np.full(n, _NONE, np.int8), none(), none(), np.zeros(n, np.bool_), none(), none(), none(), none(),
            np.full(n, _NONE - 1, np.int64), none(), block.ends.copy(), none(), memo,
        )  # fmt: skip


def read(block: Block, observed_us: Ints, ctx: Context, memo: Memo) -> Found:
    """Find the fields of the plain records of a block.

    Args:
        observed_us: (n,) when each record was received.
        ctx: reference, zone and format of all.
        memo: of the batch that the block belongs to.
    """
    found = Found.nothing(block, memo)
    rows = np.flatnonzero(block.clean & (block.ends - block.starts > 16))
    rows, at = _pri(block, found, rows)
    iso = (block.data[at + 4] == 45) & (block.data[at + 10] == 84)
    five = ((block.four(at) & np.uint32(0xFFFF)) == 0x2031) & (found.pri[rows] >= 0)
    bsd = (block.data[at + 3] == 32) & (block.data[at + 6] == 32) & (block.data[at + 15] == 32) & ~five
    plans: list[tuple[str, Bools, Callable[..., None]]] = [
        ("rfc3164", bsd, _rfc3164), ("rfc5424", five, _rfc5424), ("iso", iso & ~five & ~bsd, _iso),
    ]  # fmt: skip
    for name, mask, reads in plans:
        if ctx.format in ("auto", name) and mask.any():
            reads(block, found, rows[mask], at[mask], ctx)
    _doubt(block, found, observed_us)
    return found


def _pri(block: Block, found: Found, rows: Ints) -> tuple[Ints, Ints]:
    """Read `<PRI>` where there is one: the rows that stay, and where each goes on."""
    at = block.starts[rows]
    has = block.data[at] == 60
    if not has.any():
        return rows, at
    front = block.window(at[has]) & np.uint64(0xFFFFFFFFFF)
    read = _distinct(front, None, lambda word, _: _pri_of(word))
    good = read >= 0
    found.pri[rows[has]] = np.where(good, read >> 3, _NONE)
    at = at.copy()
    at[has] += read & 7
    keep = np.ones(len(rows), np.bool_)
    keep[np.flatnonzero(has)[~good]] = False
    return rows[keep], at[keep]


@lru_cache(maxsize=65536)
def _pri_of(word: int) -> int:
    """PRI times eight, plus the bytes it takes, of the first five bytes of a record; -1 for none."""
    value, end = pri.read(word.to_bytes(5, "little").decode("latin-1"))
    return -1 if value is None else value << 3 | end


def _rfc3164(block: Block, found: Found, rows: Ints, at: Ints, ctx: Context) -> None:
    hours = _distinct(block.window(at), block.window(at + 1), lambda a, b: _hour(a, b, ctx))
    rest = _minutes(block, at + 9)
    good = (hours != _NO_TIME) & (rest >= 0)
    _header(block, found, rows[good], at[good] + 16, hours[good] + rest[good], "rfc3164")


def _iso(block: Block, found: Found, rows: Ints, at: Ints, ctx: Context) -> None:
    end = block.next(block.blanks, at + 19)
    us = _iso_us(block, at, end, ctx)
    good = (us != _NO_TIME) & (end < block.ends[rows])
    _header(block, found, rows[good], end[good] + 1, us[good], "iso")


_NO_TIME = np.iinfo(np.int64).min


def _hour(first: int, last: int, ctx: Context) -> int:
    """Microseconds of `Nov 20 11`, minutes and seconds left out; _NO_TIME for none, and if clocks change in it."""
    stamp = (first.to_bytes(8, "little") + last.to_bytes(8, "little")[7:]).decode("latin-1")
    begin = stamps.bsd_us(stamp + ":00:00", ctx.reference_us, ctx.tz)
    end = stamps.bsd_us(stamp + ":59:59", ctx.reference_us, ctx.tz)
    return _NO_TIME if begin is None or end is None or end - begin != 3_599_000_000 else begin


def _two(block: Block, at: Ints, most: int) -> Ints:
    """Two digits up to `most`; a large negative number for none."""
    tens, ones = block.data[at].astype(np.int64) - 48, block.data[at + 1].astype(np.int64) - 48
    value = tens * 10 + ones
    return np.where((tens >= 0) & (tens <= 9) & (ones >= 0) & (ones <= 9) & (value <= most), value, -(1 << 40))


def _minutes(block: Block, at: Ints) -> Ints:
    """Microseconds of `:59:58`; negative for none, and for :60."""
    colons = (block.data[at] == 58) & (block.data[at + 3] == 58)
    seconds = _two(block, at + 1, 59) * 60 + _two(block, at + 4, 59)
    return np.where(colons & (seconds >= 0), seconds * 1_000_000, -1)


def _distinct(a: Words64, b: Words64 | None, judge: Callable[[int, int], int]) -> Ints:
    """Judge each distinct number, or pair of numbers, once: (n,) results."""
    if len(a) and (a == a[0]).all() and (b is None or (b == b[0]).all()):
        return np.full(len(a), judge(int(a[0]), 0 if b is None else int(b[0])), np.int64)
    first = pa.array(a).dictionary_encode()
    left = first.dictionary.to_pylist()
    if b is None:
        results = np.array([judge(value, 0) for value in left] or [0], np.int64)
        judged: Ints = results[first.indices.to_numpy()]
        return judged
    second = pa.array(b).dictionary_encode()
    right, size = second.dictionary.to_pylist(), max(len(second.dictionary), 1)
    pairs = pa.array(first.indices.to_numpy().astype(np.int64) * size + second.indices.to_numpy()).dictionary_encode()
    results = np.array([judge(left[p // size], right[p % size]) for p in pairs.dictionary.to_pylist()] or [0], np.int64)
    judged = results[pairs.indices.to_numpy()]
    return judged


def _iso_us(block: Block, at: Ints, end: Ints, ctx: Context) -> Ints:
    """Microseconds of ISO stamps [at, end) with a `T` and a zone; _NO_TIME for what is not of that form."""
    utc = block.data[end - 1] == 90
    zone = np.where(utc, 1, 6)
    part = end - zone - at - 19
    good = (part == 0) | ((part >= 2) & (part <= 7) & (block.data[at + 19] == 46))
    sign = block.data[end - 6]
    good &= utc | (((sign == 43) | (sign == 45)) & (block.data[end - 3] == 58))
    micros, numeric = _fraction(block, at + 20, np.where(good, part - 1, 0).clip(0, 6))
    zones = np.where(utc, np.uint64(90), block.window(end - 6) & np.uint64(0xFFFFFFFFFFFF))
    days = _distinct(block.window(at), block.window(at + 2), lambda a, b: _day(a, b))
    hours, rest = _two(block, at + 11, 23), _minutes(block, at + 13)
    shift = _distinct(zones, None, lambda z, _: _zone(z))
    good &= numeric & (days != _NO_TIME) & (shift != _NO_TIME) & (hours >= 0) & (rest >= 0)
    us = np.where(good, days, 0) + hours * 3_600_000_000 + rest + micros - np.where(good, shift, 0)
    return np.where(good, us, _NO_TIME)


@lru_cache(maxsize=65536)
def _day(first: int, last: int) -> int:
    """Microseconds of `2026-11-20` in UTC."""
    stamp = (first.to_bytes(8, "little") + last.to_bytes(8, "little")[6:]).decode("latin-1")
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", stamp)
    if found is None or not 2 <= int(found[1]) <= 9998:
        return _NO_TIME
    us = stamps.to_us(int(found[1]), int(found[2]), int(found[3]), 0, 0, 0, UTC, 0)
    return _NO_TIME if us is None else us


@lru_cache(maxsize=4096)
def _zone(word: int) -> int:
    """Microseconds east of UTC of `Z` or `+01:00`."""
    text = word.to_bytes(8, "little").rstrip(b"\0").decode("latin-1")
    if text == "Z":
        return 0
    found = re.fullmatch(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", text)
    if found is None:
        return _NO_TIME
    east = (int(found[2]) * 60 + int(found[3])) * 60_000_000
    return east if found[1] == "+" else -east


def _fraction(block: Block, at: Ints, digits: Ints) -> tuple[Ints, Bools]:
    """Microseconds of 0 to 6 digits at each position, and whether all are digits.

    Eight digits at a time in one register: Lemire 2022, "Parse integers quickly".
    """
    shift = np.minimum(8 * (8 - digits), 63).astype(np.uint64)
    some = digits > 0
    value = np.where(some, (block.window(at) ^ _ZEROS) << shift, np.uint64(0))
    numeric = (((value + _NINES) | value) & _HIGH) == 0
    value = (value * np.uint64(10) + (value >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    value = (value * np.uint64(100) + (value >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    value = (value * np.uint64(10000) + (value >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    return value.astype(np.int64) * 10 ** (6 - digits), numeric


def _header(block: Block, found: Found, rows: Ints, at: Ints, us: Ints, name: str) -> None:
    """Read `HOST TAG: ` or `HOST TAG[PID]: ` at `at`, and store what was found."""
    data, line_end = block.data, block.ends[rows]
    host_end = block.next(block.blanks, at)
    colon = block.next(block.colons, host_end)
    good = (colon < line_end) & ((data[colon + 1] == 32) | (colon + 1 == line_end))
    with_pid = data[colon - 1] == 93
    bracket = np.where(with_pid, _bracket(block, colon), colon)
    good &= (bracket > host_end + 1) & (host_end > at)
    rows, at, us, colon, bracket, line_end = (x[good] for x in (rows, at, us, colon, bracket, line_end))
    host, app = _host_app(block, found, at, bracket)
    message = np.minimum(colon + 2, line_end)
    good = (host >= 0) & (block.four(message) != 0x2044495B) & (data[message] != 37)
    pid = good & (bracket < colon)
    found.procid_start[rows[pid]], found.procid_end[rows[pid]] = bracket[pid] + 1, colon[pid] - 1
    _store(found, rows[good], name, us[good], message[good])
    found.host[rows[good]], found.app[rows[good]] = host[good], app[good]


def _bracket(block: Block, colon: Ints) -> Ints:
    """Where the `[` of a `[1234]:` that ends at `colon` is: a pid of 1 to 10 digits; -1 where there is none."""
    window = block.data[colon[:, None] - np.arange(2, 13)]
    digits = (window >= 48) & (window <= 57)
    count = np.argmin(digits, axis=1)
    opened = np.take_along_axis(window, count[:, None], 1)[:, 0] == 91
    return np.where(opened & (count > 0), colon - 2 - count, -1)


def _host_app(block: Block, found: Found, at: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Judge each distinct `HOST TAG` once: word numbers of both, -1 where it is none."""
    pairs = block.strings(at, end).dictionary_encode()
    judged = np.array([found.memo.pair(pair) for pair in pairs.dictionary.to_pylist()], np.int64).reshape(-1, 2)
    both = judged[pairs.indices.to_numpy()] if len(judged) else judged
    return both[:, 0], both[:, 1]


@lru_cache(maxsize=65536)
def _split(pair: str) -> tuple[str, str] | None:
    match = _HOST_TAG.fullmatch(pair)
    if match is None or not rfc3164.is_tag(match[2]) or not rfc3164.is_host(match[1]):
        return None
    return None if match[1].startswith("TZ-") or match[1] in ("stdout", "stderr") else (match[1], match[2])


def _rfc5424(block: Block, found: Found, rows: Ints, at: Ints, ctx: Context) -> None:
    blank = np.append(block.blanks, np.full(6, block.behind))
    first = np.searchsorted(block.blanks, at + 2)
    ends = blank[first[:, None] + np.arange(5)]
    starts = np.column_stack((at + 2, ends[:, :-1] + 1))
    us = _iso_us(block, starts[:, 0], ends[:, 0], ctx)
    sizes = ends - starts
    good = (us != _NO_TIME) & (sizes > 0).all(axis=1) & (sizes < 256).all(axis=1) & (ends[:, 4] < block.ends[rows])
    data_at = np.minimum(ends[:, 4] + 1, block.ends[rows])
    nil = (block.data[data_at] == 45) & ((block.data[data_at + 1] == 32) | (data_at + 1 == block.ends[rows]))
    element = block.data[data_at] == 91
    good &= (nil | element) & (data_at < block.ends[rows])
    keep = np.flatnonzero(good)
    rows, us, starts, ends, data_at = (x[keep] for x in (rows, us, starts, ends, data_at))
    element = element[keep]
    data_end = _structured(block, found, rows, data_at, element)
    message = np.clip(data_end + 1, 0, block.ends[rows])
    keep = np.flatnonzero((data_end >= 0) & (block.data[message] != 0xEF) & (starts[:, 1] < message))
    rows, us, starts, ends, message = (x[keep] for x in (rows, us, starts, ends, message))
    _store(found, rows, "rfc5424", us, message)
    for column, target in ((1, found.host), (2, found.app), (4, found.msgid)):
        target[rows] = _words(block, found, starts[:, column], ends[:, column])
    nil = (ends[:, 3] - starts[:, 3] == 1) & (block.data[starts[:, 3]] == 45)
    found.procid_start[rows[~nil]], found.procid_end[rows[~nil]] = starts[~nil, 3], ends[~nil, 3]


def _words(block: Block, found: Found, starts: Ints, ends: Ints) -> Ints:
    """Word numbers of fields that repeat; `-` is null."""
    cut = block.strings(starts, ends).dictionary_encode()
    numbers = [_NONE if word == "-" else found.memo.word(word) for word in cut.dictionary.to_pylist()]
    return np.array(numbers, np.int64)[cut.indices.to_numpy()] if numbers else np.zeros(0, np.int64)


def _structured(block: Block, found: Found, rows: Ints, at: Ints, element: Bools) -> Ints:
    """Judge each distinct STRUCTURED-DATA once: where it ends, -1 where it is not plain."""
    ends = at + 1
    some = np.flatnonzero(element)
    if not len(some):
        return ends
    closing = np.flatnonzero((block.data[:-1] == 93) & (block.data[1:] <= 32))
    stop = np.minimum(block.next(closing, at[some]) + 1, len(block.data) - 1)
    line_end = block.ends[rows[some]]
    inside = (stop == line_end) | ((stop < line_end) & (block.data[stop] == 32))
    cut = block.strings(at[some], np.where(inside, stop, at[some])).dictionary_encode()
    numbers = []
    for text in cut.dictionary.to_pylist():
        end, attrs = rfc5424.structured(text, 0)
        numbers.append(len(found.extras) if 0 < end == len(text) else _NONE)
        if numbers[-1] >= 0:
            event = Event(attrs=attrs, ts_quality="exact")
            rfc5424.clock_quality(event)
            found.extras.append(event)
    which = np.array(numbers, np.int64)[cut.indices.to_numpy()]
    found.extra[rows[some]] = which
    ends[some] = np.where(which >= 0, stop, -1)
    return ends


def _store(found: Found, rows: Ints, name: str, us: Ints, message: Ints) -> None:
    found.format[rows] = FORMATS.index(name)
    found.ts_us[rows] = us
    found.year_inferred[rows] = name == "rfc3164"
    found.message_start[rows] = message


def _doubt(block: Block, found: Found, observed_us: Ints) -> None:
    """Leave over what a vendor's format might claim, and stamps far from the time of receipt."""
    age = observed_us - found.ts_us
    found.format[(found.format >= 0) & ((age > stamps.PAST_US) | (age < -stamps.DAY_US))] = _NONE
    signs = np.flatnonzero(block.data == 37)
    follows = block.data[signs + 1]
    low = follows | 32
    signs = signs[((low >= 97) & (low <= 122)) | ((follows >= 48) & (follows <= 57)) | (follows == 95)]
    if len(signs):
        found.format[np.searchsorted(block.starts, signs, "right") - 1] = _NONE
