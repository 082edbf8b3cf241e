"""Year, zone, clock changes and fractions of stamps."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from connectors.formats import apptime, stamps, zones
from connectors.formats.record import Context, Stamp

BERLIN = ZoneInfo("Europe/Berlin")


def at(reference: str, tz: tzinfo = UTC) -> Context:
    us = int(datetime.fromisoformat(reference).replace(tzinfo=UTC).timestamp()) * 1_000_000
    return Context(us, us, tz)


def utc(stamp: Stamp | None) -> str:
    assert stamp is not None
    assert stamp.us is not None
    return (datetime(1970, 1, 1) + timedelta(microseconds=stamp.us)).isoformat()


@pytest.mark.parametrize(
    ("stamp", "reference", "expected"),
    [
        ("Nov 20 11:59:58", "2026-11-20T12:00:00", "2026-11-20T11:59:58"),
        ("Nov 21 11:59:58", "2026-11-20T12:00:00", "2026-11-21T11:59:58"),  # up to 24 hours ahead
        ("Nov 21 12:00:00", "2026-11-20T12:00:00", "2026-11-21T12:00:00"),
        ("Nov 21 12:00:01", "2026-11-20T12:00:00", "2025-11-21T12:00:01"),
        ("Dec 31 23:59:59", "2027-01-01T00:00:00", "2026-12-31T23:59:59"),
        ("Jan  1 00:00:01", "2026-12-31T23:59:00", "2027-01-01T00:00:01"),
        ("Feb 29 01:00:00", "2027-03-01T00:00:00", "2024-02-29T01:00:00"),
        ("Feb 29 01:00:00", "2028-02-28T12:00:00", "2028-02-29T01:00:00"),
        ("Feb 29 01:00:00", "2103-01-01T00:00:00", "2096-02-29T01:00:00"),  # 2100 is a common year
    ],
)
def test_the_year_is_the_latest_that_is_at_most_a_day_ahead(stamp: str, reference: str, expected: str) -> None:
    found = stamps.bsd(stamp + " host", 0, at(reference))
    assert utc(found) == expected
    assert found is not None
    assert found.quality == "year_inferred"


def test_the_year_is_decided_in_the_zone_of_the_stamp() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    assert utc(stamps.bsd("Jan  1 00:30:00 ", 0, at("2026-12-31T11:45:00", auckland))) == "2026-12-31T11:30:00"


def test_the_hour_that_does_not_exist_moves_forward() -> None:
    ctx = at("2026-11-20T00:00:00", BERLIN)
    assert utc(stamps.bsd("Mar 29 02:30:00 ", 0, ctx)) == "2026-03-29T01:30:00"  # 03:30 summer time
    assert utc(stamps.iso("2026-03-29T02:30:00", 0, ctx)) == "2026-03-29T01:30:00"


def test_the_hour_that_comes_twice_is_the_first() -> None:
    ctx = at("2026-11-20T00:00:00", BERLIN)
    assert utc(stamps.bsd("Oct 25 02:30:00 ", 0, ctx)) == "2026-10-25T00:30:00"
    assert utc(stamps.iso("2026-10-25 02:30:00", 0, ctx)) == "2026-10-25T00:30:00"


@pytest.mark.parametrize(
    ("text", "expected", "quality", "issues"),
    [
        ("2026-11-20T11:59:58Z", "2026-11-20T11:59:58", "exact", ()),
        ("2026-11-20T11:59:58+0100", "2026-11-20T10:59:58", "exact", ()),
        ("2026-11-20T11:59:58.5-03:30", "2026-11-20T15:29:58.500000", "exact", ()),
        ("2026-11-20T11:59:58", "2026-11-20T10:59:58", "tz_assumed", ()),
        ("2026-11-20 11:59:58,123 CET", "2026-11-20T10:59:58.123000", "exact", ("zone_abbreviation",)),
        ("2026-11-20T11:59Z", "2026-11-20T11:59:00", "exact", ()),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000", "exact", ("leap_second",)),
        ("2026-11-20T11:59:58.1234569Z", "2026-11-20T11:59:58.123456", "exact", ()),
    ],
)
def test_iso_stamps(text: str, expected: str, quality: str, issues: tuple[str, ...]) -> None:
    found = stamps.iso(text, 0, at("2026-11-20T00:00:00", BERLIN))
    assert utc(found) == expected
    assert found is not None
    assert (found.quality, found.issues, found.end) == (quality, issues, len(text))


@pytest.mark.parametrize(
    "text", ["2026-02-29T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T11:59:61Z", "0000-01-01T00:00:00Z"]
)
def test_an_impossible_time_is_a_stamp_without_one(text: str) -> None:
    found = stamps.iso(text, 0, at("2026-11-20T00:00:00"))
    assert found is not None
    assert (found.us, found.quality, found.issues) == (None, "received", ("bad_ts",))


def test_the_edges_of_the_calendar_do_not_overflow() -> None:
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-12:00"):
        found = stamps.iso(text, 0, at("2026-11-20T00:00:00"))
        assert found is not None
        assert found.us is None
    assert stamps.bsd("Jan  1 00:00:00 ", 0, Context(0, -(2**62), UTC)) is not None


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1795173255", 1795173255_000000),
        ("1795173255.004233", 1795173255_004233),
        ("1795173255.0042339", 1795173255_004233),
        ("1795173255004", 1795173255_004000),
        ("1795173255004.5", 1795173255_004500),
        ("1795173255004233", 1795173255_004233),
        ("1795173255004233999", 1795173255_004233),
        ("0", 0),
        ("-1", None),
        ("1e9", None),
        ("", None),
        ("٣", None),
    ],
)
def test_a_numbers_unit_is_told_by_its_magnitude(text: str, us: int | None) -> None:
    assert stamps.number(text) == us


def test_an_unknown_abbreviation_counts_only_where_no_host_can_stand() -> None:
    assert zones.read("XYZ: ", 0) is None
    assert zones.read("XYZ: ", 0, unknown=True) == zones.Zone(None, "zone_abbreviation", 3)
    assert zones.read("CET.example.com ", 0) is None


def test_a_fixed_zone_serves_as_well_as_a_named_one() -> None:
    ctx = at("2026-11-20T12:00:00", timezone(timedelta(hours=5, minutes=30)))
    assert utc(stamps.bsd("Nov 20 11:59:58 ", 0, ctx)) == "2026-11-20T06:29:58"


def test_noon_and_midnight_of_twelve_hours() -> None:
    ctx = at("2026-11-20T12:00:00")
    assert utc(apptime.find("11/20/2026 12:00:01 AM x", ctx)) == "2026-11-20T00:00:01"
    assert utc(apptime.find("11/20/2026 12:00:01 PM x", ctx)) == "2026-11-20T12:00:01"
