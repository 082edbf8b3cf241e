"""What a wire format makes of one record: an Event or a Rejected, and the Context it reads the record in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import NamedTuple

REPLACEMENT = "\ufffd"
"""What stands in the text for a byte or character that no text may hold."""


class Stamp(NamedTuple):
    """A stamp found in a text; `us` None: it has the shape of one, and no such time exists (issue `bad_ts`)."""

    us: int | None
    quality: str
    issues: tuple[str, ...]
    end: int
    """The position after it."""


@dataclass(slots=True)
class Event:
    """One event, in the words of `schemas.events.PARSED`. Formats fill what the record tells; the rest stays null."""

    ts_us: int | None = None
    """Microseconds since 1970, UTC; None: no usable stamp, `observed_ts` stands in."""
    ts_quality: str = "received"
    host: str | None = None
    app: str | None = None
    procid: str | None = None
    msgid: str | None = None
    facility: int | None = None
    severity: int | None = None
    message: str = ""
    attrs: dict[str, str] | None = None
    format: str = "plain"
    issues: list[str] = field(default_factory=list)
    keep_raw: bool = False
    """True: parsing lost something, so the bytes are kept beside the event."""

    def time(self, stamp: Stamp | None) -> None:
        """Take time, quality and issues of a stamp, if there is one; if it tells no time, raw keeps its words."""
        if stamp is not None:
            self.keep_raw = self.keep_raw or stamp.us is None
            self.ts_us, self.ts_quality = stamp.us, stamp.quality
            self.issues.extend(stamp.issues)

    def note(self, issue: str) -> None:
        """Add an issue, once."""
        if issue not in self.issues:
            self.issues.append(issue)

    def tell(self, name: str, value: str) -> None:
        """Add an attribute; a name told twice keeps both values, joined by a comma."""
        if self.attrs is None:
            self.attrs = {}
        old = self.attrs.get(name)
        self.attrs[name] = value if old is None else f"{old},{value}"


@dataclass(slots=True, frozen=True)
class Rejected:
    """A record that holds no event."""

    reason: str
    """One of `schemas.events.REJECTS`."""
    detail: str
    """One clause for people: what was found."""


@dataclass(slots=True)
class Context:
    """What is known about a record beside its bytes. Not frozen: a loop sets `previous` and the stamps as it goes."""

    observed_us: int
    """When the record was received, microseconds since 1970."""
    reference_us: int | None
    """The date that decides the year of a stamp without one; None: when the record was received."""
    tz: tzinfo
    """The zone of stamps that tell none; a `zoneinfo.ZoneInfo` or `datetime.timezone`."""
    format: str = "auto"
    """`auto`, or the NAME of the one format to try before plain."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Our column name -> the name a home-made JSON uses, dotted for a nested one."""
    previous: Event | None = None
    """The event before this one in the same source; a continuation line inherits from it."""

    @property
    def dated_us(self) -> int:
        """The date that decides, microseconds since 1970."""
        return self.observed_us if self.reference_us is None else self.reference_us
