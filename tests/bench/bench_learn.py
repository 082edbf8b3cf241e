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
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import numpy as np

from classifiers.train.corpus import read_splits
from connectors.formats.parse import Reading, parse
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.learn import Learner
from pipeline.learn_run import learner_of
from pipeline.settings_precision import PrecisionSettings
from tests.bench import bench_learn_flood
from tests.bench.learn_lines import blocks, records, word
from tests.bench.report import Row, most, told

CORPUS = Path(__file__).parents[2] / "sample_data" / "corpus"
PASS_LINES = 131_072
"""Lines between two passes of the learner: 30 s of a stream of 4,000 lines a second."""

WARMING = 300
"""New kinds beside, in each block that warms up: some 4,600 in all, at .05 % those of nine million lines."""

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

MET = 0.95
"""Share of the really new kinds that are of programs the stream has met: of those that fit no template in the last
half, third, fifth and tenth of the sample logs (`sample_data/logs`, 51,881 lines by time) 95, 91, 96 and 99 %."""


class Novelties:
    """New kinds: a name nobody has met in a message of NAMED, or a message of a program that no model has met.

    What share of the former is realistic depends on the system: of the kinds that are new in the second halves of the
    eight Loghub samples (2,000 lines each: far from warm), 15 of OpenSSH's 17 fit a template of the first half, none of
    the 155 of the other seven; in the sample logs it is 15 % of those of the last half, 23 % of those of the last
    tenth. So 90 % stands for a warm log with names in it; a lower share is nearer to logs without any.

    Args:
        named: share of the former.
        met: share of the latter whose program was met while the stream warmed up, with others of its messages.

    Attributes:
        warming: lines of those other messages.
    """

    def __init__(self, seed: int, named: float, met: float) -> None:
        self._rng, self._named, self._met, self._names = np.random.default_rng(seed), named, met, 500
        rows = [row for path in sorted(CORPUS.glob("*.tsv")) if path.name != "splits.tsv"
                for row in csv.reader(path.open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)]  # fmt: skip
        split = read_splits(CORPUS)
        texts = sorted({(row[0], row[3]) for row in rows if len(row) == 4 and split.get(row[0], "train") != "train"})
        by_app: dict[str, list[str]] = {}
        for i in self._rng.permutation(len(texts)):
            app, text = texts[i]
            by_app.setdefault(app, []).append(text)
        apps = list(by_app)
        strange = apps[int(len(apps) * met) :]
        self._strange = self._mixed((app, text) for app in strange for text in by_app[app])
        self._kin, warming = [], []
        for app in apps[: len(apps) - len(strange)]:
            half = (len(by_app[app]) + 1) // 2
            warming += [(app, text) for text in by_app[app][:half]]
            self._kin += [(app, text) for text in by_app[app][half:]]
        self._kin = self._mixed(self._kin)
        self.warming = [_line(*told) for told in self._mixed(warming)]

    def _mixed(self, told: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        rows = list(told)
        return [rows[i] for i in self._rng.permutation(len(rows))]

    def one(self) -> str:
        """Give a line of a kind nobody has met."""
        if self._rng.random() < self._named:
            app, text = NAMED[self._rng.integers(len(NAMED))]
            self._names += 1
            return _line(app, text.format(word(self._names)))
        return _line(*(self._kin if self._rng.random() < self._met else self._strange).pop())


def _line(app: str, text: str) -> str:
    return f"<14>Jun  2 18:00:00 web03 {app.replace(' ', '_')}: {text}"


class Worker:
    """Does what a worker of a stream does, in this process; counts CPU-seconds, and what the learner did."""

    def __init__(self, folder: Path, tier: str) -> None:
        from pipeline.transforms import commit  # with it Beam comes, which the supervisor of the flood is without

        self.lake, self._commit = Lake.create(folder), commit
        job = Job(self.lake.root, precision=PrecisionSettings(tier=tier))
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

    def learn(self) -> int:
        """Do a pass, and take over what it published; gives how many templates wait for the next."""
        began = time.process_time()
        learned = self.learner.once()
        self.learn_s += time.process_time() - began
        self.calls.update(learned.calls)
        self.calls.update({"vectors": learned.vectors, "fitted": learned.fitted, "inherited": learned.inherited})
        self._sequence, published = self.lake.published(self._sequence)
        for kinds in published:
            self._labeller.refresh(kinds)
        return learned.left


def calls(folder: Path, lines: int, novelty: float, named: float, met: float, tier: str) -> Iterator[Row]:
    """Count calls on a stream: its first half warms, its second half is counted."""
    worker, fresh, rng = Worker(folder / "lake", tier), Novelties(3, named, met), np.random.default_rng(5)
    since = done = counted = 0
    for block in blocks(lines):
        for i in np.flatnonzero(rng.random(len(block)) < novelty):
            block[i] = fresh.one()
        if not counted:
            block += [fresh.warming.pop() for _ in range(min(WARMING, len(fresh.warming)))]
        worker.take(block)
        done, since = done + len(block), since + len(block)
        if since >= PASS_LINES:
            worker.learn()
            since = 0
        if not counted and done >= lines / 2:
            if fresh.warming:
                worker.take(fresh.warming)
            while worker.learn():
                pass
            since, counted = 0, done
            worker.calls.clear()
            worker.cpu_s = worker.learn_s = 0.0
            worker.novel = 0
    worker.learn()
    millions = (done - counted) / 1e6
    part = f"{tier}: {novelty:.2%} new kinds, {named:.0%} by a name, of the others {met:.0%} of programs met"
    asked = {stage: worker.calls[stage] / millions for stage in ("tiny", "small", "large")}
    yield Row(part, f"{part}: kinds noted", worker.novel / millions, "/M events")
    yield Row(
        part,
        "vectors (kinds through the encoder, whose vector large goes on from)",
        worker.calls["vectors"] / millions,
        "/M events",
    )
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
    ask.add_argument("--met", type=float, nargs="*", default=[MET], help="share of the others of programs met")
    ask.add_argument("--tier", nargs="*", default=["standard", "coarse"], help="precision tiers")
    bench_learn_flood.add(ask)
    ask.add_argument("--only", nargs="+", choices=["flood", "calls"], default=["flood", "calls"])
    ask.add_argument("--json", action="store_true")
    args = ask.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as folder:
        if "flood" in args.only:
            rows += bench_learn_flood.flood(Path(folder), args.kinds, args.lines, args.learn_s)
        mixes = product(args.tier, args.met, args.named) if "calls" in args.only else ()
        for i, (tier, met, named) in enumerate(mixes):
            rows += calls(Path(folder) / str(i), args.lines, args.novelty, named, met, tier)
    sys.stdout.write(told(rows, args.json) + "\n")


if __name__ == "__main__":
    main()
