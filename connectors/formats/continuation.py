"""Lines that go on with the line before them: stack traces, indented text, closing brackets."""

import re

from connectors.formats.record import Event

_STARTS = re.compile(
    r"[ \t]|Caused by: |Suppressed: |\.\.\. [0-9]+ (?:more|common frames)|[)\]}]+[;,]?$|at [A-Za-z_$][\w$.<>/]*[( ]|"
    r"Traceback \(most recent call last\):|During handling of the above exception|"
    r"The above exception was the direct cause|--- End of |stack traceback:|Stack trace:|#[0-9]{1,3} +[/0-9a-zA-Z_{\[]|"
    r"goroutine [0-9]+ \[|(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Throwable)(?:: |$)"
)
_LAST = re.compile(r"[A-Za-z_][\w.]*(?:: |$)")
_BODY = re.compile(r"[ \t]|Traceback \(")


def may_continue(text: str) -> bool:
    """Say whether a line goes on with some line that may stand before it; if not, it begins an event for sure."""
    return _STARTS.match(text) is not None or _LAST.match(text) is not None


def continues(text: str, previous: Event | None) -> bool:
    """Say whether a line without a header or stamp goes on with `previous`.

    So it is if the previous line had a header or a stamp (or goes on with one that had), and this one begins with a
    blank or a tab, as stack traces do, or is the `ValueError: ...` right behind a traceback's body.
    """
    if previous is None or (previous.ts_quality == "received" and previous.host is None and previous.app is None):
        return False
    if _STARTS.match(text) is not None:
        return True
    inside = previous.ts_quality == "inherited" and _BODY.match(previous.message) is not None
    return inside and _LAST.match(text) is not None


def inherit(text: str, previous: Event) -> Event:
    """Make the event of a continuation line: time, host, app, severity and format of the line before."""
    return Event(
        ts_us=previous.ts_us,
        ts_quality="inherited",
        host=previous.host,
        app=previous.app,
        severity=previous.severity,
        message=text,
        format=previous.format,
        issues=["continuation"],
    )
