"""The header kernel says what the per-line path says, also where few records would not call for it."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vector import RECORD, check

from connectors.formats import parse

CLOCK = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
NEAR = st.datetimes(datetime(2017, 1, 1), datetime(2026, 11, 23))
ZONE = st.integers(-24 * 60 + 1, 24 * 60 - 1)
NOISE = st.tuples(st.integers(0, 60), st.sampled_from(" 09-:.TZ+xé".encode().decode()))


def fast(lines: list[bytes], tz: object = UTC) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse, "FEW_ROWS", 0)
        check(lines, tz)


@settings(max_examples=400, deadline=None)
@given(st.lists(RECORD, max_size=25), st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]))
def test_kernel_and_lines_agree(lines: list[bytes], zone: str) -> None:
    fast(lines, ZoneInfo(zone))


@settings(max_examples=300, deadline=None)
@given(st.one_of(CLOCK, NEAR), ZONE, st.integers(0, 7), st.lists(NOISE, max_size=2))
def test_any_stamp_reads_alike(wall: datetime, zone: int, digits: int, noise: list[tuple[int, str]]) -> None:
    east = wall.replace(tzinfo=timezone(timedelta(minutes=zone))).isoformat()[-6:]
    part = f".{wall.microsecond:06d}0"[: digits + 1] if digits else ""
    iso = f"{wall.year:04d}-{wall:%m-%dT%H:%M:%S}{part}{east if zone else 'Z'}"
    lines = [f"{iso} web01 cron[7]: x", f"<34>1 {iso} web01 cron 7 - - x", f"<5>{wall:%b %d %H:%M:%S} web01 cron[7]: x"]
    for at, other in noise:
        lines = [line[:at] + other + line[at + 1 :] for line in lines]
    fast([line.encode() for line in lines])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=20))
def test_any_bytes_in_a_message_read_alike(tails: list[bytes]) -> None:
    fast([b"<34>Nov 20 11:59:58 web01 cron[7]: " + tail for tail in tails])


def test_a_string_without_room_or_end_is_left_to_the_lines() -> None:
    fast([f"<34>Nov 20 11:59:58 h{i} cron[{i}]: x".encode() for i in range(500)])
    fast([b"<34>1 2026-11-20T11:59:58Z " + b"h" * size + b" a - - - x" for size in (1, 254, 255, 256, 300)])
    fast([b"<34>Nov 20 11:59:58 " + b"h" * size + b" a: x" for size in (1, 254, 255, 256, 300)])
