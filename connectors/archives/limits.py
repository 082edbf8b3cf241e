"""What reading an archive may cost: limits against bombs, endless lines and half-written ends."""

from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds on one archive; what lies beyond them becomes one reject row or a flag, never an exception."""

    line_bytes: int = 64 * KIB
    """A longer line, line end included, is truncated to this; rsyslog's own limit is 8 KiB, Vector's 100 KiB."""
    ratio: int = 200
    """Decompressed to compressed bytes; real logs reach about 60 (xz), a bomb of zeros 849,479 (bz2)."""
    ratio_after: int = 64 * MIB
    """The ratio counts only from this many decompressed bytes on: short files may well be repetitive."""
    memory: int = 160 * MIB
    """What a decoder may take: the window of zstd, the dictionary of xz (`zstd --long=27`: 128 MiB, `xz -9`: 65)."""
    settled_s: float = 60.0
    """A plain file untouched for so long has no writer that would still end its last line."""
    lookback_lines: int = 1000
    """A batch is cut up to so many lines earlier to keep a continuation line with its parent."""
