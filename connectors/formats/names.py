"""Where a shipper's JSON keeps what our columns hold: a table a format, and how a record is read by it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from connectors.formats import rfc5424
from connectors.formats.jsons import Fields, Record, set_codes
from connectors.formats.pri import severity as by_syslog
from connectors.formats.record import Context, Event

Words = tuple[str, ...]

_TAG = re.compile(r"([^\[\]:]+)(?:\[([^\]]*)\])?:?")


@dataclass(frozen=True)
class Names:
    """The fields of one format, for each column in the order they are asked; dots lead into nested objects.

    Attributes:
        pri: PRI as a number, for what `facility` and `severity` do not tell.
        tag: `su[77]:`, for what `app` and `procid` do not tell.
        data: structured data that travels as one text.
        drop: say nothing new, and are left out.
        within: objects whose own name is left out of their attributes' names.
        hidden: fields whose names begin so are left out.
        blank: the message begins with one blank that is none of it.
        whole: a record without a message is its own.
        level: reads a severity.
    """

    format: str
    message: Words
    ts: Words
    host: Words
    app: Words
    procid: Words = ()
    msgid: Words = ()
    severity: Words = ()
    facility: Words = ()
    pri: Words = ()
    tag: Words = ()
    data: Words = ()
    drop: Words = ()
    within: Words = ()
    hidden: str = ""
    blank: bool = False
    whole: bool = True
    level: Callable[[str], int | None] = by_syslog

    def event(self, record: Record, text: str, ctx: Context) -> Event:
        """Read a record; `text` is the message when no field holds any, and what no column holds are attributes.

        Where the context maps a column to a field, that field alone is taken for it.
        """
        event = Event(format=self.format)
        taken = Fields(record, event, ctx)
        message = self.fill(event, taken)
        if message is None:
            event.message = text if self.whole else ""
        else:
            event.message = message[self.blank and message[:1] == " " :]
        return event

    def fill(self, event: Event, taken: Fields) -> str | None:
        """Take all fields into the event but the message, which is given."""
        message = taken.text("message", self.message)
        taken.time(self.ts)
        event.host, event.app = taken.word("host", self.host), taken.word("app", self.app)
        event.procid, event.msgid = taken.word("procid", self.procid), taken.word("msgid", self.msgid)
        set_codes(event, taken, self.pri, self.facility, self.severity, self.level)
        self._more(event, taken)
        taken.drop(self.drop)
        if self.hidden:
            taken.hide(self.hidden)
        taken.rest(self.within)
        return message

    def _more(self, event: Event, taken: Fields) -> None:
        """Take a tag apart, and unfold structured data that travels as text."""
        if self.tag and (tag := split(taken.word("tag", self.tag))) is not None:
            event.app, event.procid = event.app or tag[0], event.procid or tag[1]
        if self.data and (data := taken.word("sd", self.data)) is not None:
            end, attrs = rfc5424.structured(data, 0)
            for name, value in attrs.items() if end else ((self.data[0], data),):
                event.tell(name, value)
            rfc5424.clock_quality(event)


def split(tag: str | None) -> tuple[str, str | None] | None:
    """Split `su[77]:` into app and procid; None when it is no tag."""
    found = _TAG.match(tag or "")
    return None if found is None else (found[1], found[2] or None)
