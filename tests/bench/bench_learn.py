"""What learning costs on a stream with new kinds, and what a flood of junk kinds does to it.

Calls: lines are parsed, labelled and committed to a lake as a stream's worker does it, a learner makes a pass now and
then, in one process. The flood: see `bench_learn_flood`.
`python -m tests.bench.bench_learn --help`.
"""

import argparse
import csv
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from classifiers.train.corpus import read_splits
from connectors.formats.parse import Reading, parse
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.learn import Learner
from pipeline.learn_run import learner_of
from tests.bench import bench_learn_flood
from tests.bench.learn_lines import blocks, records, word
from tests.bench.report import Row, most, told

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


class Novelties:
    """New kinds: by turns a name nobody has met in a message of NAMED, and a message of a program no model has met.

    What share is realistic depends on the system: of the kinds that are new in the second halves of the eight Loghub
    samples (2,000 lines each: far from warm), 15 of OpenSSH's 17 fit a template of the first half, none of the 155 of
    the other seven. So 90 % stands for a warm log with names in it; a lower share is nearer to logs without any.

    Args:
        named: share of the former.
    """

    def __init__(self, seed: int, named: float) -> None:
        self._rng, self._named, self._names = np.random.default_rng(seed), named, 500
        rows = [row for path in sorted(CORPUS.glob("*.tsv")) if path.name != "splits.tsv"
                for row in csv.reader(path.open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)]  # fmt: skip
        split = read_splits(CORPUS)
        texts = sorted({(row[0], row[3]) for row in rows if len(row) == 4 and split.get(row[0], "train") != "train"})
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


class Worker:
    """Does what a worker of a stream does, in this process; counts CPU-seconds, and what the learner did."""

    def __init__(self, folder: Path) -> None:
        from pipeline.transforms import commit  # with it Beam comes, which the supervisor of the flood is without

        self.lake, self._commit = Lake.create(folder), commit
        job = Job(self.lake.root)
        self._labeller, self._at, self._sequence = job.labeller(self.lake.kinds()), 0, 0
        self.learner: Learner = learner_of(Lake.open(folder), job)
        self.cpu_s = self.learn_s = 0.0
        self.calls: Counter[str] = Counter()
        self.novel = 0

    def take(self, lines: list[str]) -> float:
        """Label and commit lines; gives the CPU-seconds."""
        batch = records(lines, self._at)
        began = time.process_time()
        labelled = self._labeller.label(parse(batch, Reading()))
        self._commit(self.lake, labelled)
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
    asked = {stage: worker.calls[stage] / millions for stage in ("tiny", "small", "large")}
    yield Row(part, f"{part}: kinds noted", worker.novel / millions, "/M events")
    yield Row(part, "vectors (kinds through the encoder)", worker.calls["vectors"] / millions, "/M events")
    yield Row(part, "inherited from a labelled cluster", worker.calls["inherited"] / millions, "/M events")
    yield Row(part, "calls of tiny while learning", asked["tiny"], "/M events")
    yield Row(part, "calls of small", asked["small"], "/M events")
    yield most(part, "calls of large", asked["large"], "/M events", 10)
    yield most(part, "calls in learn stages (tiny, small, large)", sum(asked.values()), "/M events", 70)
    yield Row(part, "labelling and committing", 1e6 * worker.cpu_s / (done - counted), "us CPU a line")
    yield Row(part, "learning", 1e6 * worker.learn_s / (done - counted), "us CPU a line")


def main() -> None:
    """Print the report."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--lines", type=int, default=2_000_000)
    ask.add_argument("--novelty", type=float, default=0.0005)
    ask.add_argument(
        "--named", type=float, nargs="*", default=[0.9, 0.5], help="share of new kinds that differ by a name"
    )
    bench_learn_flood.add(ask)
    ask.add_argument("--only", nargs="+", choices=["flood", "calls"], default=["flood", "calls"])
    ask.add_argument("--json", action="store_true")
    args = ask.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as folder:
        if "flood" in args.only:
            rows += bench_learn_flood.flood(Path(folder), args.kinds, args.lines, args.learn_s)
        for i, named in enumerate(args.named if "calls" in args.only else ()):
            rows += calls(Path(folder) / str(i), args.lines, args.novelty, named)
    sys.stdout.write(told(rows, args.json) + "\n")


if __name__ == "__main__":
    main()
