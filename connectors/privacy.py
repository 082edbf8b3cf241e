"""Masks personal data in records before anything else sees them: addresses, mail, users, tokens."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import re2

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HEX = r"[0-9A-Fa-f]{1,4}"
_NAME = r"[^\s\"'<>,;:()\[\]=]+"
_SECRET_NAMES = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|authorization|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"session[_-]?id|client[_-]?secret|cookie"
)

RULES: dict[str, tuple[tuple[str, str], ...]] = {
    "address": (
        (rf"\b{_OCTET}(?:\.{_OCTET}){{3}}\b", "<ip>"),
        (rf"\b(?:{_HEX}:){{7}}{_HEX}\b", "<ip>"),
        (rf"\b[0-9A-Fa-f]{{3,4}}:(?:{_HEX}:){{0,5}}(?::{_HEX}){{1,6}}\b|\B::(?:{_HEX}:){{0,6}}{_HEX}\b", "<ip>"),
        (r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b", "<mac>"),
    ),
    "mail": ((r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "<mail>"),),
    "user": (
        (
            rf"(?i)(\b(?:[sdr]?user(?:_?name)?|logname|acct|account|login|uname)\\?[\"']?[=:]\s?\\?[\"']?){_NAME}",
            r"\1<user>",
        ),
        (rf"(\b(?:Accepted|Failed|Postponed) \S+ for (?:(?:invalid|illegal) user )?){_NAME}", r"\1<user>"),
        (rf"(?i)(\b(?:invalid|illegal|for|of|by|new|unknown) user:? [\"']?){_NAME}", r"\1<user>"),
        (rf"(\bsu(?:do)?(?:\[[0-9]+\])?: +){_NAME}( :)", r"\1<user>\2"),
    ),
    "token": (
        (
            rf"(?i)((?:{_SECRET_NAMES})\\?[\"']?\s?[=:]\s?(?:(?:bearer|basic|digest)\s)?\\?[\"']?)[^\s\"',;&\\]+",
            r"\1<secret>",
        ),
        (r"(?i)(\b(?:bearer|basic) )[A-Za-z0-9+/._~=-]{8,}", r"\1<secret>"),
        (r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){1,2}", "<secret>"),
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[a-z]-[A-Za-z0-9-]{10,}", "<secret>"),
        (r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]+:)[^\s/@]+@", r"\1<secret>@"),
    ),
}
"""What each name masks: RE2 patterns and what stands in their place. No replacement holds a digit, so a masked word
is a constant of its kind. `[privacy] patterns` adds the operator's own, replaced by `<masked>`."""

NAMES = tuple(RULES)


class Masks:
    """The masks that are switched on, in order. Pickles by its arguments.

    Args:
        names: of NAMES.
        patterns: the operator's own, RE2 syntax.

    Raises:
        ValueError: a name that is none, or a pattern that is no RE2.
    """

    def __init__(self, names: Sequence[str] = (), patterns: Sequence[str] = ()) -> None:
        for name in names:
            if name not in RULES:
                raise ValueError(f"privacy.mask: {name!r} is none of {', '.join(RULES)}")
        for pattern in patterns:
            _check(pattern)
        self._args = (tuple(names), tuple(patterns))
        self._rules = [rule for name in ("token", "mail", "user", "address") if name in names for rule in RULES[name]]
        self._rules = [(pattern, "<masked>") for pattern in patterns] + self._rules

    def __reduce__(self) -> tuple[type["Masks"], tuple[tuple[str, ...], tuple[str, ...]]]:
        return Masks, self._args

    def __bool__(self) -> bool:
        return bool(self._rules)

    def column(self, texts: pa.Array) -> pa.Array:
        """Mask a column of strings or bytes; nulls stay."""
        for pattern, put in self._rules:
            texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=put)
        return texts

    def records(self, records: pa.RecordBatch) -> pa.RecordBatch:
        """Mask the bytes of a RECORDS batch; positions stay those of the unmasked source."""
        if not self:
            return records
        at = records.schema.get_field_index("raw")
        return records.set_column(at, records.schema.field(at), self.column(records.column(at)))


EXAMPLES = Masks(NAMES)
"""What every example is masked with, whatever the configuration says."""


def _check(pattern: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"privacy.patterns: {pattern!r} is no regular expression (RE2): {error}") from error
