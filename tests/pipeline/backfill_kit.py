"""Archives of every codec for backfills, and what a lake holds of them, told by its segments alone."""

import bz2
import contextlib
import gzip
import lzma
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import zstandard

from connectors.lake import Lake, verify

DIOPTRE = str(Path(sys.executable).parent / "dioptre")

LINES = 6_000
"""Lines of the archives that the tests of the whole command read."""

CODECS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}

_SHAPES = (
    "<{pri}>Nov {day:2d} 11:{m:02d}:{s:02d} web{h} sshd[{n}]: Failed password for u{n} from 192.0.2.{b} port {n} ssh2",
    "<{pri}>1 2026-11-{day:02d}T11:{m:02d}:{s:02d}.{n:06d}+01:00 db{h} postgres {n} - - LOG: checkpoint complete: {n} buffers",
    "2026-11-{day:02d}T11:{m:02d}:{s:02d}.{n:06d}+01:00 mx{h} postfix/smtpd[{n}]: disconnect from unknown[192.0.2.{b}]",
    '192.0.2.{b} - - [{day:02d}/Nov/2026:11:{m:02d}:{s:02d} +0000] "GET /item/{n} HTTP/1.1" 404 {n}',
    "Nov {day:2d} 11:{m:02d}:{s:02d} app{h} shop[{n}]: java.lang.IllegalStateException: order {n}",
    "\tat com.shop.Pay.charge(Pay.java:{n})",
    "",
)  # fmt: skip


def log(lines: int, seed: int) -> bytes:
    """Write so many lines of several formats, some of which go on with the one before, some of which are empty."""
    chance = random.Random(seed)
    made = []
    for n in range(lines):
        shape = _SHAPES[chance.choices(range(len(_SHAPES)), (30, 20, 20, 20, 5, 4, 1))[0]]
        numbers = {
            "n": n,
            "b": n % 250,
            "m": n // 60 % 60,
            "s": n % 60,
            "h": seed,
            "day": 1 + seed % 20,
            "pri": n % 190,
        }
        made.append(shape.format(**numbers) + "\n")
    return "".join(made).encode()


def archive(folder: Path, lines: int) -> int:
    """Write a log in every codec into a folder; gives the lines in all."""
    folder.mkdir(exist_ok=True)
    for seed, (suffix, packed) in enumerate(CODECS.items()):
        (folder / f"app{seed}.log{suffix}").write_bytes(packed(log(lines, seed)))
    return lines * len(CODECS)


def positions(lake: Path) -> list[tuple[str, int, int]]:
    """List (source, offset, ordinal) of every row in the lake."""
    rows = []
    for path in sorted(lake.glob("events/landing/file-*/*.parquet")):
        table = pq.read_table(path, columns=["source", "source_offset", "ordinal"])
        rows += list(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    return rows


def assert_whole(lake: Path, lines: int) -> None:
    """Check that each of so many lines is there once: nothing missing, nothing doubled, every footer right."""
    held = positions(lake)
    assert len(set(held)) == len(held), "doubled"
    assert len(held) == lines
    checked = verify(Lake.open(lake), deep=True)
    assert [f for f in checked.findings if f.severity != "info"] == []
    assert checked.total.missing == 0
    assert checked.total.events + checked.total.rejects == lines


def start(*argv: str, **env: str) -> subprocess.Popen[bytes]:
    """Start the real command, leader of a process group of its own."""
    return subprocess.Popen(
        [DIOPTRE, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "DIOPTRE_BACKFILL_BATCH_ROWS": "400", **env},
    )  # fmt: skip


def segments(lake: Path) -> int:
    """Count the segments in a lake."""
    return sum(1 for _ in lake.glob("events/landing/file-*/*.parquet"))


def when(running: "subprocess.Popen[bytes]", ready: Callable[[], bool], timeout_s: float = 120) -> None:
    """Wait until something is so, or the process is over."""
    until = time.monotonic() + timeout_s
    while not ready() and running.poll() is None:
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.002)


def kill_group(running: "subprocess.Popen[bytes]", what: int = signal.SIGKILL) -> None:
    """Send a signal to the process and all its workers."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, what)
