"""Masks over the bytes of a block as Python integers: bit i stands for byte i.

One addition floods a word, one subtraction fills a set of ranges, and Arrow's filter takes the bits as they are: some
twenty times cheaper a byte than `reduceat`, `cumsum` and boolean indexing (measured: .04 to .4 ns against 2.6).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def pack(mask: Bools) -> int:
    """(n,) booleans as one number."""
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def unpack(bits: int, size: int) -> Bools:
    """One number as (size,) booleans."""
    data = np.frombuffer(bits.to_bytes((size + 7) // 8, "little"), np.uint8)
    return np.unpackbits(data, count=size, bitorder="little").view(np.bool_)


def at(positions: Ints, size: int) -> int:
    """The bits at these positions, each below `size`."""
    mask = np.zeros(size, np.bool_)
    mask[positions] = True
    return pack(mask)


def ranges(starts: Ints, ends: Ints, size: int) -> int:
    """The bits of the disjoint, ascending ranges [start, end); ends up to `size`."""
    return at(ends, size + 1) - at(starts, size + 1)


def flood(seeds: int, runs: int) -> int:
    """In each run of ones, the bits from its first seed up; seeds lie in runs.

    Source: the carry of an addition, as in simdjson's string masks; Langdale & Lemire 2019.
    """
    return (runs & ~(runs + seeds)) | seeds


def flood_rows(seeds: int, runs: int, breaks: int) -> int:
    """As `flood`, but a run ends before each bit of `breaks`, where another begins."""
    inner, heads = runs & ~breaks, seeds & breaks
    return flood((seeds | heads << 1) & inner, inner) | heads


def keep(data: Bytes, bits: int) -> pa.Buffer:
    """The bytes of `data` whose bit is set, in order."""
    mask = pa.py_buffer(bits.to_bytes((len(data) + 7) // 8, "little"))
    values = pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])
    kept = values.filter(pa.Array.from_buffers(pa.bool_(), len(data), [None, mask]))
    return kept.buffers()[1][kept.offset : kept.offset + len(kept)] if len(kept) else pa.py_buffer(b"")
