"""Undo the compression of one record batch: gzip, snappy (raw, and framed as xerial does), lz4 frames, zstd."""

import struct
import zlib
from collections.abc import Callable

MIB = 1 << 20
NAMES = ("none", "gzip", "snappy", "lz4", "zstd")
"""By their number in a batch's attributes."""
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16


class TooLarge(Exception):  # noqa: N818 - says what the batch is
    """The batch grows beyond the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"it decompresses to more than {limit} bytes")


class Broken(Exception):  # noqa: N818
    """The codec cannot read the batch; the message says why."""


class _Full(Exception):  # noqa: N818
    """The limit is reached."""


def undo(codec: int, data: memoryview, limit: int) -> bytes:
    """Decompress.

    Args:
        codec: 1 to 4, see NAMES.
        data: all of the batch behind its header.
        limit: bytes of the result at most; about as much memory is taken at most.

    Raises:
        TooLarge, Broken: as they say.
    """
    decoders: dict[int, Callable[[memoryview, int], bytes]] = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
    if codec not in decoders:
        raise Broken(f"codec {codec} is not known; known are {', '.join(NAMES[1:])}")
    try:
        return decoders[codec](data, limit)
    except _Full:
        raise TooLarge(limit) from None
    except Broken:
        raise
    except Exception as error:  # each library has its own
        raise Broken(f"{NAMES[codec]}: {error or type(error).__name__}") from error


def _joined(parts: list[bytes]) -> bytes:
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _gzip(data: memoryview, limit: int) -> bytes:
    parts: list[bytes] = []
    rest: bytes | memoryview = data
    while len(rest):  # members, one behind the other
        member = zlib.decompressobj(wbits=31)
        parts.append(member.decompress(rest, limit + 1))
        limit -= len(parts[-1])
        if limit < 0:
            raise _Full
        if not member.eof:
            raise Broken("gzip: the stream ends in its middle")
        rest = member.unused_data.lstrip(b"\0")
    return _joined(parts)


def _lz4(data: memoryview, limit: int) -> bytes:
    from lz4.frame import LZ4FrameDecompressor

    parts: list[bytes] = []
    rest: bytes | memoryview | None = data
    while rest:
        frame = LZ4FrameDecompressor()
        parts.append(frame.decompress(rest, max_length=limit + 1))
        limit -= len(parts[-1])
        if limit < 0:
            raise _Full
        if not frame.eof:
            raise Broken("lz4: the frame ends in its middle")
        rest = frame.unused_data
    return _joined(parts)


def _zstd(data: memoryview, limit: int) -> bytes:
    from zstandard import ZstdDecompressor

    parts: list[bytes] = []
    with ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        while part := reader.read(MIB):
            parts.append(part)
            limit -= len(part)
            if limit < 0:
                raise _Full
    return _joined(parts)


def _snappy(data: memoryview, limit: int) -> bytes:
    """Decode a raw block, or the blocks that xerial's stream holds, each behind its length."""
    if data[: len(_XERIAL)] != _XERIAL:
        return _block(data, limit)
    parts: list[bytes] = []
    at = _XERIAL_HEADER
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        if not 0 <= size <= len(data) - at - 4:
            raise Broken("snappy: a block leaves the batch")
        parts.append(_block(data[at + 4 : at + 4 + size], limit))
        limit -= len(parts[-1])
        at += 4 + size
    return _joined(parts)


def _block(data: memoryview, limit: int) -> bytes:
    import cramjam

    if cramjam.snappy.decompress_raw_len(data) > limit:  # told by the block's first bytes
        raise _Full
    return bytes(cramjam.snappy.decompress_raw(data))
