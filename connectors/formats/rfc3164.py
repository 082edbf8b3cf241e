r"""RFC 3164 and what calls itself so: an optional PRI, a stamp, then perhaps a host and a tag.

The header behind the stamp (`fill`) serves the ISO file formats too. Its words:

- HOST: ASCII letters, digits, `.`, `_`, `-` and any non-ASCII, beginning and ending with none of `.` and `-`, at most
  255 long, holding a letter; or an IPv4 or IPv6 address. Never a level (`ERROR`) or a zone (`CET`), in any case.
- TAG: ASCII letters, digits, `_ . / ( ) @ + $ ~ ^ \ # -` and any non-ASCII, holding a letter, at most 48 bytes of
  UTF-8; never a level, CEF or LEEF. Behind it `[PID]:` or `:` and then one blank or the end.
"""

import ipaddress
import re
import string

from connectors.formats import apptime, pri, stamps, zones
from connectors.formats.record import Context, Event

NAME = "rfc3164"


def _beside(ascii_: str) -> str:
    """Write a class of these ASCII characters and any other: by what it lacks, as `re` compiles far ranges slowly."""
    return "[^" + "".join(re.escape(chr(c)) for c in range(0x80) if chr(c) not in ascii_) + "]"


_ALPHA = string.ascii_letters
_ALNUM = _ALPHA + string.digits
HOST = rf"{_beside(_ALNUM + '_')}(?:{_beside(_ALNUM + '._-')}{{0,253}}{_beside(_ALNUM + '_')})?"
IPV6 = r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,42}(?:%[A-Za-z0-9]{1,16})?"
TAG = rf"[0-9_./()@+$~^\\#-]{{0,47}}{_beside(_ALPHA)}{_beside(_ALNUM + '_./()@+$~^' + chr(92) + '#-')}{{0,47}}"
LEVELS = frozenset(
    "TRACE DEBUG INFO NOTICE WARN WARNING ERR ERROR CRIT CRITICAL FATAL SEVERE ALERT EMERG PANIC".split()
)
NEVER_HOST = zones.ABBREVIATIONS | LEVELS | {"AM", "PM"}
NEVER_TAG = LEVELS | {"CEF", "LEEF"}
"""Both are compared in upper case."""
TAG_BYTES = 48

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV4 = re.compile(IPV4)
_PID = r"\[([^\]\r\n]{0,128})\]"
_HOST_TAG = re.compile(rf"({HOST}) {{1,3}}({TAG})(?:{_PID} ?)?:(?: |$)")
_TAGGED = re.compile(rf"({TAG})(?: ?{_PID} ?)?:(?: |$)")
_TAG_PID_ONLY = re.compile(rf"({TAG})\[([0-9]{{1,10}})\](?: |$)")
_TAG_TIGHT = re.compile(rf"({TAG})(?:{_PID}:|:(?=[^\x00-\x20/:\\0-9]))")
_MAC = re.compile(r"[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}")
_NAME = re.compile(rf"({HOST}|{IPV6})(:?)(?: {{1,3}}|$)")
_LETTER = re.compile(_beside(_ALPHA))
_CERTAIN = re.compile(r"(?=[^ ]*[A-Za-z])[^ ]*[0-9.]|(?i:.*(?:host|machine|server|router|switch|firewall|gateway))$")
_NO_HOST = re.compile(
    r"(?:eth|ens|enp|eno|wlan|lo|vlan|bond|veth|tty|sd[a-z]|nvme|md|dm-|port|cpu)[0-9]|(?:com|org|net|io|java|javax|sun)\."
)
_FILE_TYPES = frozenset("sh py pl rb js php jar exe service socket timer mount target scope slice conf".split())
_TAGLESS = re.compile(
    r"last message repeated [0-9]+ times?|-{2,3} ?MARK ?-{2,3}|Message forwarded from |CEF: ?[0-9]|LEEF: ?[0-9]|"
    r"message repeated [0-9]+ times?: \[|exiting on signal "
)
_FORWARDED = re.compile(rf"Message forwarded from ({HOST}|{IPV6}): ?")
_BSD_LEVEL = re.compile(r"<([a-z0-9]{2,9})\.([a-z]{3,7})> ")
_AIX_LEVEL = re.compile(r"([a-z0-9|]{2,24}):([a-z]{3,7}) ")
_SOLARIS = re.compile(r"\[ID ([0-9]{1,10}) ([a-z0-9]{2,9})\.([a-z]{3,7})\] ?")
_FRONT = frozenset(stamps.MONTHS) | frozenset(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))


def sniff(text: str) -> bool:
    """A PRI, or a word that begins a stamp."""
    return text[:1] == "<" or text[:3] in _FRONT or (text[:1] in "12" and text[5:8] in stamps.MONTHS)


def parse(text: str, ctx: Context) -> Event | None:
    """Read PRI, stamp, host and tag, as far as they are there.

    Returns:
        None when there is neither a PRI nor a stamp with a host or a tag behind it.
    """
    value, at = pri.read(text)
    if value is None and text[:1] == "<":
        return None
    at += text[at : at + 1] == " "
    event = Event(format=NAME)
    event.facility, event.severity = pri.split(value)
    stamp = stamps.bsd(text, at, ctx)
    if stamp is None and value is None:
        return None
    fill(event, text, at if stamp is None else after_stamp(text, stamp.end), stamped=stamp is not None)
    event.time(stamp or apptime.find(text[at:], ctx))
    return event if value is not None or event.host or event.app else None


def after_stamp(text: str, at: int) -> int:
    """Step over what parts a stamp from the header: a colon, then one blank."""
    if text[at : at + 1] == ":":
        at += 1
    return at + 1 if text[at : at + 1] == " " else at


def fill(event: Event, text: str, at: int, *, stamped: bool = True) -> None:
    """Read the host and the tag that begin at `at` into the event; what follows is its message.

    Args:
        stamped: a stamp stands in front. Then the first word is the host if a tag follows it, or if it is certain
            to be a name (an address, or a word with a letter and a digit or dot); without, only if both hold.
    """
    found = _HOST_TAG.match(text, at)
    if found is not None and is_tag(found[2]) and (is_host(found[1]) if stamped else certain(found[1])):
        event.host, event.app, event.procid = found[1], found[2], (found[3] or "").strip() or None
        event.message = text[found.end() :]
    else:
        _odd(event, text, at, stamped)
    if event.message.startswith("[ID "):
        _solaris(event)


def tagless(message: str) -> bool:
    """Say whether a message is one of those that daemons write without a tag, such as `-- MARK --`."""
    return _TAGLESS.match(message) is not None


def is_host(word: str) -> bool:
    """Say whether a word that HOST or IPV6 matches may be a host."""
    if _LETTER.search(word) is None or ":" in word:
        return is_address(word)
    return word.upper() not in NEVER_HOST


def is_address(word: str) -> bool:
    """Say whether a word is an IPv4 or IPv6 address."""
    if ":" not in word:
        return _IPV4.fullmatch(word) is not None
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def is_tag(word: str) -> bool:
    """Say whether a word that TAG matches may be a tag."""
    return word.upper() not in NEVER_TAG and (len(word) <= TAG_BYTES // 4 or len(word.encode()) <= TAG_BYTES)


def certain(word: str) -> bool:
    """Say whether a word is a host's name beyond doubt: an address, or a name with a letter and a digit or dot."""
    return is_address(word) or (is_host(word) and _CERTAIN.match(word) is not None and _NO_HOST.match(word) is None)


def _odd(event: Event, text: str, at: int, stamped: bool) -> None:
    """Read a header that is not simply `HOST TAG:`."""
    at = _level(event, _BSD_LEVEL, text, at)
    if text.startswith("- ", at):
        at += 2
    elif (end := _host(event, text, at, stamped)) is not None:
        at = _relay(event, text, _level(event, _AIX_LEVEL, text, end))
    if (forwarded := _FORWARDED.match(text, at)) is not None and is_host(forwarded[1]):
        if event.host is not None:
            event.tell("forwarded_by", event.host)
        event.host, at = forwarded[1], forwarded.end()
    if (tag := _tag(text, at)) is not None:
        event.app, event.procid, at = tag[1], (tag[2] or "").strip() or None, tag.end()
    event.message = text[at:]


def _relay(event: Event, text: str, at: int) -> int:
    """Step over an address that a relay put between host and tag (RFC 3164 5.4, example 4)."""
    found = _NAME.match(text, at)
    if found is None or found[2] or not is_address(found[1]) or _tag(text, found.end()) is None:
        return at
    event.tell("relay_ip", found[1])
    return found.end()


def _host(event: Event, text: str, at: int, stamped: bool) -> int | None:
    """Read a host that stands before an odd tag, with a colon behind it, or alone; the position after it."""
    found = _NAME.match(text, at)
    if found is None:
        return None
    word, colon = found[1], found[2] == ":"
    if word[-1] == ":" and not is_address(word):
        word, colon = word[:-1], True
    if not is_host(word):
        return None
    end = found.end() if colon else min(found.end(1) + 1, len(text))
    tag = _tag(text, found.end())
    tagged = tag is not None or _TAGLESS.match(text, end) or _AIX_LEVEL.match(text, end)
    if colon:
        named = is_address(word) or _qualified(word, tagged=tag is not None)
    elif stamped:
        named = bool(tagged) or certain(word)
    else:
        named = tag is not None and certain(word)
    if not named:
        return None
    event.host = word
    return end if tag is None else found.end()


def _qualified(word: str, *, tagged: bool) -> bool:
    """Say whether a word before a colon is a host with its domain rather than a program: `web01.example.com:`."""
    labels = word.split(".")
    if len(labels) < 2 or not labels[-1].isalpha() or labels[-1] in _FILE_TYPES or labels[0] in ("com", "org", "net"):
        return False
    return tagged or len(labels) > 2


def _tag(text: str, at: int) -> re.Match[str] | None:
    """The tag that begins at `at`, in any of its forms: `tag[pid]: `, `tag: `, `tag [pid]: `, `tag[7] `, `tag:msg`."""
    found = _TAGGED.match(text, at) or _TAG_PID_ONLY.match(text, at)
    if found is None:
        found = _TAG_TIGHT.match(text, at)
        if found is not None and found[2] is None and (_MAC.match(text, at) or not found[1][0].isalpha()):
            return None
        if found is None:
            return None
    return found if is_tag(found[1]) else None


def _level(event: Event, pattern: re.Pattern[str], text: str, at: int) -> int:
    """Read `<auth.info> ` (FreeBSD) or `auth|security:info ` (AIX); a PRI, if there is one, has said it already."""
    found = pattern.match(text, at)
    if found is None or (severity := pri.severity(found[2])) is None or (code := pri.facility(found[1])) is None:
        return at
    if event.severity is None:
        event.facility, event.severity = code, severity
    return found.end()


def _solaris(event: Event) -> None:
    """Move `[ID 702911 auth.notice] ` from the message to facility, severity, msgid and attrs."""
    found = _SOLARIS.match(event.message)
    if found is None or (severity := pri.severity(found[3])) is None:
        return
    if event.severity is None:
        event.facility, event.severity = pri.facility(found[2]), severity
    event.msgid = found[1]
    event.tell("solaris", f"{found[1]} {found[2]}.{found[3]}")
    event.message = event.message[found.end() :]
