"""Undo compression as a stream: gzip, bz2, xz and zstd, told by their first bytes, members and frames concatenated.

Each decoder is a generator of decompressed chunks of at most 256 KiB. It ends when the input does, or raises `Broken`
after the last byte that could be decoded. Nothing is ever written to disk.
"""

import bz2
import contextlib
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal

from connectors.archives.limits import KIB, Limits

CHUNK = 256 * KIB
_INPUT = 64 * KIB
MAGIC_BYTES = 10
"""As many first bytes as `codec_of` needs."""

_GZIP, _XZ, _ZSTD = b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_BZ2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")


class Broken(Exception):  # noqa: N818 - it ends a stream; what came before it stays
    """The stream ends here. kind: truncated, corrupt, limit; or trailing: what follows the last member is no member."""

    def __init__(self, kind: Literal["truncated", "corrupt", "limit", "trailing"], detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Source:
    """Compressed bytes with a look ahead; `used` counts those that a decoder has taken."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._held = b""
        self.used = 0

    def read(self) -> bytes:
        """Take what is at hand, at most 64 KiB; empty at the end."""
        data, self._held = self._held or self._handle.read(_INPUT), b""
        self.used += len(data)
        return data

    def unread(self, data: bytes) -> None:
        """Give back what was taken last."""
        self._held = data + self._held
        self.used -= len(data)

    def peek(self, n: int) -> bytes:
        """Look at the next n bytes; fewer at the end."""
        while len(self._held) < n:
            more = self._handle.read(_INPUT)
            if not more:
                break
            self._held += more
        return self._held[:n]

    def take(self, n: int) -> bytes:
        """Take n bytes; fewer at the end."""
        data = self.peek(n)
        self._held = self._held[n:]
        self.used += len(data)
        return data

    def skip_zeros(self) -> None:
        """Pass over the NUL bytes that fill up a tape block, or align an xz stream."""
        while data := self.read():
            rest = data.lstrip(b"\0")
            if rest:
                return self.unread(rest)
        return None


def codec_of(head: bytes) -> str:
    """Name the codec by the first bytes: gzip, bz2, xz, zstd; else plain."""
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(b"BZh") and head[4:10] in _BZ2_BLOCKS:
        return "bz2"
    if head.startswith(_XZ):
        return "xz"
    if head.startswith(_ZSTD) or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    return "plain"


def decoder(codec: str) -> Callable[[Source, Limits], Iterator[bytes]]:
    """Give the decoder of a codec other than plain."""
    from connectors.archives.zstd import zstd

    return {"gzip": _gzip, "bz2": _bz2, "xz": _xz, "zstd": zstd}[codec]


def _gzip(source: Source, limits: Limits) -> Iterator[bytes]:
    """Decode gzip members one after another."""
    while source.peek(1):
        if not source.peek(2) == _GZIP[:2]:
            raise Broken("trailing", "bytes after the last gzip member are no gzip; they were left out")
        yield from _gzip_member(source)
        source.skip_zeros()


def _gzip_member(source: Source) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    while not member.eof:
        data = member.unconsumed_tail or source.read()
        if not data:
            yield member.flush()
            raise Broken("truncated", "the gzip stream ends in its middle")
        before = member.copy()
        try:
            chunk = member.decompress(data, CHUNK)
        except zlib.error as error:
            yield from _salvage(before, data)
            raise Broken("corrupt", f"gzip: {error}") from error
        yield chunk
    source.unread(member.unused_data)


def _salvage(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """Decode byte by byte up to the one that is wrong: zlib gives nothing of a call that fails."""
    with contextlib.suppress(zlib.error):
        for i in range(len(data)):
            yield member.decompress(data[i : i + 1])


def _bz2(source: Source, limits: Limits) -> Iterator[bytes]:
    """Decode bz2 streams one after another."""
    while source.peek(1):
        if source.peek(3) != b"BZh":
            raise Broken("trailing", "bytes after the last bz2 stream are no bz2; they were left out")
        yield from _drain(bz2.BZ2Decompressor(), source, "bz2")


def _xz(source: Source, limits: Limits) -> Iterator[bytes]:
    """Decode xz streams one after another."""
    while source.peek(1):
        if source.peek(6) != _XZ:
            raise Broken("trailing", "bytes after the last xz stream are no xz; they were left out")
        yield from _drain(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.memory), source, "xz")
        source.skip_zeros()


def _drain(stream: bz2.BZ2Decompressor | lzma.LZMADecompressor, source: Source, name: str) -> Iterator[bytes]:
    """Decode one stream to its end."""
    while not stream.eof:
        data = source.read() if stream.needs_input else b""
        if stream.needs_input and not data:
            raise Broken("truncated", f"the {name} stream ends in its middle")
        try:
            chunk = stream.decompress(data, CHUNK)
        except (OSError, lzma.LZMAError, EOFError) as error:
            kind: Literal["limit", "corrupt"] = "limit" if "emory" in str(error) else "corrupt"
            raise Broken(kind, f"{name}: {error}") from error
        yield chunk
    source.unread(stream.unused_data)
