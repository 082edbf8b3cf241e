"""Exactly once, whatever is killed: `make exactly-once` goes through the faults and prints what was lost and doubled."""

import argparse
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.engines import faults
from tests.engines.broker import Broker
from tests.engines.scene import Counted, Scene, safe

Fault = Callable[[Scene, int], str]

ALL: dict[str, tuple[Fault, int]] = {
    "a million records, killed on the way": (faults.million, 10),
    "embedded: worker killed": (faults.embedded_worker, 10),
    "embedded: main process killed": (faults.embedded_main, 10),
    "Flink: job server killed": (faults.flink_engine, 10),
    "Flink: worker killed": (faults.flink_worker, 10),
    "Prism: engine killed": (faults.prism_engine, 3),
    "Prism: worker killed": (faults.prism_worker, 3),
    "two jobs on one lake, compaction running": (faults.two_jobs, 1),
    "broker stopped for a minute": (faults.broker_away, 1),
    "stopped 90 s while a second job takes over": (faults.zombie, 1),
    "a compacted topic": (faults.compacted, 1),
    "transactions, committed and aborted": (faults.transactions, 1),
    "tombstones, 1 MB records, all four codecs": (faults.odd_records, 1),
    "topic deleted and made again": (faults.recreated, 1),
    "32 partitions": (faults.many_partitions, 3),
    "rsyslog, killed on the way": (faults.rsyslog, 3),
}
"""Name -> (what is done, how many times it is killed)."""


def main(argv: list[str] | None = None) -> int:
    """Go through the faults; exit code 1 if a record was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="faults whose name holds one of these")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keep logs and lakes there")
    parser.add_argument("--times", type=int, metavar="N", help="kill so often in each, instead of 10 or 3 times")
    given = parser.parse_args(argv)
    chosen = {n: f for n, f in ALL.items() if not given.only or any(w.lower() in n.lower() for w in given.only)}
    print(f"{'fault':44} {'kills':>5} {'sent':>9} {'missing':>8} {'doubled':>8}  {'s':>5}  note", flush=True)
    with tempfile.TemporaryDirectory(prefix="dioptre-faults-") as aside:
        results = [_one(name, *ALL[name], given.folder or Path(aside), given.times) for name in chosen]
    print(f"{sum(results)} of {len(results)} whole")
    return 0 if all(results) else 1


def _one(name: str, fault: Fault, times: int, aside: Path, wanted: int | None) -> bool:
    """Run one fault with a broker of its own; print its row."""
    folder = aside / safe(name)
    broker = Broker(folder / "kafka")
    broker.start()
    scene = Scene(broker, folder, f"{safe(name)[:30]}-{uuid.uuid4().hex[:6]}")
    began, times = time.monotonic(), min(times, wanted or times)
    try:
        note, counted = fault(scene, times), scene.settled(60)
    except (TimeoutError, AssertionError, OSError, RuntimeError) as error:
        note, counted = f"FAILED: {str(error).splitlines()[0]}", Counted(scene.sent, scene.sent, 0, False)
    finally:
        broker.stop()
    if not counted.sound:
        note = f"{note}; lake verify: not sound"
    row = f"{name:44} {times:5} {counted.sent:9,} {counted.missing:8,} {counted.doubled:8,}"
    print(f"{row}  {time.monotonic() - began:5.0f}  {note}", flush=True)
    return counted.whole


if __name__ == "__main__":
    sys.exit(main())
