"""Measure how long a record takes from the broker's log to SQL: `make bench-freshness`, three engines in turn.

Freshness of a record = when a session of `dioptre sql` first saw it - LogAppendTime. The session looks several times a
second, so a figure is too high by up to one look.
"""

import argparse
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from connectors.catalog import Session
from connectors.lake import Lake
from tests.bench.report import Row, most, told
from tests.engines.broker import Broker
from tests.engines.flink import FlinkJobServer
from tests.engines.prism import Prism
from tests.engines.process import Service
from tests.engines.scene import Scene

GOAL_P99_S = 5.0
LOOK_S = 0.2
NEW = "SELECT epoch_us(observed_ts) AS us, source_offset AS at, source FROM events WHERE observed_ts > make_timestamptz(?)"


def seen(scene: Scene, seconds: float, warm_s: float) -> np.ndarray:
    """Look at the lake all the time; give seconds from log to SQL of each record seen after `warm_s`."""
    known: set[tuple[str, int]] = set()
    late: list[float] = []
    began = time.time()
    while not (scene.lake / "catalog.duckdb").exists() and time.time() - began < 120:
        if (scene.lake / "lake.json").exists():
            break
        time.sleep(0.2)
    with Session(Lake.open(scene.lake), threads=1) as session:
        since = time.time()
        while (now := time.time()) - since < warm_s + seconds:
            rows = session.run(NEW, [int((now - 60) * 1e6)])
            visible = time.time()
            for us, at, source in zip(*(rows.column(n).to_pylist() for n in ("us", "at", "source")), strict=True):
                if (source, at) not in known:
                    known.add((source, at))
                    if now - since > warm_s:
                        late.append(visible - us / 1e6)
            time.sleep(LOOK_S)
    return np.array(late)


def one(
    name: str, broker: Broker, folder: Path, engine: Service | None, runner: Sequence[str], given: argparse.Namespace
) -> list[Row]:
    """Measure one engine."""
    scene = Scene(broker, folder / name, f"{name}-{uuid.uuid4().hex[:6]}", partitions=2)
    broker.create_topic(scene.topic, 2, {"message.timestamp.type": "LogAppendTime"})
    job = scene.job("job", "--flush-s", str(given.flush_s), runner=runner)
    try:
        if engine:
            engine.start()
        job.start()
        with scene.sending(given.rate):
            scene.flowing(within_s=180)
            late = seen(scene, given.seconds, warm_s=15.0)
    finally:
        job.stop(within_s=30)
        if engine:
            engine.stop()
    if not len(late):
        raise RuntimeError(f"{name}: nothing became visible: {job.tail(3)}")
    p50, p99 = np.percentile(late, [50, 99])
    rows = [Row(name, "records seen", len(late), ""), Row(name, "p50 from log to SQL", float(p50), "s")]
    what = "p99 from log to SQL"
    return [
        *rows,
        most(name, what, float(p99), "s", GOAL_P99_S) if name == "embedded" else Row(name, what, float(p99), "s"),
    ]


def main() -> int:
    """Measure the engines; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1_000.0, help="records a second")
    parser.add_argument("--flush-s", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=60.0, help="measured on each engine")
    parser.add_argument("--engines", nargs="*", default=["embedded", "prism", "flink"])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dioptre-fresh-") as aside:
        folder = Path(aside)
        prism, flink = Prism(folder / "prism-engine"), FlinkJobServer(folder / "flink-engine")
        engines = {"embedded": (None, []), "prism": (prism, prism.options()), "flink": (flink, flink.options())}
        broker = Broker(folder / "kafka")
        broker.start()
        rows = [row for name in given.engines for row in one(name, broker, folder, *engines[name], given)]
        broker.stop()
    print(told(rows, as_json=given.json))
    return 0 if all(row.passed is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
