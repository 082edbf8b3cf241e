"""What learning costs on a stream with new kinds, and what a flood of junk kinds does to it.

Lines are parsed, labelled and committed to a lake as a stream's worker does it, a learner makes a pass now and then.
`python -m tests.bench.bench_learn --help`.
"""

import argparse
import csv
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from connectors.formats.parse import Reading, parse
from connectors.lake import Lake, verify
from pipeline.job import Job
from pipeline.learn import Learner
from pipeline.learn_run import learner_of
from pipeline.transforms import commit
from schemas.events import RECORDS, TS
from tests.bench.lines import _SYLLABLES, Mill
from tests.bench.report import Row, least, most, told

CORPUS = Path(__file__).parents[2] / "sample_data" / "corpus"
PASS_LINES = 131_072
"""Lines between two passes of the learner: 30 s of a stream of 4,000 lines a second."""

NAMED = (
    ("sshd", "Failed password for invalid user {} from 192.0.2.7 port 4711 ssh2"),
    ("su", "session opened for user {} by root"),
    ("CRON", "({}) CMD (/usr/local/bin/report --daily)"),
    ("named", "zone {}/IN: loaded serial 2026112301"),
    ("dockerd", "container {} died, restarting it"),
    ("sudo", "{} : command not allowed ; TTY=pts/0 ; USER=root"),
    ("dhcpd", "client {} requested an address of the pool staff"),
    ("vsftpd", "user {} uploaded a file to incoming"),
)
"""Messages whose new kinds differ by a name alone."""


def word(number: int) -> str:
    """Spell a number as an invented word."""
    out = ""
    while number or not out:
        number, syllable = divmod(number, len(_SYLLABLES))
        out += _SYLLABLES[syllable]
    return out


class Novelties:
    """New kinds: by turns a name nobody has met in a message of NAMED, and a message of the corpus nobody has met.

    Args:
        named: share of the former.
    """

    def __init__(self, seed: int, named: float) -> None:
        self._rng, self._named, self._names = np.random.default_rng(seed), named, 500
        rows = [row for path in sorted(CORPUS.glob("*.tsv")) if path.name != "splits.tsv"
                for row in csv.reader(path.open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)]  # fmt: skip
        texts = sorted({(row[0], row[3]) for row in rows if len(row) == 4 and row[0] != "program"})
        self._texts = [texts[i] for i in self._rng.permutation(len(texts))]

    def one(self) -> str:
        """Give a line of a kind nobody has met."""
        if self._rng.random() < self._named or not self._texts:
            app, text = NAMED[self._rng.integers(len(NAMED))]
            self._names += 1
            return _line(app, text.format(word(self._names)))
        return _line(*self._texts.pop())


def _line(app: str, text: str) -> str:
    return f"<14>Jun  2 18:00:00 web03 {app.replace(' ', '_')}: {text}"


def blocks(lines: int, seed: int = 7) -> Iterator[list[str]]:
    """Yield good lines, some 32,768 at a time."""
    mill = Mill(seed)
    for block in mill.blocks(lines):
        yield mill.spell(block, *mill.heads(block, "rfc3164")).to_pybytes().decode().splitlines()


class Worker:
    """Does what a worker of a stream does, in this process; counts CPU-seconds, and what the learner did."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake.create(folder)
        job = Job(self.lake.root)
        self._labeller, self._at, self._sequence = job.labeller(self.lake.kinds()), 0, 0
        self.learner: Learner = learner_of(Lake.open(folder), job)
        self.cpu_s = self.learn_s = 0.0
        self.calls: Counter[str] = Counter()
        self.novel = 0

    def take(self, lines: list[str]) -> float:
        """Label and commit lines; gives the CPU-seconds."""
        records = _records(lines, self._at)
        began = time.process_time()
        labelled = self._labeller.label(parse(records, Reading()))
        commit(self.lake, labelled)
        spent = time.process_time() - began
        self._at += len(lines)
        self.cpu_s += spent
        self.novel += labelled.novel.num_rows
        return spent

    def learn(self) -> None:
        """Do a pass, and take over what it published."""
        began = time.process_time()
        learned = self.learner.once()
        self.learn_s += time.process_time() - began
        self.calls.update(learned.calls)
        self.calls.update({"vectors": learned.vectors, "fitted": learned.fitted, "inherited": learned.inherited})
        self._sequence, published = self.lake.published(self._sequence)
        for kinds in published:
            self._labeller.refresh(kinds)


def _records(lines: list[str], start: int) -> pa.RecordBatch:
    n = len(lines)
    now = int(time.time() * 1e6)
    columns = [
        pa.array([line.encode() for line in lines], pa.binary()), pa.array(range(start, start + n), pa.int64()),
        pa.array([now] * n, TS), pa.array([False] * n),
    ]  # fmt: skip
    meta = {"source": "bench-0", "start": str(start), "end": str(start + n), "name": "bench", "skips": "{}"}
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS).replace_schema_metadata(meta)


def calls(folder: Path, lines: int, novelty: float, named: float) -> Iterator[Row]:
    """Count calls on a stream: its first half warms, its second half is counted."""
    worker, fresh, rng = Worker(folder / "lake"), Novelties(3, named), np.random.default_rng(5)
    since = done = 0
    warm = False
    for block in blocks(lines):
        for i in np.flatnonzero(rng.random(len(block)) < novelty):
            block[i] = fresh.one()
        worker.take(block)
        done, since = done + len(block), since + len(block)
        if since >= PASS_LINES:
            worker.learn()
            since = 0
        if not warm and done >= lines / 2:
            worker.learn()
            warm, since = True, 0
            worker.calls.clear()
            worker.cpu_s = worker.learn_s = 0.0
            worker.novel, counted = 0, done
    worker.learn()
    millions = (done - counted) / 1e6
    part = f"{novelty:.2%} new kinds, {named:.0%} of them by a name"
    large, tiny = worker.calls["large"] / millions, worker.calls["tiny"] / millions
    yield Row(part, f"{part}: kinds noted", worker.novel / millions, "/M events")
    yield Row(part, "vectors (kinds through the encoder)", worker.calls["vectors"] / millions, "/M events")
    yield Row(part, "inherited from a labelled cluster", worker.calls["inherited"] / millions, "/M events")
    yield Row(part, "calls of tiny while learning", tiny, "/M events")
    yield most(part, "calls of large", large, "/M events", 10)
    yield most(part, "calls in learn stages (tiny, large)", large + tiny, "/M events", 70)
    yield Row(part, "labelling and committing", 1e6 * worker.cpu_s / (done - counted), "us CPU a line")
    yield Row(part, "learning", 1e6 * worker.learn_s / (done - counted), "us CPU a line")


def flood(folder: Path, kinds: int, lines: int) -> Iterator[Row]:
    """Mix junk kinds, each of them once, with good lines; measure before, meanwhile, after."""
    worker = Worker(folder / "flood")
    good = [line for block in blocks(lines) for line in block]
    third = len(good) // 3
    for start in range(0, third, 32_768):
        worker.take(good[start : start + 32_768])
    worker.learn()
    before = _pace(worker, good[:third])
    meant, junk, spent = good[third : 2 * third], 0, 0.0
    share = max(1, -(-kinds * 32_768 // max(1, len(meant))))
    passes = 0
    for start in range(0, len(meant), 32_768):
        some = [_junk(i) for i in range(junk, min(kinds, junk + share))]
        junk += len(some)
        mixed = meant[start : start + 32_768] + some
        for at in range(0, len(mixed), 65_536):
            spent += worker.take(mixed[at : at + 65_536])
        if passes < 2:
            worker.learn()
            passes += 1
    during = spent / (len(meant) + junk)
    after = _pace(worker, good[2 * third :])
    checked = verify(worker.lake.root)
    part = f"a flood of {junk:,} junk kinds among {len(meant):,} good lines"
    known = worker.lake.kinds().num_rows
    yield Row(part, f"{part}: kinds remembered", known, "")
    yield Row(part, "before: CPU a good line", 1e6 * before, "us")
    yield Row(part, "meanwhile: CPU a line of either sort", 1e6 * during, "us")
    yield least(part, "meanwhile: throughput of lines, to that before", before / during, "", 0.8)
    yield least(part, "after: throughput of good lines, to that before", before / after, "", 0.8)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield most(part, "peak memory, worker and learner in one process", peak, "MiB", 1024)
    accounted = checked.total.events + checked.total.rejects
    yield most(part, "positions missing or doubled", abs(accounted - worker._at) + checked.total.missing, "", 0)
    yield most(part, "faults that `lake verify` finds", len(checked.findings), "", 0)


def _pace(worker: Worker, lines: list[str]) -> float:
    """CPU-seconds a line."""
    return sum(worker.take(lines[i : i + 65_536]) for i in range(0, len(lines), 65_536)) / max(1, len(lines))


def _junk(i: int) -> str:
    a, b, c = word(i + 40), word(i * 7 + 11), word(i * 13 + 5)
    return f"<14>Jun  2 18:00:00 web03 junk: {a} {b} {c} {a}{c} nothing of use"


def main() -> None:
    """Print the report."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--lines", type=int, default=2_000_000)
    ask.add_argument("--novelty", type=float, default=0.0005)
    ask.add_argument(
        "--named", type=float, nargs="*", default=[0.9, 0.5], help="share of new kinds that differ by a name"
    )
    ask.add_argument("--kinds", type=int, default=1_000_000, help="junk kinds of the flood")
    ask.add_argument("--json", action="store_true")
    args = ask.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as folder:
        rows += flood(Path(folder), args.kinds, args.lines)
        for i, named in enumerate(args.named):
            rows += calls(Path(folder) / str(i), args.lines, args.novelty, named)
    sys.stdout.write(told(rows, args.json) + "\n")


if __name__ == "__main__":
    main()
