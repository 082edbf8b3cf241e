"""Rotated sets: which files belong together, oldest first, and what time each covers.

Known are logrotate's numbers (`syslog.2.gz` is older than `syslog.1`), its dates (`messages-20261101.xz`, with or
without separators, hour and epoch), and dates inside names as servers write them (`access.2026-11-01.log`).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

_CODEC = re.compile(r"\.(?:gz|bz2|xz|zst|zstd)$", re.IGNORECASE)
_NUMBER = re.compile(r"\.(\d{1,4})$")
_DATE = re.compile(
    r"[-_.]?(?<!\d)(20\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
    r"(?:[-_T.]?([01]\d|2[0-3])(?:[-_:.]?([0-5]\d)(?:[-_:.]?([0-5]\d))?)?)?(?:-\d{9,10})?(?!\d)"
)


@dataclass(frozen=True)
class Rotation:
    """What a name tells: the set (folder and stem), the date in it, and the number at its end (0: none)."""

    folder: str
    stem: str
    date: datetime | None
    number: int

    def order(self) -> tuple[str, str, int, float, int]:
        """Sort key: sets by name; in a set the dated by date, then the numbered from high to low, then the live one."""
        if self.date is not None:
            return (self.folder, self.stem, 0, self.date.timestamp(), -self.number)
        return (self.folder, self.stem, 1 if self.number else 2, 0.0, -self.number)


def rotation_of(path: PurePath) -> Rotation:
    """Read a file's place in its set from its name."""
    name = _CODEC.sub("", path.name)
    number = _NUMBER.search(name)
    stem = name[: number.start()] if number else name
    found = _DATE.search(stem)
    date = _date(found) if found else None
    if found and date:
        stem = stem[: found.start()] + stem[found.end() :]
    return Rotation(str(path.parent), stem, date, int(number[1]) if number else 0)


def _date(found: re.Match[str]) -> datetime | None:
    """Make a date (UTC) of the digits; None if there is no such day."""
    year, _, month, day, hour, minute, second = found.groups()
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None


def covers(rotation: Rotation, mtime: float) -> datetime:
    """Give the latest time a file may hold: the end of the day in its name, else when it was last written."""
    if rotation.date is not None:
        return rotation.date + timedelta(days=1)
    return datetime.fromtimestamp(mtime, UTC)
