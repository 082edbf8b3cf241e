"""Bytes to text: UTF-8 kept, UTF-16 with a mark decoded, the rest replaced and flagged; nothing is guessed."""

from typing import NamedTuple

from connectors.formats.record import REPLACEMENT, Rejected

_LINE_END = b"\r\n\0"
_BLANK = b" \t\v\f" + _LINE_END
_CONTROL = bytes(b for b in (*range(0x20), 0x7F) if b not in b"\t\n\v\f\r\x1b")
_PRINTABLE = bytes(range(0x21, 0x7F))
_MAGIC = {
    b"\x1f\x8b\x08": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
    b"BZh91AY&SY": "bzip2",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
    b"\x7fELF": "an ELF program",
    b"\x89PNG\r\n": "PNG",
    b"PAR1": "Parquet",
    b"SQLite format 3\0": "SQLite",
    b"Obj\x01": "an Avro file; JSON would be right",
    b"\xff\x06\0\0sNaPpY": "snappy",
    b"\x82SNAPPY\0": "snappy",
}
_MSGPACK = "msgpack; set the shipper's format to json"


class Decoded(NamedTuple):
    """The text of a record without its line end."""

    text: str
    issues: tuple[str, ...]
    keep_raw: bool


def decode(raw: bytes) -> Decoded | Rejected:
    """Decode a record.

    Trailing CR, LF and NUL are cut off, and a leading UTF-8 mark. Bytes that are no UTF-8 become U+FFFD (issue
    `bad_utf8`), so does NUL (issue `nul`); both keep the bytes. UTF-16 with a mark is decoded (issue `utf16`).

    Returns:
        The text, never empty; or Rejected: `empty` (only blanks, NUL and line ends), `unsupported_encoding` (UTF-32,
        or UTF-16 without a mark), `binary` (see `_binary`).
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _utf16(raw)
    whole, raw = raw, raw.rstrip(_LINE_END)
    if raw[:3] == b"\xef\xbb\xbf":
        raw = raw[3:]
    if not raw.strip(_BLANK):
        return Rejected("empty", "nothing but blanks")
    controls = len(raw) - len(raw.translate(None, _CONTROL))
    if not controls and raw.isascii():
        return Decoded(raw.decode("ascii"), (), False)
    text = raw.decode("utf-8", "replace")
    undecodable = text.count(REPLACEMENT) - raw.count(b"\xef\xbf\xbd")
    if (kind := _known(raw) or _known(whole)) is not None:
        return Rejected("binary", f"looks like {kind}")
    if (reject := _binary(raw, controls, undecodable)) is not None:
        return reject
    return _flag(text, undecodable > 0)


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Make text that came out of an escape (JSON) storable: lone surrogates and NUL become U+FFFD, with the issue."""
    issues: tuple[str, ...] = ()
    if not text.isascii():
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if whole != text:
            text, issues = whole, ("bad_utf8",)
    if "\0" in text:
        text, issues = text.replace("\0", REPLACEMENT), (*issues, "nul")
    return text, issues


def _flag(text: str, bad: bool) -> Decoded:
    issues = ("bad_utf8",) if bad else ()
    if "\0" in text:
        text, issues = text.replace("\0", REPLACEMENT), (*issues, "nul")
    return Decoded(text, issues, bool(issues))


def _utf16(raw: bytes) -> Decoded | Rejected:
    if raw[:4] == b"\xff\xfe\0\0":
        return Rejected("unsupported_encoding", "UTF-32; UTF-8 or UTF-16 would be right")
    body = raw[:-1] if len(raw) % 2 and raw.endswith(b"\n") else raw  # a file's line ends amid the LF of UTF-16LE
    text = body.decode("utf-16", "replace").rstrip("\r\n\0")
    if not text.strip(" \t\v\f\r\n\0"):
        return Rejected("empty", "nothing but blanks")
    odd = text.count(REPLACEMENT) + sum(ch < " " and ch not in "\t\n\v\f\r\x1b" for ch in text)
    if odd > 0.3 * len(text):
        return Rejected("binary", f"{odd} of {len(text)} characters are none of any text")
    flagged = _flag(text, REPLACEMENT in text)
    return Decoded(flagged.text, ("utf16", *flagged.issues), flagged.keep_raw)


def _binary(raw: bytes, controls: int, undecodable: int) -> Rejected | None:
    """Reject what is no text.

    The rule, beside a known magic number or structure: a NUL at every other byte (UTF-16); or, of the bytes, more
    than 30 % are control characters, or at least 5 % are and with the undecodable ones it is more than 40 %, or more
    than 90 % are either. Control means C0 and DEL but tab, LF, VT, FF, CR and ESC. At least four such bytes are
    needed where the record holds any printable ASCII, so that a stray NUL in a short line stays an event. Text in an
    old 8-bit code holds no control characters, so it passes.
    """
    size, odd = len(raw), controls + undecodable
    nuls = raw.count(0)
    if nuls >= 4 and 0.4 * size <= nuls <= 0.6 * size and 0 in (raw[::2].count(0), raw[1::2].count(0)):
        return Rejected("unsupported_encoding", "looks like UTF-16 without a byte order mark")
    if odd < 4 and len(raw.translate(None, _PRINTABLE)) < size:
        return None
    if controls > 0.3 * size or (controls >= 0.05 * size and odd > 0.4 * size) or odd > 0.9 * size:
        return Rejected("binary", f"{controls} control and {undecodable} undecodable of {size} bytes")
    return None


def _known(raw: bytes) -> str | None:
    """Name the binary format a record is in, if its first bytes or its structure tell."""
    for magic, name in _MAGIC.items():
        if raw.startswith(magic):
            return name
    if raw[0] == 0x0A and _protobuf(raw):
        return "OTLP protobuf; set the exporter's encoding to otlp_json"
    first, second = raw[0], raw[1] if len(raw) > 1 else 0
    key = raw[2 : 2 + (second & 0x1F)]
    if 0x81 <= first <= 0x8F and 0xA1 <= second <= 0xBF and key.isascii():
        return _MSGPACK
    if first in (0xDE, 0xDF) or (first == 0x92 and second in (0xD7, 0xCA, 0xCB, 0xCE, 0xCF, 0x92)):
        return _MSGPACK
    body = raw[5:].rstrip(_LINE_END)
    if first == second == 0 and body.translate(None, _CONTROL) != body and any(raw[2:5]):
        schema = int.from_bytes(raw[1:5], "big")
        return f"Avro or protobuf behind a schema registry's header (schema {schema}); JSON without one would be right"
    return None


def _protobuf(raw: bytes) -> bool:
    """Say whether the bytes are `repeated message field 1`, to the last byte, each holding messages itself."""
    at = 0
    while at < len(raw):
        if raw[at] != 0x0A:
            return False
        at, size, shift = at + 1, 0, 0
        while at < len(raw) and shift < 35:
            byte = raw[at]
            at, size, shift = at + 1, size | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                break
        if at >= len(raw) or raw[at] not in (0x0A, 0x12, 0x1A) or not size:
            return False
        at += size
    return at == len(raw)
