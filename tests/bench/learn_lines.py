"""Lines for the benches of learning: good ones, and junk of which each is a kind of its own."""

import time
from collections.abc import Iterator

import pyarrow as pa

from schemas.events import RECORDS, TS
from tests.bench.lines import _SYLLABLES, Mill


def word(number: int) -> str:
    """Spell a number as an invented word."""
    out = ""
    while number or not out:
        number, syllable = divmod(number, len(_SYLLABLES))
        out += _SYLLABLES[syllable]
    return out


def blocks(lines: int, seed: int = 7) -> Iterator[list[str]]:
    """Yield good lines, some 32,768 at a time."""
    mill = Mill(seed)
    for block in mill.blocks(lines):
        yield mill.spell(block, *mill.heads(block, "rfc3164")).to_pybytes().decode().splitlines()


def junk(i: int) -> str:
    """Give the i-th junk line."""
    a, b, c = word(i + 40), word(i * 7 + 11), word(i * 13 + 5)
    return f"<14>Jun  2 18:00:00 web03 junk: {a} {b} {c} {a}{c} nothing of use"


def records(lines: list[str], start: int) -> pa.RecordBatch:
    """Make a batch of the schema RECORDS, as a reader does."""
    n = len(lines)
    now = int(time.time() * 1e6)
    columns = [
        pa.array([line.encode() for line in lines], pa.binary()), pa.array(range(start, start + n), pa.int64()),
        pa.array([now] * n, TS), pa.array([False] * n),
    ]  # fmt: skip
    meta = {"source": "bench-0", "start": str(start), "end": str(start + n), "name": "bench", "skips": "{}"}
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS).replace_schema_metadata(meta)
