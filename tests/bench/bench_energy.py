"""Wh per million events, from a real Kafka broker to the lake, warm, models included, as `dioptre report` prints it.

First a lake reads and learns the kinds of the topic, which is not counted. Then a stream with its learner and its
compactor reads millions of records more, is asked to stop, and `dioptre report --json` tells what it took: its ledger
begins with that stream. Beside it stands what the kernel counted for all its processes, each when it ended.
`python -m tests.bench.bench_energy --help`.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from connectors.lake import Lake
from tests.bench.processes import Used, run
from tests.bench.report import Row, least, most, told
from tests.bench.topics import fill

GOAL_MWH = 50.0
"""Of .05 Wh."""
GOAL_TOLD = 0.95
"""The ledger tells at least this share of what the kernel counts; no process can tell of its own end."""

TOPIC, SIZE, PARTITIONS = "warm", 165, 2
LEARNS_S, COMPACTS_S = 15.0, 60.0
PATIENCE_S = 1_800.0


class Bench:
    """A broker, a lake, and the command that is measured."""

    def __init__(self, bootstrap: str, work: Path, command: Path) -> None:
        self.bootstrap, self.work, self.command, self.lake = bootstrap, work, command, work / "lake"

    def dioptre(self, *words: str) -> Used:
        """Run the command to its end, all its processes counted."""
        return run([self.command, *words], cwd=self.work)

    def fill(self, records: int) -> None:
        """Append records to the topic."""
        say(f"filling the topic with {records:,} records")
        fill(self.bootstrap, {TOPIC: PARTITIONS}, records, SIZE)

    def stream(self, *more: str) -> Used:
        """Let a stream read the topic."""
        where = ["--brokers", self.bootstrap, "--topic", TOPIC, "--lake", str(self.lake)]
        return self.dioptre("stream", *where, *more)

    def reached(self) -> int:
        """Give how many records of the topic the lake holds."""
        lake = Lake.open(self.lake)
        return sum(lake.chain(source).end() or 0 for source in lake.sources())


def warm_up(bench: Bench, records: int) -> None:
    """Read and learn what the lake is to know before, and forget what that took."""
    bench.fill(records)
    say("reading and learning them")
    bench.stream("--until-end")
    bench.dioptre("learn", "--lake", str(bench.lake))
    for path in (bench.lake / "ledger").glob("*.parquet"):
        path.unlink()


def measured(bench: Bench, before: int, records: int) -> Used:
    """Read the records that were added with a stream that runs on; ask it to stop when it has learnt once more."""
    say(f"streaming {records:,} records")
    over = threading.Thread(target=_stop, args=(bench, before + records, os.getpid()), daemon=True)
    over.start()
    config = bench.work / "dioptre.toml"
    config.write_text(f"[stream]\nlearn_every_s = {LEARNS_S}\ncompact_every_s = {COMPACTS_S}\n")
    used = bench.stream("--config", str(config))
    over.join()
    return used


def _stop(bench: Bench, all_: int, parent: int) -> None:
    """Ask the stream to stop, two passes of learning after the lake holds all."""
    until = time.monotonic() + PATIENCE_S
    while bench.reached() < all_ and time.monotonic() < until:
        time.sleep(1.0)
    time.sleep(2 * LEARNS_S)
    for process in psutil.Process(parent).children():
        if "stream" in process.cmdline():
            process.send_signal(signal.SIGTERM)


def rows_of(bench: Bench, records: int, used: Used) -> list[Row]:
    """Tell what the report says, and whether that is all."""
    said = bench.dioptre("report", "--lake", str(bench.lake), "--json").out
    report: dict[str, Any] = json.loads(said)
    report = report.get("report", report)
    each, ledger = report["per_million"], report["funnel"]["ledger"]
    whole, part = each["all"], "warm stream"
    by_stage = sorted(((row["stage"], row["cpu_s"]) for row in ledger if row["cpu_s"]), key=lambda row: -row[1])
    cpu = sum(seconds for _, seconds in by_stage)
    return [
        Row(part, "records read in the run", records, "records"),
        least(part, "events of the ledger / records", each["events"] / records, "", 1.0),
        Row(part, "energy of a million events, low", 1e3 * whole["wh_low"], "mWh"),
        most(part, "energy of a million events, by `dioptre report`", 1e3 * whole["wh"], "mWh", GOAL_MWH),
        Row(part, "energy of a million events, high", 1e3 * whole["wh_high"], "mWh"),
        Row(part, "of that from reading to the lake alone", 1e3 * each["inflow"]["wh"], "mWh"),
        Row(part, "CPU of the ledger, a million events", whole["cpu_s"], "s"),
        *(Row(part, f"CPU of {stage}", seconds, "s") for stage, seconds in by_stage),
        Row("all told", "CPU of the ledger", cpu, "s"),
        Row("all told", "CPU of all processes, as the kernel counts it", used.cpu_s, "s"),
        least("all told", "the ledger / the kernel", cpu / used.cpu_s, "", GOAL_TOLD),
        most("all told", "the same", cpu / used.cpu_s, "", 2 - GOAL_TOLD),
    ]


def say(text: str) -> None:
    """Tell what goes on, beside the report."""
    print(f"  {text}", file=sys.stderr, flush=True)


def _inside(args: argparse.Namespace) -> int:
    """Measure; the broker is no child of this process, so what is counted is the command's alone."""
    with tempfile.TemporaryDirectory(prefix="dioptre-energy-") as work:
        bench = Bench(args.bootstrap, Path(work), args.command)
        warm_up(bench, args.warm)
        bench.fill(args.records)
        rows = rows_of(bench, args.records, measured(bench, args.warm, args.records))
    print(told(rows, args.json))
    return 0 if all(row.passed is not False for row in rows) else 1


def main() -> int:
    """Start a broker, and measure in a process of its own."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--records", type=int, default=4_000_000)
    ask.add_argument("--warm", type=int, default=500_000, help="records that are read and learnt before")
    ask.add_argument("--command", type=Path, default=Path(sys.executable).with_name("dioptre"))
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--bootstrap", help=argparse.SUPPRESS)
    args = ask.parse_args()
    if args.bootstrap:
        return _inside(args)
    from tests.engines.broker import Broker

    with tempfile.TemporaryDirectory(prefix="dioptre-broker-") as folder:
        broker = Broker(Path(folder, "kafka"), settings={"message.max.bytes": 4 << 20})
        broker.start()
        try:
            broker.create_topic(TOPIC, PARTITIONS)
            words = [*sys.argv[1:], "--bootstrap", broker.bootstrap]
            return subprocess.run([sys.executable, "-m", "tests.bench.bench_energy", *words]).returncode
        finally:
            broker.stop()


if __name__ == "__main__":
    sys.exit(main())
