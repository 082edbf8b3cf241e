"""Let a stream run for long at 70 % of its peak: `make soak` (30 minutes), `make soak-long` (2 hours).

The peak is measured first, in the same run: a backlog read to its end. Then records come at the given share of it, and
the memory (PSS, summed over the job's processes) and the open files are looked at every few seconds.
"""

import argparse
import contextlib
import itertools
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from connectors.kafka.cluster import Cluster
from connectors.lake import Lake, verify
from tests.bench import topics
from tests.bench.report import Row, least, most, told
from tests.engines.broker import Broker
from tests.engines.scene import Job, Scene, until

GOAL_MB_A_MINUTE = 1.0
GOAL_FILES = 0.5
"""Open files more a minute; rounding apart, none."""
SETTINGS = {"retention.bytes": 1 << 30, "segment.bytes": 64 << 20, "message.timestamp.type": "LogAppendTime"}
PARTITIONS = 4
LOOK_S = 3.0
LASTING = 0.8
"""A process that was there at this share of the looks lasts; the others, compactions, come and go."""


@dataclass
class Feed(threading.Thread):
    """Appends the same lines over and over, at a rate; `sent` counts them."""

    cluster: Cluster
    topic: str
    per_s: float
    sent: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        spelt = topics.lines(200_000, 165)
        self._batches = list(iter(lambda: list(itertools.islice(spelt, topics.BATCH)), []))

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        began = time.monotonic()
        for turn, values in enumerate(itertools.cycle(self._batches)):
            if self.stop.is_set():
                return
            topics.send(self.cluster, self.topic, turn % PARTITIONS, topics.batch(values, time.time_ns() // 1_000_000))
            self.sent += len(values)
            time.sleep(max(0.0, began + self.sent / self.per_s - time.monotonic()))


@dataclass
class Looks:
    """What was seen of a job's processes: minutes since its start, and by process id MB (PSS) and open files."""

    job: Job
    seen: list[tuple[float, dict[int, tuple[float, int]]]] = field(default_factory=list)

    def look(self, minutes: float) -> None:
        """Look at the processes as they are now; one that ends meanwhile is left out."""
        found = {}
        for process in [psutil.Process(self.job.pid), *psutil.Process(self.job.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                found[process.pid] = (process.memory_full_info().pss / 1e6, process.num_fds())
        self.seen.append((minutes, found))

    def lasting(self, warm: float) -> npt.NDArray[np.float64]:
        """Give (n, 3): minutes, MB and open files of the processes that last, added up, at each look after `warm`."""
        late = [(minutes, found) for minutes, found in self.seen if minutes >= warm]
        counts = Counter(pid for _, found in late for pid in found)
        last = {pid for pid, n in counts.items() if n >= LASTING * len(late)}
        return np.array([[m, *np.sum([found[pid] for pid in last & set(found)], axis=0)] for m, found in late])

    def slopes(self, warm: float) -> tuple[float, float]:
        """Give MB and files a minute after `warm` minutes: lines through the least of each minute.

        What a run of some seconds holds comes and goes, a few hundred megabytes; what is never given back lifts the least.
        """
        rows = self.lasting(warm)
        whole = rows[:, 0].astype(int)
        least_of = np.array([[m, *rows[whole == m, 1:].min(axis=0)] for m in np.unique(whole)])
        return tuple(float(np.polyfit(least_of[:, 0], least_of[:, i], 1)[0]) for i in (1, 2))  # type: ignore[return-value]

    def highest(self) -> float:
        """Give the most MB of all processes together, compactions too."""
        return max(sum(mb for mb, _ in found.values()) for _, found in self.seen)


def peak(broker: Broker, folder: Path, records: int) -> float:
    """Give the records a second at which one process reads a backlog; starting not counted.

    The first start is not timed: it compiles what is not yet compiled.
    """
    took = []
    for name, count in (("first", 1_000), ("few", 1_000), ("many", records)):
        scene = Scene(broker, folder / name, f"soak-{name}", PARTITIONS)
        broker.create_topic(scene.topic, PARTITIONS)
        topics.fill(broker.bootstrap, {scene.topic: PARTITIONS}, count, 165)
        job = scene.job("job", "--until-end")
        began = time.monotonic()
        job.start()
        until(lambda job=job: not job.running, "the backlog is read", 600)  # type: ignore[misc]
        took.append(time.monotonic() - began)
        shutil.rmtree(scene.lake)
    return (records - 1_000) / max(took[2] - took[1], took[2] / 2)


def soak(broker: Broker, folder: Path, given: argparse.Namespace) -> list[Row]:
    """Run the job; give what was seen."""
    top = given.peak or peak(broker, folder, given.backlog)
    scene = Scene(broker, folder / "soak", "soak", PARTITIONS)
    broker.create_topic(scene.topic, PARTITIONS, SETTINGS)
    feed = Feed(Cluster((broker.bootstrap,)), scene.topic, top * given.share)
    job = scene.job("job", "--flush-s", "2", "--listen", "127.0.0.1:0")
    looks, began = Looks(job), time.monotonic()
    job.start()
    feed.start()
    try:
        while (minutes := (time.monotonic() - began) / 60) < given.minutes:
            time.sleep(LOOK_S)
            assert job.running, f"the job ended: {job.tail(3)}"
            looks.look(minutes)
            if given.verbose and len(looks.seen) % 20 == 0:
                sizes = " + ".join(f"{mb:.0f}" for mb, _ in looks.seen[-1][1].values())
                print(f"  {minutes:5.1f} min  {sizes} MB", file=sys.stderr, flush=True)
        feed.stop.set()
        feed.join()
        behind = _drained(scene, feed.sent)
    finally:
        job.stop(within_s=30)
    warm = min(given.warm, given.minutes / 3)
    memory, files = looks.slopes(warm)
    found = verify(Lake.open(scene.lake))
    return [
        Row("soak", "peak, one process", round(top), "records/s"),
        Row("soak", "records sent", feed.sent, f"in {given.minutes:g} min"),
        Row("soak", "records sent a second", round(feed.sent / given.minutes / 60), "records"),
        Row("soak", "memory at the end, of processes that last", looks.lasting(warm)[-1][1], "MB"),
        Row("soak", "highest memory, compactions included", looks.highest(), "MB"),
        most("soak", "memory slope after warm-up", memory, "MB/min", GOAL_MB_A_MINUTE),
        Row("soak", "open files at the end", looks.lasting(warm)[-1][2], ""),
        most("soak", "open files slope", files, "a minute", GOAL_FILES),
        most("soak", "seconds behind at the end", behind, "s", 30.0),
        least("soak", "rows in the lake / records sent", found.total.positions / feed.sent, "", 1.0),
        least("soak", "lake verify is sound", float(found.ok), "", 1.0),
    ]


def _drained(scene: Scene, sent: int) -> float:
    """Wait until the lake holds all; give how long that took after the last record was sent."""
    began = time.monotonic()
    lake = Lake.open(scene.lake)
    until(lambda: sum(lake.chain(s).end() or 0 for s in lake.sources()) >= sent, "the lake holds all", 600)
    return time.monotonic() - began


def main() -> int:
    """Soak; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm", type=float, default=10.0, help="minutes until memory is looked at")
    parser.add_argument("--share", type=float, default=0.7, help="of the peak")
    parser.add_argument("--peak", type=float, help="records a second, instead of measuring it")
    parser.add_argument("--backlog", type=int, default=2_000_000, help="records of which the peak is measured")
    parser.add_argument("--folder", type=Path, help="keep logs and lake there")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dioptre-soak-") as aside:
        folder = given.folder or Path(aside)
        broker = Broker(folder / "kafka", settings={"log.retention.check.interval.ms": 10_000})
        broker.start()
        try:
            rows = soak(broker, folder, given)
        finally:
            broker.stop()
    print(told(rows, as_json=given.json))
    return 0 if all(row.passed is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
