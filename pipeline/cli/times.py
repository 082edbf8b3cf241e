"""Times as they are given on a command line."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from pipeline.cli.errors import CommandError

_AGO = re.compile(r"([0-9]+)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | None, option: str, tz: tzinfo = UTC) -> datetime | None:
    """Read `15m`, `2h`, `3d` (so long ago), `now`, or ISO 8601; without a zone it is of `tz`.

    Raises:
        CommandError: it is neither.
    """
    if text is None:
        return None
    now = datetime.now(UTC)
    if ago := _AGO.fullmatch(text.strip()):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise CommandError(f"{option} {text}: longer ago than dates reach", "2026-11-20 would be right") from None
    if text.strip() == "now":
        return now
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        right = "15m, 2h, 3d, or ISO 8601 such as 2026-11-20T14:00:00Z"
        raise CommandError(f"{option} {text}: not a time", right) from None
    return found if found.tzinfo else found.replace(tzinfo=tz)
