"""Stamps of headers: RFC 3164 (and its wild kin) and ISO 8601, with the rules for year, zone and leap second.

Year: the latest that puts the stamp at most 24 hours after the reference. Zone: the context's where none is told. A
wall-clock time that a change of clocks doubles is the first of the two; one that it leaves out is moved forward by the
gap. Fractions beyond microseconds are cut off. `:60` is the first second of the next minute (issue `leap_second`).
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from connectors.formats import zones
from connectors.formats.record import Context, Stamp

MONTHS = {
    name: number
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)
}  # fmt: skip
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
PAST_US = 3_653 * DAY_US
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST_US = (1 - _EPOCH_DAY) * DAY_US
LAST_US = (date(9999, 12, 31).toordinal() + 1 - _EPOCH_DAY) * DAY_US - 1
_EPOCH = datetime(1970, 1, 1)

_MONTH = "(" + "|".join(MONTHS) + ")"
_CLOCK = r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
FRACTION = re.compile(r"[.,]([0-9]+)")
_WILD = re.compile(
    rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? {{1,2}})?(?:([12][0-9]{{3}}) )?{_MONTH} {{1,3}}([0-9]{{1,2}}),?"
    rf"(?: ([12][0-9]{{3}}),?)? {{1,2}}{_CLOCK}"
)
_HALF = re.compile(r" ?([AaPp])[Mm](?![0-9A-Za-z_.-])")
_MORE = re.compile(r"[A-Z]{1,5}(?![0-9A-Za-z_.-])|TZ|[+-]|[12][0-9]{3}(?:[ \]]|$)|[AaPp][Mm] ")
"""What follows a stamp that may not be over: a zone, a year, AM or PM."""
_YEAR_AFTER = re.compile(r" ([12][0-9]{3})(?=[ \]]|$)")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})([Tt_]| {1,2})([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_ISO_WHOLE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]+))?(Z|[+-][0-9]{2}:?[0-9]{2})(?![0-9A-Za-z])"
)


def bsd(text: str, at: int, ctx: Context, *, unknown_zone: bool = False) -> Stamp | None:
    """Read the RFC 3164 stamp that begins at `at`.

    Understood beside `Nov 20 11:59:58` and `Nov  5 ...`: `Nov 5`, `Nov 05`; a weekday in front; a year before the
    month, after the day or after the time; a fraction; a zone as in `zones.read`, after the time or before its year.

    Returns:
        None when no stamp is there.
    """
    us = bsd_us(text[at : at + 15], ctx.dated_us, ctx.tz)
    if us is not None and text[at + 15 : at + 16] == " " and _MORE.match(text, at + 16) is None:
        return Stamp(us, "year_inferred", (), at + 15)
    found = _WILD.match(text, at)
    return None if found is None else _wild(text, found, ctx, unknown_zone)


def _wild(text: str, found: re.Match[str], ctx: Context, unknown_zone: bool) -> Stamp:
    """Assemble a stamp whose year, fraction and zone are where they like."""
    year, at = found[1] or found[4], found.end()
    micros, at = fraction(text, at)
    hour, at = half(text, at, int(found[5]))
    zone = zones.read(text, at + (text[at : at + 1] == " "), unknown=unknown_zone)
    at = at if zone is None else zone.end
    if year is None and (after := _YEAR_AFTER.match(text, at)) is not None:
        year, at = after[1], after.end()
        zone = zone or zones.read(text, at + 1)
        at = at if zone is None else max(at, zone.end)
    wall = (MONTHS[found[2]], int(found[3]), hour, int(found[6]), int(found[7]))
    return assemble(int(year) if year else None, wall, micros, zone, ctx, at)


def iso(text: str, at: int, ctx: Context) -> Stamp | None:
    """Read the ISO 8601 stamp that begins at `at`: `T` or a blank between date and time, fraction and zone optional.

    A zone may stand apart by a blank only where date and time do. None when no stamp is there.
    """
    whole = _ISO_WHOLE.match(text, at)
    if whole is not None and (us := _iso_second(whole[1], whole[3])) is not None:
        return Stamp(us + int((whole[2] or "")[:6].ljust(6, "0")), "exact", (), whole.end())
    found = _ISO.match(text, at)
    if found is None:
        return None
    micros, end = fraction(text, found.end())
    apart = found[4][0] == " " and text[end : end + 1] == " "
    zone = zones.read(text, end + apart)
    wall = (int(found[2]), int(found[3]), int(found[5]), int(found[6]), int(found[7] or 0))
    return assemble(int(found[1]), wall, micros, zone, ctx, end if zone is None else zone.end)


def plausible(us: int, ctx: Context) -> bool:
    """Say whether a stamp lies within 10 years before and 1 day after the record was received."""
    return -PAST_US <= us - ctx.observed_us <= DAY_US


def number(text: str) -> int | None:
    """Microseconds since 1970 for a number of seconds, milli-, micro- or nanoseconds, told apart by magnitude.

    Below 1e11 it is seconds (to the year 5138), below 1e14 milli-, below 1e17 micro-, else nanoseconds. None for what
    is no plain positive number or leads beyond the year 9999.
    """
    whole, _, part = text.partition(".")
    if not (
        whole.isascii() and whole.isdigit() and len(whole) <= 20 and (not part or (part.isascii() and part.isdigit()))
    ):
        return None
    power = 6 if int(whole) < 10**11 else 3 if int(whole) < 10**14 else 0 if int(whole) < 10**17 else -3
    us = int(whole) * 10**power + int(part[:power].ljust(power, "0") or 0) if power >= 0 else int(whole) // 1000
    return us if us <= LAST_US else None


def fraction(text: str, at: int) -> tuple[int, int]:
    """Read `.123` or `,123` at `at`: (microseconds, the position after it); (0, `at`) when there is none."""
    found = FRACTION.match(text, at)
    return (0, at) if found is None else (int(found[1][:6].ljust(6, "0")), found.end())


def half(text: str, at: int, hour: int) -> tuple[int, int]:
    """Read ` AM` or `PM` at `at`: (the hour of 24, the position after it)."""
    found = _HALF.match(text, at)
    if found is None or not 1 <= hour <= 12:
        return hour, at
    return hour % 12 + (12 if found[1] in "pP" else 0), found.end()


def assemble(
    year: int | None, wall: tuple[int, int, int, int, int], micros: int, zone: zones.Zone | None, ctx: Context, end: int
) -> Stamp:
    """Make a Stamp of (month, day, hour, minute, second): the rules of year, zone and leap second in one place."""
    issues = (zone.issue,) if zone is not None and zone.issue is not None else ()
    issues = (*issues, "leap_second") if wall[4] == 60 else issues
    offset = None if zone is None else zone.offset_us
    us = _latest(wall, ctx.dated_us, ctx.tz, offset) if year is None else to_us(year, *wall, ctx.tz, offset)
    if us is None or not _FIRST_US <= us + micros <= LAST_US:
        return Stamp(None, "received", ("bad_ts",), end)
    quality = "year_inferred" if year is None else "tz_assumed" if offset is None else "exact"
    return Stamp(us + micros, quality, issues, end)


@lru_cache(maxsize=8192)
def to_us(y: int, mo: int, d: int, h: int, mi: int, s: int, tz: tzinfo, offset_us: int | None) -> int | None:
    """Microseconds since 1970 of a wall clock, at `offset_us` east of UTC or else in `tz`; None: no such time."""
    if s > 60:
        return None
    try:
        wall = datetime(y, mo, d, h, mi, min(s, 59))
        if offset_us is None:
            shift = timedelta(0) if tz is UTC else wall.replace(tzinfo=tz).utcoffset() or timedelta(0)
            offset_us = shift // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None
    return (wall - _EPOCH) // timedelta(seconds=1) * SECOND_US - offset_us + (SECOND_US if s == 60 else 0)


def _latest(wall: tuple[int, int, int, int, int], reference_us: int, tz: tzinfo, offset_us: int | None) -> int | None:
    """The latest year that puts the wall clock at most 24 hours after the reference.

    Asked of midnights alone, which repeat: of two years only one lies in the two days around.
    """
    midnight = reference_us - reference_us % DAY_US
    us = _latest_of(wall, midnight + DAY_US, tz, offset_us)
    return us if us is not None and us <= reference_us + DAY_US else _latest_of(wall, midnight, tz, offset_us)


@lru_cache(maxsize=8192)
def _latest_of(
    wall: tuple[int, int, int, int, int], reference_us: int, tz: tzinfo, offset_us: int | None
) -> int | None:
    """The latest year as `_latest` has it. 29 February may need eight years."""
    this_year = (_EPOCH + timedelta(microseconds=min(max(reference_us, _FIRST_US), LAST_US))).year
    for year in range(min(this_year + 1, 9999), max(this_year - 9, 0), -1):
        us = to_us(year, *wall, tz, offset_us)
        if us is not None and us <= reference_us + DAY_US:
            return us
    return None


@lru_cache(maxsize=8192)
def _iso_second(second: str, zone: str) -> int | None:
    """Microseconds of `2026-11-20T11:59:58` in a numeric zone; None for what needs a second look, :60 among it."""
    offset = zones.read(zone, 0)
    found = _ISO.match(second)
    if offset is None or found is None or found[7] == "60":
        return None
    us = to_us(*(int(found[part]) for part in (1, 2, 3, 5, 6, 7)), UTC, offset.offset_us)
    return us if us is not None and _FIRST_US <= us <= LAST_US - SECOND_US else None


def bsd_us(stamp: str, reference_us: int, tz: tzinfo) -> int | None:
    """Microseconds of the 15 characters `Mmm dd hh:mm:ss`; None for anything else, and for :60 and 30 February."""
    wall = _bsd_wall(stamp)
    return None if wall is None else _latest(wall, reference_us, tz, None)


@lru_cache(maxsize=8192)
def _bsd_wall(stamp: str) -> tuple[int, int, int, int, int] | None:
    """Month, day, hour, minute and second of `Mmm dd hh:mm:ss`."""
    found = re.fullmatch(rf"{_MONTH} ([ 0-9][0-9]) {_CLOCK}", stamp)
    if found is None or len(found[3]) != 2 or found[5] == "60":
        return None
    return MONTHS[found[1]], int(found[2]), int(found[3]), int(found[4]), int(found[5])
