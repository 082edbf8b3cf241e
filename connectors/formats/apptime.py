"""Stamps at the front of what programs write themselves, and of what lies inside an access line or an audit record."""

import re
from collections.abc import Callable

from connectors.formats import stamps, zones
from connectors.formats.record import Context, Stamp
from connectors.formats.stamps import MONTHS

_LEVEL = (
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|SEVERE|"
    r"trace|debug|info|notice|warn(?:ing)?|error|crit(?:ical)?|fatal)"
)
_FRONT = re.compile(
    rf"(?:\[?{_LEVEL}[ ]{{0,4}}\]?:?[ ]{{0,4}})?(?:[0-9]{{1,7}}:[A-Z] )?"
    r"(?:(?:Start-Date|End-Date|date|Date): )?(?:(?:ts|time|timestamp|t|date|@timestamp)=)?[\[(\"']{0,2}"
)
"""What may stand before a stamp: a level, Redis's pid and role, a key, a bracket or quote."""

_DATE = re.compile(r"([0-9]{4})([/.-])([0-9]{2})\2([0-9]{2})(?:[ T_:]|, ?|[ ]{2}|\" time=\"?| time=\"?)(?=[0-9]{2}:)")
_DAY_MONTH = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?([0-9]{1,2})([/ -])([A-Z][a-z]{2})\2([0-9]{4})[: ](?=[0-9])"
)
_NUMERIC = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}),?[ :](?=[0-9])")
_COMPACT = re.compile(r"((?:[0-9]{2})?[0-9]{2})([0-9]{2})([0-9]{2})([T ])[ ]?(?=[0-9])")
_KLOG = re.compile(r"[IWEFD]([0-9]{4})?([0-9]{2})([0-9]{2}) (?=[0-9]{2}:)")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})|(?<=T)([0-9]{2})([0-9]{2})([0-9]{2})")
_SECONDS = re.compile(r"([0-9]{10}(?:\.[0-9]{1,9})?|[0-9]{13})(?=[ \t\]:,)\"']|$)")
_AUDIT = re.compile(r"\baudit\(([0-9]{10}\.[0-9]{3}):[0-9]+\)")
_ACCESS = re.compile(r"\[([0-9]{2})(/)([A-Z][a-z]{2})/([0-9]{4}):(?=[0-9]{2}:)")
_CTIME = re.compile(r"\[(?=(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )")
_NEAR = 512
"""How far into a line an access, audit or ctime stamp is looked for, in characters."""

Date = tuple[int | None, int, int, bool]
"""Year (None: not told), month, day, and whether month and day might be the other way round."""


def find(text: str, ctx: Context) -> Stamp | None:
    """Find the stamp of a line that has no header of its own.

    At the front, in the styles of the common loggers (ISO, `2026/11/20`, `20-Nov-2026`, `11/20/2026 11:59:58 AM`,
    `20.11.2026`, klog, ctime, seconds since 1970, ...); else within the first 512 characters an access line's
    `[20/Nov/2026:11:59:58 +0100]`, `audit(1666854189.800:42)` or `[Fri Nov 20 11:59:58 2026]`. A day and month
    that could be either way round are read month first (issue `ambiguous_date`), unless dots part them.
    """
    front = _FRONT.match(text)
    at = 0 if front is None else front.end()
    return leading(text, at, ctx) or _within(text, ctx)


def leading(text: str, at: int, ctx: Context) -> Stamp | None:
    """Read the stamp that begins exactly at `at`, in any of the styles."""
    first = text[at : at + 1]
    if not first.isalnum():
        return None
    if first.isalpha():
        return stamps.bsd(text, at, ctx) or _styled(text, at, ctx, (_KLOG, _klog), (_DAY_MONTH, _named))
    return (
        stamps.iso(text, at, ctx)
        or _styled(text, at, ctx, (_DATE, _ymd), (_DAY_MONTH, _named), (_NUMERIC, _numeric), (_COMPACT, _compact))
        or _epoch(_SECONDS.match(text, at), ctx)
        or (stamps.bsd(text, at, ctx) if first in "12" else None)
    )


def _within(text: str, ctx: Context) -> Stamp | None:
    if "[" in text[:_NEAR]:
        if (found := _ACCESS.search(text, 0, _NEAR)) is not None:
            return _finish(text, found, _named(found), ctx)
        if (found := _CTIME.search(text, 0, _NEAR)) is not None:
            return stamps.bsd(text, found.end(), ctx)
    return _epoch(_AUDIT.search(text, 0, _NEAR)) if "audit(" in text[:_NEAR] else None


def _styled(
    text: str, at: int, ctx: Context, *styles: tuple[re.Pattern[str], Callable[[re.Match[str]], Date | None]]
) -> Stamp | None:
    """The first style whose date and clock both fit."""
    for pattern, date_of in styles:
        found = pattern.match(text, at)
        if found is not None and (stamp := _finish(text, found, date_of(found), ctx)) is not None:
            return stamp
    return None


def _finish(text: str, found: re.Match[str], date: Date | None, ctx: Context) -> Stamp | None:
    """Read clock, fraction, AM or PM and zone after a date."""
    clock = _CLOCK.match(text, found.end())
    if date is None or clock is None:
        return None
    hour, minute, second = (int(part) for part in clock.groups() if part is not None)
    micros, at = stamps.fraction(text, clock.end())
    hour, at = stamps.half(text, at, hour)
    zone = zones.read(text, at + (text[at : at + 1] == " "))
    stamp = stamps.assemble(date[0], (date[1], date[2], hour, minute, second), micros, zone, ctx, at)
    stamp = stamp if zone is None else stamp._replace(end=zone.end)
    return stamp._replace(issues=(*stamp.issues, "ambiguous_date")) if date[3] else stamp


def _ymd(found: re.Match[str]) -> Date:
    return int(found[1]), int(found[3]), int(found[4]), False


def _named(found: re.Match[str]) -> Date | None:
    month = MONTHS.get(found[3])
    return None if month is None else (int(found[4]), month, int(found[1]), False)


def _numeric(found: re.Match[str]) -> Date:
    one, two, year = int(found[1]), int(found[3]), int(found[4])
    if found[2] == "." or one > 12:
        return year, two, one, False
    return year, one, two, two <= 12 and one != two


def _compact(found: re.Match[str]) -> Date | None:
    year, month = int(found[1]), int(found[2])
    if len(found[1]) == 2:
        if found[4] != " ":
            return None
        year += 2000
    return (year, month, int(found[3]), False) if 1 <= month <= 12 else None


def _klog(found: re.Match[str]) -> Date:
    return (int(found[1]) if found[1] else None), int(found[2]), int(found[3]), False


def _epoch(found: re.Match[str] | None, ctx: Context | None = None) -> Stamp | None:
    """Seconds since 1970. With `ctx`, a number without a fraction must be plausible: it may be any number."""
    us = None if found is None else stamps.number(found[1])
    if found is None or us is None:
        return None
    if ctx is not None and "." not in found[1] and not stamps.plausible(us, ctx):
        return None
    return Stamp(us, "exact", (), found.end())
