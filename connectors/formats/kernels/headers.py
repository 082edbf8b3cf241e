"""The kernel that `vector` calls: the fields of each record that has exactly a plain form, as positions and numbers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from connectors.formats.kernels.clean import Bytes, is_clean, trimmed
from connectors.formats.kernels.spans import NONE, Ints, Spans, number
from connectors.formats.kernels.times import MICROS, NO_TIME, hour_of, iso_us, minutes_us
from schemas.compiled import helper, kernel

_HERE = str(Path(__file__).parent)
RFC3164, RFC5424, ISO = 0, 1, 2
SHORTEST = 17
"""Bytes behind the PRI below which a record is left over; looks ahead up to there need no check."""
_BLANK, _PERCENT, _DASH, _COLON, _LESS, _GREATER, _OPEN, _CLOSE = 32, 37, 45, 58, 60, 62, 91, 93
_T, _BOM = 84, 0xEF
_PRI_MOST, _FIELD_MOST = 191, 255


class Fields(NamedTuple):
    """What is found, (n,) each, NONE where there is nothing. `format`: RFC3164, RFC5424 or ISO. `us`: the time; of
    RFC 3164 only that since the full hour, and `hour` is one of `times.HOURS`. `pair`: the number of `HOST TAG`.
    `host`, `app`, `msgid`, `data`: numbers of the fields of RFC 5424. The rest are positions.
    """

    format: npt.NDArray[np.int64]
    pri: npt.NDArray[np.int64]
    us: npt.NDArray[np.int64]
    hour: npt.NDArray[np.int64]
    pair: npt.NDArray[np.int64]
    host: npt.NDArray[np.int64]
    app: npt.NDArray[np.int64]
    msgid: npt.NDArray[np.int64]
    data: npt.NDArray[np.int64]
    procid_start: npt.NDArray[np.int64]
    procid_end: npt.NDArray[np.int64]
    message_start: npt.NDArray[np.int64]
    message_end: npt.NDArray[np.int64]


@helper
def _pri(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """PRI and the position behind it; NONE without one, and the position NONE for a bad one."""
    if data[at] != _LESS:
        return NONE, at
    value, i = 0, at + 1
    while i < min(at + 4, end) and 48 <= data[i] <= 57:
        value = value * 10 + data[i] - 48
        i += 1
    size = i - at - 1
    if size == 0 or i >= end or data[i] != _GREATER or value > _PRI_MOST or (size > 1 and data[at + 1] == 48):
        return NONE, NONE
    return value, i + 1


@helper
def _blank(data: Bytes, at: int, end: int) -> int:
    """The first blank in [at, end), or `end`."""
    while at < end and data[at] != _BLANK:
        at += 1
    return at


@helper
def _pid(data: Bytes, close: int) -> int:
    """Where the `[` of a `[1234]` that ends at `close` is: 1 to 10 digits; NONE where there is none."""
    at = close - 1
    while at >= close - 10 and 48 <= data[at] <= 57:
        at -= 1
    return at if data[at] == _OPEN and at < close - 1 else NONE


@helper
def _header(data: Bytes, at: int, end: int, row: int, fields: Fields, spans: Spans) -> bool:
    """Read `HOST TAG: ` or `HOST TAG[PID]: ` at `at`, and the message behind it."""
    tag = _blank(data, at, end) + 1
    colon = tag
    while colon < end and data[colon] != _COLON and data[colon] != _BLANK:
        colon += 1
    if tag == at + 1 or colon >= end or data[colon] != _COLON or (colon + 1 < end and data[colon + 1] != _BLANK):
        return False
    tag_end = colon
    if data[colon - 1] == _CLOSE:
        tag_end = _pid(data, colon - 1)
        fields.procid_start[row], fields.procid_end[row] = tag_end + 1, colon - 1
    message = min(colon + 2, end)
    if tag_end <= tag or _is_marked(data, message, end):
        return False
    fields.pair[row] = number(data, at, tag_end, spans)
    fields.message_start[row] = message
    return bool(fields.pair[row] != NONE)


@helper
def _is_marked(data: Bytes, at: int, end: int) -> bool:
    """Whether a message begins as Cisco's or Solaris' do: `%`, `[ID `."""
    if at < end and data[at] == _PERCENT:
        return True
    return at + 4 <= end and data[at] == _OPEN and data[at + 1] == 73 and data[at + 2] == 68 and data[at + 3] == _BLANK


@helper
def _read_rfc3164(data: Bytes, at: int, end: int, row: int, fields: Fields, spans: Spans) -> bool:
    hour, rest = hour_of(data, at), minutes_us(data, at + 9)
    if hour < 0 or rest < 0:
        return False
    fields.hour[row], fields.us[row] = hour, rest
    return _header(data, at + 16, end, row, fields, spans)


@helper
def _read_iso(data: Bytes, at: int, end: int, row: int, fields: Fields, spans: Spans) -> bool:
    stop = _blank(data, at, end)
    if stop - at < 20 or stop >= end:
        return False
    fields.us[row] = iso_us(data, at, stop, MICROS)
    return bool(fields.us[row] != NO_TIME) and _header(data, stop + 1, end, row, fields, spans)


@helper
def _read_rfc5424(data: Bytes, at: int, end: int, row: int, fields: Fields, spans: Spans) -> bool:
    """Read `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG` at `at`."""
    host = _field(data, at, end)
    app = _field(data, host, end)
    procid = _field(data, app, end)
    msgid = _field(data, procid, end)
    structured = _field(data, msgid, end)
    if structured == NONE or structured >= end or host - at < 21:
        return False
    fields.us[row] = iso_us(data, at, host - 1, MICROS)
    stop = _data(data, structured, end, row, fields, spans)
    if fields.us[row] == NO_TIME or stop == NONE:
        return False
    fields.host[row], fields.app[row] = number(data, host, app - 1, spans), number(data, app, procid - 1, spans)
    fields.msgid[row] = number(data, msgid, structured - 1, spans)
    if procid + 2 != msgid or data[procid] != _DASH:
        fields.procid_start[row], fields.procid_end[row] = procid, msgid - 1
    message = min(stop + 1, end)
    fields.message_start[row] = message
    named = fields.host[row] != NONE and fields.app[row] != NONE and fields.msgid[row] != NONE
    return bool(named and not (message < end and data[message] == _BOM))


@helper
def _field(data: Bytes, at: int, end: int) -> int:
    """Where the field behind the one at `at` begins; NONE when that is empty, too long or the last, or `at` NONE."""
    if at == NONE:
        return NONE
    stop = _blank(data, at, min(end, at + _FIELD_MOST))
    return stop + 1 if at < stop < end and data[stop] == _BLANK else NONE


@helper
def _data(data: Bytes, at: int, end: int, row: int, fields: Fields, spans: Spans) -> int:
    """Where the structured data at `at` ends, which Python will judge; NONE for what is neither `-` nor elements."""
    if data[at] == _DASH:
        return at + 1 if at + 1 == end or data[at + 1] == _BLANK else NONE
    if data[at] != _OPEN:
        return NONE
    stop = at + 1
    while stop < end and not (data[stop - 1] == _CLOSE and data[stop] <= _BLANK):
        stop += 1
    if data[stop - 1] != _CLOSE or (stop < end and data[stop] != _BLANK):
        return NONE
    fields.data[row] = number(data, at, stop, spans)
    return stop if fields.data[row] != NONE else NONE


@helper
def _read(data: Bytes, start: int, end: int, wanted: int, row: int, fields: Fields, spans: Spans) -> int:
    """Read one record; its format, or NONE for what is not plain."""
    if end - start < SHORTEST or not is_clean(data, start, end):
        return NONE
    fields.pri[row], at = _pri(data, start, end)
    if at == NONE or end - at < SHORTEST:
        return NONE
    if fields.pri[row] != NONE and data[at] == 49 and data[at + 1] == _BLANK:
        read = (wanted >> RFC5424) & 1 == 1 and _read_rfc5424(data, at + 2, end, row, fields, spans)
        return RFC5424 if read else NONE
    if data[at + 3] == _BLANK and data[at + 6] == _BLANK and data[at + 15] == _BLANK:
        read = (wanted >> RFC3164) & 1 == 1 and _read_rfc3164(data, at, end, row, fields, spans)
        return RFC3164 if read else NONE
    if data[at + 4] == _DASH and data[at + 10] == _T:
        read = (wanted >> ISO) & 1 == 1 and _read_iso(data, at, end, row, fields, spans)
        return ISO if read else NONE
    return NONE


@kernel("void(text, int32[::1], int64, uint64, int64[:,::1], int32[::1], int32[::1], int32[::1], int32[::1])", _HERE)
def find_fields(
    data: Bytes, offsets: Ints, wanted: int, seed: np.uint64, out: npt.NDArray[np.int64],
    span_start: Ints, span_end: Ints, span_count: Ints, slots: Ints,
) -> None:  # fmt: skip
    """Fill `out`, (13, n), with the Fields of each record, and number their strings.

    Args:
        data, offsets: the records, `offsets` (n + 1,) as in Arrow.
        wanted: bit k is set where format k may be read.
        seed, span_start, span_end, span_count, slots: the parts of Spans.
    """
    fields = Fields(
        out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7], out[8], out[9], out[10], out[11], out[12]
    )  # fmt: skip
    spans = Spans(span_start, span_end, span_count, slots, seed)
    for row in range(out.shape[1]):
        for field in range(out.shape[0]):
            out[field, row] = NONE
        start = offsets[row]
        end = trimmed(data, start, offsets[row + 1])
        fields.message_end[row] = end
        fields.format[row] = _read(data, start, end, wanted, row, fields, spans)
