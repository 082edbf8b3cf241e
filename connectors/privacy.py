"""Masks personal data before anything is stored, keyed or shown to a model: addresses, mail, users, tokens."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import re2

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HEX = r"[0-9A-Fa-f]{1,4}"
_NAME = r"[^\s\"'<>,;:()\[\]=]+"
_SECRET_NAMES = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|authorization|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"session[_-]?id|client[_-]?secret"
)
_SCHEMES = r"(?:bearer|basic|digest|token|negotiate|apikey)"

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
            rf"(?i)(\b(?:[sdr]?user(?:_?name)?|logname|acct|account|login|uname)\\?[\"']?\s*[=:]\s*\\?[\"']?){_NAME}",
            r"\1<user>",
        ),
        (rf"(\b(?:Accepted|Failed|Postponed) \S+ for (?:(?:invalid|illegal) user )?){_NAME}", r"\1<user>"),
        (rf"(?i)(\b(?:invalid|illegal|for|of|by|new|unknown) user:? [\"']?){_NAME}", r"\1<user>"),
        (rf"(\bsu(?:do)?(?:\[[0-9]+\])?: +){_NAME}( :)", r"\1<user>\2"),
    ),
    "token": (
        (r"(?i)(\b(?:set-)?cookie\\?[\"']?\s*[:=]\s*)[^\"'\r\n]+", r"\1<secret>"),
        (rf"(?i)((?:{_SECRET_NAMES})[\"']?\s*[=:]\s*)\"(?:[^\"\\]|\\.)*\"", r'\1"<secret>"'),
        (rf"(?i)((?:{_SECRET_NAMES})[\"']?\s*[=:]\s*)'(?:[^'\\]|\\.)*'", r"\1'<secret>'"),
        (rf"(?i)((?:{_SECRET_NAMES})\\?[\"']?\s*[=:]\s*(?:{_SCHEMES}\s+)?\\?[\"']?)[^\s\"'&\\]+", r"\1<secret>"),
        (r"(?i)(\b(?:bearer|basic) )[A-Za-z0-9+/._~=-]{8,}", r"\1<secret>"),
        (r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){1,2}", "<secret>"),
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[a-z]-[A-Za-z0-9-]{10,}", "<secret>"),
        (r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)[^\s/]+@", r"\1<secret>@"),
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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Masks) and self._args == other._args

    def __hash__(self) -> int:
        return hash(self._args)

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def patterns(self) -> tuple[str, ...]:
        """Give the operator's own."""
        return self._args[1]

    def column(self, texts: pa.Array) -> pa.Array:
        """Mask a column of strings or bytes; nulls stay."""
        return _masked(texts, self._rules)

    def parsed(self, parsed: pa.RecordBatch) -> pa.RecordBatch:
        """Mask every text of a PARSED batch: what is stored, keyed and shown to models comes after.

        The raw bytes are masked too, and dropped where masking them might not do: where the message was masked and
        they show no trace of it (escapes hid it), or a pattern is beyond ASCII (in bytes it would match parts of
        characters).
        """
        if not self:
            return parsed
        message = self.column(parsed.column("message"))
        changed = {"message": message, "procid": self.column(parsed.column("procid"))}
        for name in ("host", "app", "msgid"):
            column = parsed.column(name)
            words = pa.DictionaryArray.from_arrays(column.indices, self.column(column.dictionary))
            changed[name] = words.cast(pa.string()).dictionary_encode()
        attrs = parsed.column("attrs")
        if attrs.null_count < len(attrs):
            values = self.column(attrs.items)
            changed["attrs"] = pa.MapArray.from_arrays(attrs.offsets, attrs.keys, values, mask=attrs.is_null())
        changed["raw"] = self._raw(parsed.column("raw"), pc.not_equal(message, parsed.column("message")))
        arrays = [changed.get(name, parsed.column(name)) for name in parsed.schema.names]
        return pa.RecordBatch.from_arrays(arrays, schema=parsed.schema)

    def _raw(self, raw: pa.BinaryArray, told: pa.BooleanArray) -> pa.BinaryArray:
        """Mask raw bytes; `told`: the rows whose message was masked."""
        if raw.null_count == len(raw):
            return raw
        if not all(pattern.isascii() for pattern, _ in self._rules):
            return pa.nulls(len(raw), pa.binary())
        masked = self.column(raw)
        kept = pc.or_(pc.invert(told), pc.fill_null(pc.not_equal(masked, raw), False))
        return pc.if_else(kept, masked, pa.scalar(None, pa.binary()))


def _masked(texts: pa.Array, rules: Sequence[tuple[str, str]]) -> pa.Array:
    for pattern, put in rules:
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=put)
    return texts


EXAMPLES = Masks(NAMES)
"""What every example is masked with, whatever the configuration says."""


def _check(pattern: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"privacy.patterns: {pattern!r} is no regular expression (RE2): {error}") from error
