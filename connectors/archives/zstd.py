"""Undo zstd block by block.

The binding's own readers either decompress all the input they are given at once (4 bytes may stand for 128 KiB) or
do not tell a frame that is cut short from one that is whole. Blocks carry their size in 3 bytes, so it is simple to
hand the decoder one at a time: at most 128 KiB come out, and where a frame ends is known.
Source: RFC 8878, sections 3.1.1 and 3.1.2.
"""

from collections.abc import Iterator

import zstandard

from connectors.archives.codecs import Broken, Source
from connectors.archives.limits import Limits

_MAGIC = b"\x28\xb5\x2f\xfd"
_LONGEST_HEADER = 18
_RLE, _RESERVED = 1, 3


def zstd(source: Source, limits: Limits) -> Iterator[bytes]:
    """Decode zstd frames one after another; skippable frames are passed over."""
    while magic := source.peek(4):
        if magic == _MAGIC:
            try:
                yield from _frame(source, limits)
            except zstandard.ZstdError as error:
                raise Broken("corrupt", f"zstd: {error}") from error
        elif magic[1:] == b"\x2a\x4d\x18" and 0x50 <= magic[0] <= 0x5F:
            _skip_frame(source)
        else:
            raise Broken("trailing", "bytes after the last zstd frame are no zstd; they were left out")


def _frame(source: Source, limits: Limits) -> Iterator[bytes]:
    """Decode one frame: header, blocks, checksum."""
    head = source.peek(_LONGEST_HEADER)
    if len(head) < _LONGEST_HEADER and len(head) < zstandard.frame_header_size(head.ljust(_LONGEST_HEADER, b"\0")):
        raise _cut_short()
    header = zstandard.get_frame_parameters(head)
    if header.window_size > limits.memory:
        raise Broken("limit", f"zstd: a window of {header.window_size:,} bytes; at most {limits.memory:,} are allowed")
    frame = zstandard.ZstdDecompressor(max_window_size=limits.memory).decompressobj()
    frame.decompress(source.take(zstandard.frame_header_size(head)))
    last = False
    while not last:
        block, last = _block(source)
        yield frame.decompress(block)
    if header.has_checksum:
        check = source.take(4)
        if len(check) < 4:
            raise _cut_short()
        yield frame.decompress(check)


def _block(source: Source) -> tuple[bytes, bool]:
    """Take one block with its header; True: the frame's last."""
    head = source.take(3)
    value = int.from_bytes(head, "little")
    last, kind, size = value & 1, value >> 1 & 3, value >> 3
    if kind == _RESERVED:
        raise Broken("corrupt", "zstd: a block of a reserved type")
    size = 1 if kind == _RLE else size
    body = source.take(size) if len(head) == 3 else b""
    if len(head) < 3 or len(body) < size:
        raise _cut_short()
    return head + body, bool(last)


def _skip_frame(source: Source) -> None:
    head = source.take(8)
    left = int.from_bytes(head[4:], "little")
    while left and (data := source.take(min(left, 1 << 16))):
        left -= len(data)
    if left or len(head) < 8:
        raise _cut_short()


def _cut_short() -> Broken:
    return Broken("truncated", "the zstd stream ends in its middle")
