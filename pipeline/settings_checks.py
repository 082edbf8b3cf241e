"""Checks of settings that their types cannot make; each says what would be right."""

from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones


class MisfitError(ValueError):
    """A value that is wrong for a reason that its type does not tell."""


def a_zone(name: str) -> str:
    """Check the name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise MisfitError(f"no such time zone{near(name, available_timezones())}") from None
    return name


def a_format(name: str) -> str:
    """Check the name of a wire format."""
    if name != "auto":
        from connectors.formats.line import NAMES

        if name not in NAMES:
            raise MisfitError(f"no such format{near(name, ('auto', *NAMES))}; known: auto, {', '.join(NAMES)}")
    return name


def patterns_of(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Check the operator's patterns; what they hold may be the very secret, so the message never shows it."""
    import re2

    options = re2.Options()
    options.log_errors = False
    for number, pattern in enumerate(patterns, 1):
        try:
            re2.compile(pattern, options)
        except re2.error:
            raise MisfitError(f"pattern {number} is no regular expression as RE2 takes them") from None
    return patterns


def a_time(value: object) -> datetime:
    """Read a time as TOML, ISO 8601 or Python have it; without a zone it is UTC."""
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise MisfitError("a time in ISO 8601 would be right, such as 2026-01-31T12:00:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def near(name: str, known: Iterable[str]) -> str:
    """Name the nearest of what is known, as the end of a message; nothing if none is near."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""
