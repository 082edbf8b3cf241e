"""Let a stream run for long at 70 % of its peak: `make soak` (30 minutes), `make soak-long` (2 hours).

The peak is measured first, in the same run: a backlog read to its end. Then records come at the given share of it, and
memory and open files of the job's processes are looked at every few seconds. What a run holds comes and goes, so memory
is judged by the least of each minute: the line through it. The interval in which its slope lies is told beside; after
half an hour it is some 3 MB a minute wide, and narrows by the power of 1.5 of the time.
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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

from connectors.kafka.cluster import Cluster
from connectors.lake import Lake, verify
from pipeline import stream_compact, stream_learn
from tests.bench import topics
from tests.bench.bench_stream import FEW_RECORDS
from tests.bench.report import Row, least, most, told
from tests.bench.slopes import Slope, least_of_each_minute, slope_of
from tests.engines.broker import Broker
from tests.engines.scene import Job, Scene, until

GOAL_MB_A_MINUTE = 1.0
GOAL_FILES = 0.5
"""Open files more a minute; rounding apart, none."""
SETTINGS = {"retention.bytes": 1 << 30, "segment.bytes": 64 << 20, "message.timestamp.type": "LogAppendTime"}
PARTITIONS = 4
LOOK_S = 1.0
"""Between two runs a worker holds least, for a fraction of a second: seen thrice as often, the least wavers a third as much."""
LASTING = 0.8
"""A process that was there at this share of the looks lasts; the others, compactions, come and go."""


@dataclass
class Feed(threading.Thread):
    """Appends the same record batches over and over, at a rate; `sent` counts the records.

    The broker stamps them as it takes them, so they are made once: made anew each time, they reached half of the peak.
    """

    cluster: Cluster
    topic: str
    per_s: float
    sent: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        spelt = topics.lines(200_000, 165)
        cut = iter(lambda: list(itertools.islice(spelt, topics.BATCH)), [])
        self._batches = [(len(values), topics.batch(values, time.time_ns() // 1_000_000)) for values in cut]

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        began = time.monotonic()
        for turn, (records, made) in enumerate(itertools.cycle(self._batches)):
            if self.stop.is_set():
                return
            topics.send(self.cluster, self.topic, turn % PARTITIONS, made)
            self.sent += records
            time.sleep(max(0.0, began + self.sent / self.per_s - time.monotonic()))


class Look(NamedTuple):
    """A process at one moment: what it does, MB of its own pages and of its share of all (PSS), open files."""

    role: str
    own_mb: float
    pss_mb: float
    files: int


@dataclass
class Looks:
    """What was seen of a job's processes, by process id, at minutes since its start."""

    job: Job
    seen: list[tuple[float, dict[int, Look]]] = field(default_factory=list)

    def look(self, minutes: float) -> None:
        """Look at the processes as they are now; one that ends meanwhile is left out."""
        found = {}
        for process in [psutil.Process(self.job.pid), *psutil.Process(self.job.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
                own, pss = memory_mb(process.pid)
                found[process.pid] = Look(role(process, self.job.pid), own, pss, process.num_fds())
        self.seen.append((minutes, found))

    def late(self, warm: float) -> list[tuple[float, dict[int, Look]]]:
        """Give the looks after `warm` minutes, at the processes alone that last."""
        late = [(minutes, found) for minutes, found in self.seen if minutes >= warm]
        counts = Counter(pid for _, found in late for pid in found)
        last = {pid for pid, n in counts.items() if n >= LASTING * len(late)}
        return [(minutes, {pid: look for pid, look in found.items() if pid in last}) for minutes, found in late]

    def slope(self, warm: float, of: Callable[[Look], float], of_role: str = "") -> Slope:
        """Give how much more of something there is a minute, over the processes that last, or those of one role."""
        late = self.late(warm)
        sums = [sum(of(look) for look in found.values() if of_role in ("", look.role)) for _, found in late]
        return slope_of(*least_of_each_minute([minutes for minutes, _ in late], sums).T)

    def highest(self) -> float:
        """Give the most MB of all processes together, compactions too."""
        return max(sum(look.pss_mb for look in found.values()) for _, found in self.seen)

    def keep(self, file: Path) -> None:
        """Write down all that was seen."""
        rows = [(f"{m:.3f}", pid, *look) for m, found in self.seen for pid, look in found.items()]
        file.write_text("\n".join("\t".join(map(str, row)) for row in rows))


def memory_mb(pid: int) -> tuple[float, float]:
    """Give the MB of a process that no file is behind, and its share of all its memory.

    The first is what can leak: heaps and stacks. Others coming and going move the second, which shares with them.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return kb["Anonymous"] / 1000, kb["Pss"] / 1000


def role(process: psutil.Process, main: int) -> str:
    """Tell what a process of a job does, by its parent and the priority it has given itself."""
    if process.pid == main:
        return "supervisor"
    if process.ppid() == main:
        return "resource tracker" if "resource_tracker" in " ".join(process.cmdline()) else "fork server"
    nice = process.nice() - psutil.Process(main).nice()
    return {stream_learn.NICENESS: "learner", stream_compact.NICENESS: "compactor"}.get(nice, "worker")


def peak(broker: Broker, folder: Path, records: int) -> float:
    """Give the records a second at which one process reads a backlog; starting not counted.

    The first start is not timed: it compiles what is not yet compiled. The few load all that the many are read with.
    """
    took = []
    for name, count in (("first", FEW_RECORDS), ("few", FEW_RECORDS), ("many", records)):
        scene = Scene(broker, folder / name, f"soak-{name}", PARTITIONS)
        broker.create_topic(scene.topic, PARTITIONS)
        topics.fill(broker.bootstrap, {scene.topic: PARTITIONS}, count, 165)
        job = scene.job("job", "--until-end")
        began = time.monotonic()
        job.start()
        until(lambda job=job: not job.running, "the backlog is read", 600)  # type: ignore[misc]
        took.append(time.monotonic() - began)
        shutil.rmtree(scene.lake)
    return (records - FEW_RECORDS) / max(took[2] - took[1], took[2] / 2)


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
            if given.verbose and len(looks.seen) % 60 == 0:
                sizes = ", ".join(f"{look.role} {look.own_mb:.0f}" for look in looks.seen[-1][1].values())
                print(f"  {minutes:5.1f} min  MB: {sizes}", file=sys.stderr, flush=True)
        feed.stop.set()
        feed.join()
        behind = _drained(scene, feed.sent)
    finally:
        job.stop(within_s=30)
    if given.looks:
        looks.keep(given.looks)
    return [
        Row("soak", "peak, one process", round(top), "records/s"),
        Row("soak", "records sent", feed.sent, f"in {given.minutes:g} min"),
        Row("soak", "records sent a second", round(feed.sent / given.minutes / 60), "records"),
        *memory(looks, min(given.warm, given.minutes / 3)),
        most("soak", "seconds behind at the end", behind, "s", 30.0),
        *conserved(scene, feed.sent),
    ]


def memory(looks: Looks, warm: float) -> list[Row]:
    """Tell what the memory and the open files of the processes that last did after `warm` minutes."""
    late = looks.late(warm)
    own, files = looks.slope(warm, lambda look: look.own_mb), looks.slope(warm, lambda look: look.files)
    roles = sorted({look.role for look in late[-1][1].values()})
    apart = [(role, looks.slope(warm, lambda look: look.own_mb, role)) for role in roles]
    least_mb = min(sum(look.own_mb for look in found.values()) for _, found in late)
    return [
        Row("soak", "least memory after warm-up, of processes that last", least_mb, "MB"),
        Row("soak", "highest memory (PSS), compactions included", looks.highest(), "MB"),
        most("soak", "memory slope after warm-up, of the least of each minute", own.slope, "MB/min", GOAL_MB_A_MINUTE),
        Row("soak", "its standard error", own.error, "MB/min"),
        Row("soak", "its interval at 95 %", own.low, f"to {own.high:.2f} MB/min"),
        *(Row("soak", f"slope of the {role}", one.slope, f"MB/min, error {one.error:.2f}") for role, one in apart),
        Row("soak", "open files at the end", sum(look.files for look in late[-1][1].values()), ""),
        most("soak", "open files slope", files.slope, "a minute", GOAL_FILES),
    ]


def conserved(scene: Scene, sent: int) -> list[Row]:
    """Tell whether the lake holds each record, and proves it."""
    found = verify(Lake.open(scene.lake))
    return [
        least("soak", "rows in the lake / records sent", found.total.positions / sent, "", 1.0),
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
    parser.add_argument("--looks", type=Path, help="write there all that was seen of each process")
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
