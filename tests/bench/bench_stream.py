"""Measure reading a topic into a lake beside kafka-python's own poll loop, on a real broker, in the same run.

Each way of reading runs in a process of its own, the ways in turn, several rounds; ratios are taken within a round,
and the median counts. `python -m tests.bench.bench_stream --help`; see README.md here.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from connectors.lake import Lake
from tests.bench.processes import run
from tests.bench.reading import WAYS
from tests.bench.report import Row, least, told
from tests.bench.topics import fill

GOAL_EMBEDDED, GOAL_TWO = 0.80, 1.6
SIZES = (165, 200)
FEW_RECORDS = 40_000
"""What starting is measured with: enough that each worker also loads what it reads many records with."""
TRIES = 3
PARTITIONS = 4
PARTS = ["reading", "scaling", "engines"]


@dataclass(frozen=True)
class Took:
    """What reading `records` took; `busy_s`: CPU-seconds of the whole machine meanwhile, the broker's too."""

    records: int
    cpu_s: float
    wall_s: float
    busy_s: float = 0.0


@dataclass(frozen=True)
class Bench:
    """What the parts share: a broker with filled topics, where to work, how often."""

    bootstrap: str
    work: Path
    command: Path
    rounds: int

    def way(self, name: str, topic: str) -> Took:
        """Read a topic in a way of `reading`, in a process of its own, starting not counted."""
        say(f"{name} {topic}")
        command = [sys.executable, "-m", "tests.bench.reading", name, self.bootstrap, topic]
        return Took(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))

    def stream(self, topic: str, records: int, *, workers: int = 1, endpoint: str | None = None) -> Took:
        """Let `dioptre stream` read a topic to its end into a new lake, and see that it holds every record once."""
        lake = self.work / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        say(f"stream {topic}, {workers} worker(s){f', {endpoint}' if endpoint else ''}")
        words = ["--brokers", self.bootstrap, "--topic", topic, "--lake", str(lake), "--until-end", "--json"]
        words += ["--workers", str(workers)]
        if endpoint:
            words += ["--runner", "PortableRunner", "--", f"--job_endpoint={endpoint}"]
        before = busy_s()
        used = run([self.command, "stream", *words], cwd=self.work)
        busy = busy_s() - before
        rows = sum(s.rows for source in Lake.open(lake).sources() for s in Lake.open(lake).chain(source).segments())
        shutil.rmtree(lake)
        if rows != records:
            raise RuntimeError(f"{topic}: {records} records gave {rows} rows")
        return Took(records, used.cpu_s, used.wall_s, busy)

    def timed(self, topic: str, records: int, *, workers: int = 1, endpoint: str | None = None) -> Took:
        """As `stream`, less what a topic with few records takes: starting.

        Raises:
            RuntimeError: starting takes as long as all of it, again and again.
        """
        for _ in range(TRIES):
            few = self.stream(f"{topic}-few", FEW_RECORDS, workers=workers, endpoint=endpoint)
            all_ = self.stream(topic, records, workers=workers, endpoint=endpoint)
            less = Took(
                records - FEW_RECORDS, all_.cpu_s - few.cpu_s, all_.wall_s - few.wall_s, all_.busy_s - few.busy_s
            )
            if min(less.cpu_s, less.wall_s) > 0:
                return less
            say("starting took longer than the whole, which says nothing; again")
        raise RuntimeError(
            f"{topic}: starting takes longer than {records:,} records; is the machine busy? or --records"
        )


def reading(bench: Bench, topic: str, records: int, size: int) -> list[Row]:
    """The ways of reading, and the embedded stream, of one partition."""
    took: dict[str, list[Took]] = {name: [] for name in [*WAYS, "stream"]}
    bench.stream(f"{topic}-few", FEW_RECORDS)  # compiles what is not yet compiled
    for _ in range(bench.rounds):
        for name in WAYS:
            took[name].append(bench.way(name, topic))
        took["stream"].append(bench.timed(topic, records))
    part = f"{size} B"
    rows = [row for name in took for row in _speeds(part, name, took[name])]
    polled, streamed = took["poll"], took["stream"]
    shares = [1 - of(fetched) / of(loop) for of in (_cpu,) for fetched, loop in zip(took["fetch"], polled, strict=True)]
    rows.append(Row(part, "share of the poll loop that is kafka-python's decode", 100 * statistics.median(shares), "%"))
    decoded = [1e6 * (_cpu(d) - _cpu(f)) for d, f in zip(took["decode"], took["fetch"], strict=True)]
    rows.append(Row(part, "our decode alone", statistics.median(decoded), "us CPU a record"))
    for name, of in (("CPU", _cpu), ("wall", _wall)):
        read = [of(loop) / of(ours) for loop, ours in zip(polled, took["read"], strict=True)]
        rows.append(Row(part, f"our read / poll loop, by {name}", statistics.median(read), "x"))
        whole = [of(loop) / of(ours) for loop, ours in zip(polled, streamed, strict=True)]
        rows.append(
            least(part, f"embedded stream / poll loop, by {name}", statistics.median(whole), "x", GOAL_EMBEDDED)
        )
    return rows


def scaling(bench: Bench, topic: str, records: int) -> list[Row]:
    """One process and two over the same partitions."""
    took: dict[int, list[Took]] = {1: [], 2: []}
    for _ in range(bench.rounds):
        for workers in took:
            took[workers].append(bench.timed(topic, records, workers=workers))
    part = f"{PARTITIONS} partitions"
    rows = [row for workers in took for row in _speeds(part, f"stream --workers {workers}", took[workers])]
    ratios = [_wall(one) / _wall(two) for one, two in zip(took[1], took[2], strict=True)]
    cost = [_cpu(two) / _cpu(one) for one, two in zip(took[1], took[2], strict=True)]
    rows.append(least(part, "two processes / one, by wall", statistics.median(ratios), "x", GOAL_TWO))
    rows.append(Row(part, "CPU of two processes / of one", statistics.median(cost), "x"))
    busy = {workers: statistics.median(t.busy_s / t.wall_s for t in took[workers]) for workers in took}
    cores = psutil.cpu_count()
    rows += [Row(part, f"cores busy of {cores}, --workers {workers}", busy[workers], "") for workers in took]
    rows.append(Row(part, "cores / those busy with one process: no more is to be had here", cores / busy[1], "x"))
    return rows


def engines(bench: Bench, topic: str, records: int, endpoints: dict[str, str]) -> list[Row]:
    """The same graph on Prism and Flink: CPU of Python alone, for the engines run beside."""
    took: dict[str, list[Took]] = {name: [] for name in endpoints}
    ratios: dict[str, list[float]] = {name: [] for name in endpoints}
    for endpoint in endpoints.values():
        bench.stream(f"{topic}-few", FEW_RECORDS, endpoint=endpoint)  # an engine's first job takes longer
    for _ in range(bench.rounds):
        loop = bench.way("poll", topic)
        for name, endpoint in endpoints.items():
            took[name].append(bench.timed(topic, records, endpoint=endpoint))
            ratios[name].append(_wall(loop) / _wall(took[name][-1]))
    rows = [row for name in took for row in _speeds("engines", f"stream on {name}", took[name])]
    return rows + [
        Row("engines", f"{name} / poll loop, by wall", statistics.median(r), "x") for name, r in ratios.items()
    ]


def busy_s() -> float:
    """Give the CPU-seconds that this machine has been busy, since it started."""
    spent = psutil.cpu_times()
    return float(sum(spent) - spent.idle - spent.iowait - spent.guest - spent.guest_nice)


def _cpu(took: Took) -> float:
    return took.cpu_s / took.records


def _wall(took: Took) -> float:
    return took.wall_s / took.records


def _speeds(part: str, name: str, took: list[Took]) -> list[Row]:
    def row(what: str, of: Callable[[Took], float]) -> Row:
        return Row(part, f"{name}, {what}", round(1 / statistics.median(map(of, took))), "records")

    return [row("a CPU-second", _cpu), row("a second", _wall)]


def say(text: str) -> None:
    """Tell what goes on, beside the report."""
    print(f"  {text}", file=sys.stderr, flush=True)


def _prepare(bootstrap: str, records: int, parts: list[str]) -> None:
    """Make and fill the topics: each with its records, and beside it one with few, which tells what starting takes."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    for size in SIZES if "reading" in parts else SIZES[:1]:
        named = {f"b{size}": 1} | ({"many": PARTITIONS} if size == SIZES[0] and "scaling" in parts else {})
        for topics, count in ((named, records), ({f"{name}-few": n for name, n in named.items()}, FEW_RECORDS)):
            say(f"filling {', '.join(topics)} with {count:,} records of {size} B")
            for topic, partitions in topics.items():
                admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": {}}})
                admin.wait_for_topics([topic])
            fill(bootstrap, topics, count, size)
    admin.close()


def _inside(args: argparse.Namespace) -> int:
    """Measure; the broker is no child of this process, so what `run` counts is the command's alone."""
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as work:
        bench = Bench(args.bootstrap, Path(work), args.command, args.rounds)
        _prepare(args.bootstrap, args.records, args.only)
        rows: list[Row] = []
        if "reading" in args.only:
            rows += [row for size in SIZES for row in reading(bench, f"b{size}", args.records, size)]
        if "scaling" in args.only:
            rows += scaling(bench, "many", args.records)
        if "engines" in args.only:
            rows += engines(bench, f"b{SIZES[0]}", args.records, dict(e.split("=") for e in args.engine))
    print(told(rows, args.json))
    return 0 if args.no_fail or all(row.passed is not False for row in rows) else 1


def main() -> int:
    """Read the command line."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--records", type=int, default=2_000_000)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    ask.add_argument("--command", type=Path, default=Path(sys.executable).with_name("dioptre"))
    ask.add_argument("--no-fail", action="store_true", help="exit 0 whatever was missed")
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--bootstrap", help=argparse.SUPPRESS)
    ask.add_argument("--engine", action="append", default=[], help=argparse.SUPPRESS)
    args = ask.parse_args()
    return _inside(args) if args.bootstrap else _around(args)


def _around(args: argparse.Namespace) -> int:
    """Start what is measured beside, and measure in a process of its own."""
    from tests.engines.broker import Broker
    from tests.engines.flink import FlinkJobServer
    from tests.engines.prism import Prism

    with tempfile.TemporaryDirectory(prefix="dioptre-broker-") as folder, contextlib.ExitStack() as started:
        broker = Broker(Path(folder, "kafka"), settings={"message.max.bytes": 4 << 20})
        words = [*sys.argv[1:], "--bootstrap", broker.bootstrap]
        broker.start()
        started.callback(broker.stop)
        if "engines" in args.only:
            for engine in (Prism(Path(folder, "prism")), FlinkJobServer(Path(folder, "flink"))):
                engine.start()
                started.callback(engine.stop)
                words += ["--engine", f"{type(engine).__name__.removesuffix('JobServer')}={engine.endpoint}"]
        return subprocess.run([sys.executable, "-m", "tests.bench.bench_stream", *words]).returncode


if __name__ == "__main__":
    sys.exit(main())
