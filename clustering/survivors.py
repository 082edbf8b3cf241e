"""What decides a label survives masking, as a class: HTTP and SMTP status, exit status, errno, EventID, SQLSTATE.

Works on a *skeleton*: a message's words joined by one blank, each hole one HOLE character. A skeleton is met a
thousand times a second with other values in its holes, so the search for telling holes runs once a skeleton
(`plan_of`), and a line costs only the reading of those holes (`Plan.text`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

HOLE = "\x01"
MASK = "<*>"
MOST_TELLING = 6
"""Telling holes read of one skeleton, the first ones: a hostile line of a thousand `rc=1` shall cost no more."""

MAX_TEXT = 2_000
"""Characters of a template; what is longer ends in one hole that takes the rest."""


def _digits(value: str) -> str:
    return value.strip("()[]{}<>,;:.'\"!=#")


def _http(value: str) -> str | None:
    value = _digits(value)
    return f"{value[0]}xx" if len(value) == 3 and value.isdecimal() and value[0] in "12345" else None


def _zero(value: str) -> str | None:
    number = re.match(r"-?(0x)?[0-9a-fA-F]+", _digits(value))
    if number is None or not re.match(r"-?\d", number[0]):
        return None
    return "0" if not number[0].strip("-0x") else "nonzero"


def _status(value: str) -> str | None:
    return _http(value) or _zero(value)


def _exact(value: str) -> str | None:
    value = _digits(value)
    return value if 0 < len(value) <= 8 and value.isascii() and value.isalnum() else None


def _smtp(value: str) -> str | None:
    found = re.match(r"\W*([245])(\d\d|\.\d+\.\d+)\W*$", value)
    return f"{found[1]}xx" if found else None


def _squid(value: str) -> str | None:
    found = re.match(r"([A-Z_]+)/([0-5])\d\d$", value)
    return f"{found[1]}/{found[2]}xx" if found else None


CLASSES: dict[str, Callable[[str], str | None]] = {
    "http": _http, "zero": _zero, "status": _status, "exact": _exact, "smtp": _smtp, "squid": _squid,
}  # fmt: skip
"""What a hole's value says, by the kind of hole; None: nothing."""

_FIELDS = {
    "status": "status", "http_status": "http", "status_code": "status", "statuscode": "status", "sc-status": "http",
    "response_code": "http", "responsecode": "http", "resp": "http", "code": "status", "http.status_code": "http",
    "http_code": "http", "rc": "zero", "ret": "zero", "exit": "zero", "exit_code": "zero", "exitcode": "zero",
    "exit_status": "zero", "exitstatus": "zero", "retval": "zero", "retcode": "zero", "returncode": "zero",
    "result": "zero", "res": "zero", "errno": "exact", "eventid": "exact", "event_id": "exact", "eventcode": "exact",
    "sqlstate": "exact", "dsn": "smtp", "errorcode": "exact", "error_code": "exact", "winlog.event_id": "exact",
}  # fmt: skip
_BEFORE = {
    "status": "status", "statuscode": "status", "code": "status", "returned": "status", "rc": "zero", "exit": "zero",
    "exited": "zero", "retcode": "zero", "errno": "exact", "eventid": "exact", "eventcode": "exact",
    "sqlstate": "exact", "http": "http", "responded": "http", "response": "http", "completed": "http",
    "replied": "http",
}  # fmt: skip
_METHODS = "GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE|MKCOL|COPY|MOVE|LOCK|UNLOCK"
_METHOD, _ANY_METHOD = re.compile(f'^"?({_METHODS})$'), re.compile(_METHODS)
_MAIL = re.compile(r"rcpt|smtp|reject|said|dsn=|relay=|stat=|status=|mail from|5xx|4xx", re.I)
_PUNCTUATION = "()[]{}<>,;:.'\"!="


def field_class(name: str) -> str | None:
    """Tell which class the values of a field belong to, by its name in any case; None: no class."""
    return _FIELDS.get(name.lower())


@dataclass(frozen=True)
class Telling:
    """Holes to look at in turn, the first that says something counts; `reads` names the entry of CLASSES."""

    holes: tuple[int, ...]
    reads: str


@dataclass(frozen=True)
class Plan:
    """How a skeleton becomes a template: its telling holes, and the hole from which one last hole takes the rest."""

    pieces: tuple[str, ...]
    telling: tuple[Telling, ...]
    tail: int | None

    def classes(self, values: Sequence[str]) -> tuple[tuple[int, str], ...]:
        """Read the telling holes: (hole, class) for each that says something. `values` by hole number."""
        found = []
        for telling in self.telling:
            reads = CLASSES[telling.reads]
            said = ((hole, reads(values[hole])) for hole in telling.holes)
            found += [(hole, what) for hole, what in said if what is not None][:1]
        return tuple(found)

    def text(self, classes: Sequence[tuple[int, str]] = ()) -> str:
        """Write the template; a telling hole shows its class, as in `<*4xx>`."""
        text = MASK.join(self.pieces) if not classes and self.tail is None else self._shown(dict(classes))
        return text if len(text) <= MAX_TEXT else text[:MAX_TEXT].rsplit(" ", 1)[0] + " " + MASK

    def _shown(self, shown: dict[int, str]) -> str:
        parts = [self.pieces[0]]
        for hole, piece in enumerate(self.pieces[1:]):
            if hole == self.tail:
                parts.append(MASK)
                break
            parts += [f"<*{shown[hole]}>" if hole in shown else MASK, piece]
        return "".join(parts)


def plan_of(skeleton: str) -> Plan:
    """Find the telling holes of a skeleton, by the words around them.

    Args:
        skeleton: words joined by one blank, holes as HOLE.
    """
    if HOLE not in skeleton:  # nothing can tell: a flood of invented words pays for no search
        return Plan((skeleton,), (), None)
    words = skeleton.split(" ")
    first_hole = _hole_numbers(words)
    methods = [i for i, word in enumerate(words) if _METHOD.match(word)] if _ANY_METHOD.search(skeleton) else []
    request = next((i for i in methods if words[i].startswith('"')), None)
    method = next((i for i in methods if not words[i].startswith('"')), None)
    found = {t.holes: t for t in _by_words(words, first_hole)}
    found |= {t.holes: t for t in _by_shape(words, first_hole, skeleton, method)}
    tail = None
    if request is not None and request + 1 < len(words):
        after = first_hole[request + 1]
        count = first_hole[-1] - after
        found = {holes: t for holes, t in found.items() if holes[0] < after}
        found[(after,)] = Telling(tuple(range(after + 1, after + min(count, 3))), "http")
        tail = after + 3 if count > 3 else None
    telling = sorted((t for t in found.values() if t.holes), key=lambda t: t.holes)[:MOST_TELLING]
    return Plan(tuple(skeleton.split(HOLE)), tuple(telling), tail)


def _hole_numbers(words: list[str]) -> list[int]:
    """Number of the first hole of each word, and last the number of holes in all."""
    return list(accumulate((word.count(HOLE) for word in words), initial=0))


def _by_words(words: list[str], first_hole: list[int]) -> list[Telling]:
    """Holes told by the field name they stand behind, or by the word or two before them."""
    found = []
    for i, word in enumerate(words):
        if HOLE not in word:
            continue
        name, equals, _ = word.partition("=" + HOLE)
        if equals:
            reads = field_class(name.rpartition("=")[2].strip(_PUNCTUATION))
        else:
            reads = _by_words_before(words[max(0, i - 3) : i], words[i + 1] if i + 1 < len(words) else "")
        if reads:
            found.append(Telling((first_hole[i],), reads))
    return found


def _by_words_before(before: list[str], after: str) -> str | None:
    words = [word.strip(_PUNCTUATION).lower() for word in before]
    if after.startswith("Microsoft-Windows-"):
        return "exact"
    if not words:
        return None
    if words[-1] in ("is", "was", "with", "of") and len(words) > 1 and words[-2] in _BEFORE:
        words.pop()
    if words[-1] in ("status", "code", "value") and len(words) > 1 and words[-2] in ("exit", "exited", "return"):
        return "zero"
    if words[-1] == "id" and len(words) > 1 and words[-2] == "event":
        return "exact"
    return _BEFORE.get(words[-1])


def _by_shape(words: list[str], first_hole: list[int], skeleton: str, method: int | None) -> list[Telling]:
    """Holes told by their place: access lines without quotes, load balancers, proxies, mail replies."""
    found = []
    bare = [word == HOLE for word in words]
    pairs = f"{HOLE} {HOLE}" in skeleton
    for i in range(len(words)) if pairs or method else ():
        if bare[i : i + 3] == [True] * 3 and [len(w) for w in words[i + 3 : i + 6]] == [1, 1, 4]:
            found.append(Telling((first_hole[i + 1],), "http"))
        if words[i : i + 1] == ["|"] and bare[i + 1 : i + 2] == [True] and words[i + 2 : i + 3] == ["|"] and method:
            found.append(Telling((first_hole[i + 1],), "http"))
        if bare[i : i + 2] == [True] * 2 and words[max(0, i - 1)] == "msecs":
            found.append(Telling((first_hole[i + 1],), "http"))
    if method is not None:
        if method >= 2 and bare[method - 2]:
            found.append(Telling((first_hole[method - 2],), "squid"))
        if method >= 1 and bare[method - 1]:
            found.append(Telling((first_hole[method - 1],), "http"))
        found += _after_method(bare, first_hole, method)
    if pairs and _MAIL.search(skeleton):
        found += [Telling((first_hole[i],), "smtp") for i in range(len(words) - 1) if bare[i] and bare[i + 1]][:3]
    return found


def _after_method(bare: list[bool], first_hole: list[int], method: int) -> list[Telling]:
    """`GET /x 200` of a development server, or the last run of numbers of an IIS line."""
    if bare[method + 1 : method + 3] == [True, True]:
        return [Telling((first_hole[method + 2],), "http")]
    start = len(bare)
    while start > method + 2 and bare[start - 1]:
        start -= 1
    run = tuple(first_hole[start : start + 3])
    return [Telling(run, "http")] if len(bare) - start >= 3 else []
