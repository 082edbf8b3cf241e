"""Who a file is: its first line names it, its bytes prove it.

A file's id is the hash of its first complete line, line end included, at most 64 KiB of it. Names and dates do not
enter, so a renamed, rotated or compressed file keeps its id. Files that begin alike share an id; what they hold tells
them apart, see planner.py.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from connectors.archives.archive import Archive
from connectors.archives.codecs import CHUNK, codec_of
from connectors.archives.content import Content, Finding
from connectors.archives.limits import Limits

REFUSED_BYTES = 4096
"""Of a file that is refused as a whole, so many bytes stand for it in the lake."""

_START_BYTES = 8192
_CONTAINERS = ((0, b"PK\x03\x04", "zip"), (257, b"ustar", "tar"), (0, b"7z\xbc\xaf\x27\x1c", "7z"))
_FOREIGN = ((0, b"\x04\x22\x4d\x18", "lz4"), (0, b"\x1f\x9d", "compress (.Z)"), (0, b"LPKSHHRH", "a systemd journal"))


@dataclass(frozen=True)
class Head:
    """The beginning of an archive.

    Attributes:
        id: 16 hex digits; empty: no line is complete yet (or the file is empty), so there is nothing to read.
        start: the first bytes, at most 8 KiB: cheap to compare.
        size: how many decompressed bytes were seen.
        refusal: (reason, detail) when the file is refused as a whole.
        findings: what is wrong with it already here.
    """

    id: str
    start: bytes
    size: int
    refusal: tuple[str, str] | None
    findings: list[Finding]


def head_of(archive: Archive, limits: Limits, now: float | None = None) -> Head:
    """Read the beginning of an archive: at most 64 KiB, decompressed."""
    with Content(archive, limits, now) as content:
        data = read_start(content, limits.line_bytes)
        refusal = refusal_of(data, content.codec)
        enough = len(data) == limits.line_bytes or content.whole or refusal is not None
        line = data[: data.find(b"\n") + 1] or (data if enough else b"")
        name = hashlib.sha256(line).hexdigest()[:16] if line else ""
        return Head(name, data[:_START_BYTES], len(data), refusal, list(content.findings))


def read_start(content: Content, n: int) -> bytes:
    """Read n bytes, fewer at the end."""
    data = bytearray(n)
    at = 0
    while at < n and (got := content.readinto(memoryview(data)[at:])):
        at += got
    return bytes(data[:at])


def refusal_of(head: bytes, codec: str) -> tuple[str, str] | None:
    """Say why a file is no log that can be read, by its first decompressed bytes: (reject reason, detail); or None."""
    inner = codec_of(head[:16])
    if inner != "plain":
        return "nested_archive", f"{inner} inside {codec}: decompress it once"
    for at, magic, name in _CONTAINERS:
        if head[at : at + len(magic)] == magic:
            return "nested_archive", f"a {name} archive: unpack it, then read the folder"
    for at, magic, name in _FOREIGN:
        if head[at : at + len(magic)] == magic:
            hint = "write it out with journalctl -o json" if "journal" in name else "decompress it first"
            return "nested_archive", f"{name}: {hint}"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "unsupported_encoding", "UTF-16: convert it with iconv -f UTF-16 -t UTF-8"
    return None


def relation(one: Archive, other: Archive, limits: Limits) -> int | None:
    """Compare the contents of two archives as far as the shorter goes.

    Returns:
        None: they differ. Else they agree, and the sign tells which is longer: 1 the first, -1 the second, 0 neither.
    """
    with Content(one, limits) as a, Content(other, limits) as b:
        while True:
            left, right = read_start(a, CHUNK), read_start(b, CHUNK)
            short = min(len(left), len(right))
            if left[:short] != right[:short]:
                return None
            if len(left) != len(right) or not left:
                return int(np.sign(len(left) - len(right)))
