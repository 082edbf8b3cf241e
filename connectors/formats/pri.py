"""PRI, and the names of facilities and severities."""

import re

PRI = re.compile(r"<(0|[1-9][0-9]{0,2})>")
"""RFC 5424 6.2.1: no blanks, no sign, no leading zeros; the number is at most 191."""

_MEANT = re.compile(r"<(?:>| *[+-]?[0-9])")

FACILITIES = (
    "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp "
    "ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7"
).split()

SEVERITY_WORDS = {
    **dict.fromkeys(("emerg", "emergency"), 0),
    "alert": 1,
    **dict.fromkeys(("crit", "critical", "fatal", "panic"), 2),
    **dict.fromkeys(("err", "error", "severe"), 3),
    **dict.fromkeys(("warn", "warning"), 4),
    "notice": 5,
    **dict.fromkeys(("info", "information", "informational"), 6),
    **dict.fromkeys(("debug", "trace", "verbose"), 7),
}
"""Words that name a severity, lower case."""

_FACILITY_WORDS = {name: number for number, name in enumerate(FACILITIES)} | {"security": 4}


def read(text: str, at: int = 0) -> tuple[int | None, int]:
    """Read the PRI that begins at `at`: (0 to 191, the position after it), or (None, `at`) when there is none."""
    found = PRI.match(text, at)
    if found is None or (value := int(found[1])) > 191:
        return None, at
    return value, found.end()


def malformed(text: str) -> bool:
    """Say whether the text begins with what was meant for a PRI and is none: over 191, unclosed, empty, `<034>`."""
    return _MEANT.match(text) is not None and read(text)[0] is None


def split(pri: int | None) -> tuple[int | None, int | None]:
    """Split a PRI into (facility, severity); (None, None) without one."""
    return (None, None) if pri is None else (pri >> 3, pri & 7)


def severity(word: str) -> int | None:
    """Severity 0 to 7 for a syslog digit or a level's name; None when it is neither."""
    word = word.strip().lower()
    if len(word) == 1 and word in "01234567":
        return int(word)
    return SEVERITY_WORDS.get(word)


def facility(word: str) -> int | None:
    """Facility 0 to 23 for its number or name (`auth|security`: the first name counts); None when it is neither."""
    word = word.strip().lower().split("|")[0]
    if word.isascii() and word.isdigit() and len(word) <= 2 and int(word) <= 23:
        return int(word)
    return _FACILITY_WORDS.get(word)
