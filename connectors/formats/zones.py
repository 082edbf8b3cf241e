"""Zones as stamps tell them: offsets, and the abbreviations that are common enough to know."""

import re
from typing import NamedTuple

UTC_WORDS = ("Z", "UTC", "GMT", "UT")
_EAST = {
    "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120, "EEST": 180, "BST": 60,
    "MSK": 180, "TRT": 180, "SAST": 120, "PKT": 300, "IST": 330, "ICT": 420, "WIB": 420, "SGT": 480, "HKT": 480,
    "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
    "ART": -180, "BRT": -180, "AST": -240, "ADT": -180, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300,
    "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600,
}  # fmt: skip
"""Minutes east of UTC. Where an abbreviation has several meanings, the one most often met: BST is British Summer
Time, IST India, CST and EST North America, AST Atlantic."""

ABBREVIATIONS = frozenset(_EAST) | frozenset(UTC_WORDS)
"""Words that are read as a zone after a stamp; none of them is taken for a host there."""

_OFFSET = re.compile(r"([+-])([0-9]{2})(?::?([0-9]{2}))?(?![0-9A-Za-z])")
_WORD = re.compile(r"([A-Z]{1,5})(?![0-9A-Za-z_.\[/-])")
_POSIX = re.compile(r"TZ([+-])([0-9]{1,2})(?![0-9A-Za-z_.-])")  # RFC 3164 5.4, example 4


class Zone(NamedTuple):
    """An offset in microseconds east of UTC; None with an issue: an abbreviation that is not known."""

    offset_us: int | None
    issue: str | None
    end: int


def read(text: str, at: int, *, unknown: bool = False) -> Zone | None:
    """Read the zone that begins at `at`: `Z`, `UTC`, `+01:00`, `+0100`, `+01`, `CET`, `TZ-6`.

    Args:
        unknown: take any upper-case word of 2 to 5 letters for an abbreviation; right where no host can follow.

    Returns:
        None when no zone is there, or its offset is more than a day.
    """
    if (found := _OFFSET.match(text, at)) is not None:
        return _numeric(found, int(found[2]), int(found[3] or 0))
    if (found := _WORD.match(text, at)) is not None:
        word = found[1]
        if word in UTC_WORDS:
            return Zone(0, None, found.end())
        if word in _EAST:
            return Zone(_EAST[word] * 60_000_000, "zone_abbreviation", found.end())
        if unknown and len(word) >= 2:
            return Zone(None, "zone_abbreviation", found.end())
    if (found := _POSIX.match(text, at)) is not None:
        return _numeric(found, int(found[2]), 0)
    return None


def _numeric(found: re.Match[str], hours: int, minutes: int) -> Zone | None:
    if hours > 23 or minutes > 59:
        return None
    offset = (hours * 60 + minutes) * 60_000_000
    return Zone(-offset if found[1] == "-" else offset, None, found.end())
