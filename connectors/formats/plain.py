"""Text with no header: the whole line is the message; a stamp is taken from where programs put theirs."""

from connectors.formats import apptime
from connectors.formats.record import Context, Event

NAME = "plain"


def sniff(text: str) -> bool:
    """Any text will do."""
    return True


def parse(text: str, ctx: Context) -> Event:
    """Take the line as it is. Host, app and severity stay null: a word inside the text is no header."""
    event = Event(message=text, format=NAME)
    event.time(apptime.find(text, ctx))
    return event
