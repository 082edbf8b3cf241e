"""The common wire formats, many records at once: RFC 3164, RFC 5424 and the ISO file format in their plain forms.

The kernels find the fields of the records that have exactly the plain form, as positions and as numbers of distinct
strings; every word that decides (hour, host and tag, structured data) is judged by the per-line modules themselves,
once for each distinct value. What is not sure is left to `line.parse_record`; a property test holds the two together.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from connectors.formats import rfc3164, rfc5424, stamps
from connectors.formats.block import Block, Ints
from connectors.formats.record import Context, Event
from schemas.events import TS_QUALITIES

if TYPE_CHECKING:
    from connectors.formats.kernels.headers import Fields

FORMATS = ("rfc3164", "rfc5424", "iso")
_NONE = -1
NO_TIME = np.iinfo(np.int64).min
_INFERRED = TS_QUALITIES.index("year_inferred")
_HOST_TAG = re.compile(rf"({rfc3164.HOST}) ({rfc3164.TAG})")


class Memo:
    """The words that a batch has met so far, numbered."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}

    def word(self, word: str) -> int:
        """Number a word."""
        return self.words.setdefault(word, len(self.words))

    def packed(self, pair: str) -> int:
        """Judge `HOST TAG`: the numbers of both words in one, the host's in the upper half; -1 where it is none."""
        split, words = _split(pair), self.words
        if split is None:
            return _NONE
        host = words.setdefault(split[0], len(words))
        return host << 32 | words.setdefault(split[1], len(words))


@dataclass
class Found:
    """The fields of the records read: positions where they are cut from the block, codes where they repeat.

    (n,) each. `format`: index into `formats`, -1 for a record left over. `quality`: index into TS_QUALITIES. `host`,
    `app`, `msgid`: numbers of the memo's words, -1 for null. `extra`: index into `extras`, what structured data said.
    `attr`: row of `attrs`, -1 for none. `facility`, `severity`: -1 for null.
    """

    format: Ints
    facility: Ints
    severity: Ints
    ts_us: Ints
    quality: Ints
    host: Ints
    app: Ints
    msgid: Ints
    procid_start: Ints
    procid_end: Ints
    message_start: Ints
    message_end: Ints
    extra: Ints
    attr: Ints
    extras: list[Event] = field(default_factory=list)
    attrs: pa.MapArray | None = None
    formats: list[str] = field(default_factory=lambda: list(FORMATS))

    @staticmethod
    def nothing(n: int) -> "Found":
        """All n records left over."""
        return Found(*np.full((14, n), _NONE, np.int64))


def read(block: Block, observed_us: Ints, ctx: Context, memo: Memo) -> Found:
    """Find the fields of the plain records of a block.

    Args:
        observed_us: (n,) when each record was received.
        ctx: reference, zone and format of all.
        memo: of the batch that the block belongs to.
    """
    from connectors.formats.kernels import door  # numba takes a second to import

    fields, texts = door.find(block, sum(1 << k for k, name in enumerate(FORMATS) if ctx.format in ("auto", name)))
    hours = _hours(fields, observed_us, ctx, door.hour_text)
    pairs = judge(fields.pair, lambda pair: memo.packed(texts[pair]))
    host, app, msgid = (judge(words, lambda word: _word(texts[word], memo)) for words in fields[5:8])
    extras: list[Event] = []
    extra = judge(fields.data, lambda data: _structured(texts[data], extras))
    pri, told = fields.pri, fields.pri >= 0
    yearless = fields.format == FORMATS.index("rfc3164")
    found = Found(
        fields.format, np.where(told, pri >> 3, _NONE), np.where(told, pri & 7, _NONE), fields.us,
        np.where(yearless, _INFERRED, 0), np.where(pairs >= 0, pairs >> 32, host),
        np.where(pairs >= 0, pairs & 0xFFFFFFFF, app), msgid, *fields[9:13], extra, np.full(len(pri), _NONE), extras,
    )  # fmt: skip
    found.ts_us += np.where(yearless, hours, 0)
    age = observed_us - found.ts_us
    doubt = (age > stamps.PAST_US) | (age < -stamps.DAY_US) | (yearless & (hours == NO_TIME))
    doubt |= ((fields.pair >= 0) & (pairs < 0)) | ((fields.data >= 0) & (extra < 0))
    found.format[doubt] = _NONE
    return found


def judge(numbers: Ints, judge: Callable[[int], int], nothing: int = _NONE) -> Ints:
    """Judge each distinct number once: (n,) results, `nothing` for negative numbers."""
    most = int(numbers.max(initial=_NONE)) + 1
    results = np.full(most + 1, nothing, np.int64)
    if most:
        for number in np.flatnonzero(np.bincount(numbers[numbers >= 0], minlength=most)).tolist():
            results[number] = judge(number)
    return results[numbers]


def _hours(fields: "Fields", observed_us: Ints, ctx: Context, text: Callable[[int], str]) -> Ints:
    """(n,) microseconds of the hours that are told without a year; NO_TIME for none, and where it is not sure.

    Where each record's receipt decides the year, an hour is dated by the first and by the last receipt: of the two
    years, which follow one another, a record has the later one if that is not beyond its own.
    """
    if ctx.reference_us is not None:
        return _dated(fields.hour, ctx.reference_us, ctx.tz, text)
    early, late = (_dated(fields.hour, int(us), ctx.tz, text) for us in (observed_us.min(), observed_us.max()))
    told = (early != NO_TIME) & (late != NO_TIME)
    late[~told] = NO_TIME
    beyond = told & (late + fields.us > observed_us + stamps.DAY_US)
    next_year = late[beyond] - early[beyond] <= 367 * stamps.DAY_US
    late[beyond] = np.where(next_year, early[beyond], NO_TIME)
    return late


def _dated(hours: Ints, reference_us: int, tz: tzinfo, text: Callable[[int], str]) -> Ints:
    """(n,) microseconds of hours dated by one reference; NO_TIME also if clocks change in it."""

    def dated(hour: int) -> int:
        begin, end = (stamps.bsd_us(text(hour) + rest, reference_us, tz) for rest in (":00:00", ":59:59"))
        return NO_TIME if begin is None or end is None or end - begin != 3_599_000_000 else begin

    return judge(hours, dated, NO_TIME)


@lru_cache(maxsize=65536)
def _split(pair: str) -> tuple[str, str] | None:
    match = _HOST_TAG.fullmatch(pair)
    if match is None or not rfc3164.is_tag(match[2]) or not rfc3164.is_host(match[1]):
        return None
    return None if match[1].startswith("TZ-") or match[1] in ("stdout", "stderr") else (match[1], match[2])


def _word(word: str, memo: Memo) -> int:
    """Number of a word of RFC 5424; `-` is null."""
    return _NONE if word == "-" else memo.word(word)


def _structured(text: str, extras: list[Event]) -> int:
    """Judge STRUCTURED-DATA: its number among the extras, -1 where it is not plain."""
    end, attrs = rfc5424.structured(text, 0)
    if not 0 < end == len(text):
        return _NONE
    event = Event(attrs=attrs, ts_quality="exact")
    rfc5424.clock_quality(event)
    extras.append(event)
    return len(extras) - 1
