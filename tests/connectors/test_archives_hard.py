"""Bombs, endless lines and long files, each in a process of its own whose memory and time are measured."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import zstandard

from tests.connectors.archives_kit import put

ROOT = Path(__file__).parents[2]

HARD = """
import resource, sys
from connectors.archives import find, plan, read
from tests.connectors.archives_kit import MemoryLake
def peak():  # not ru_maxrss: a child inherits its parent's
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
before = peak()
rows = rejects = 0
for r in plan(find([sys.argv[1]]).archives, MemoryLake().chain, 1 << 30).reads:
    for b in read(r):
        rows += b.num_rows
        rejects += b.schema.metadata[b"rejects"] != b"[]"
after = peak()
print(rows, rejects, (after - before) // 1024, after // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_utime)
"""


def hard(path: Path) -> tuple[int, int, int, int, float]:
    """Read a file in a process of its own: rows, rejects, growth and peak in MiB, CPU seconds, start included."""
    done = subprocess.run([sys.executable, "-c", HARD, path], capture_output=True, text=True, check=True, cwd=ROOT)
    rows, rejects, growth, peak, spent = done.stdout.split()
    return int(rows), int(rejects), int(growth), int(peak), float(spent)


def test_bombs_end_soon_in_little_memory_with_one_reject(tmp_path: Path) -> None:
    zeros = put(tmp_path / "zeros.bz2", bytes(64 << 20), "bz2")
    assert zeros.stat().st_size == 79
    mass = tmp_path / "zeros.gz"
    member = gzip.compress(bytes(64 << 20))
    mass.write_bytes(member * (10_000_000 // len(member) + 1))
    runs = tmp_path / "runs.zst"
    frame = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 30))
    runs.write_bytes(frame * 300)
    for path in (zeros, mass, runs):
        rows, rejects, growth, peak, spent = hard(path)
        assert (rows, rejects) == (0, 1)
        assert growth < 100
        assert peak < 512
        assert spent < 5


def test_a_line_of_a_gigabyte_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    with path.open("wb") as out:
        out.write(b"begin ")
        out.truncate(1 << 30)
        out.seek(1 << 30)
        out.write(b" end\nnext\n")
    os.utime(path, (0, 0))
    rows, rejects, growth, peak, spent = hard(path)
    assert (rows, rejects) == (2, 0)
    assert growth < 100
    assert peak < 512
    assert spent < 5


def test_memory_stays_flat_over_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    line = b"Nov 22 10:00:00 host sshd[123]: Failed password for root from 192.0.2.1 port 4242 ssh2 abcdefghijkl\n"
    with path.open("wb") as out:
        for _ in range(25):
            out.write(line * 100_000)
    rows, _, growth, _, _ = hard(path)
    path.unlink()
    assert rows == 2_500_000
    assert growth < 100
