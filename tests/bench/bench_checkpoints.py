"""Measure how Flink's checkpoints grow under a stream that polls: `make bench-checkpoints` (an hour).

The job server of Beam before 2.76 keeps state of every poll; this says how much, here, with the one of the tests.
"""

import argparse
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np

from tests.bench.report import Row, told
from tests.engines import flink as engine
from tests.engines.broker import Broker
from tests.engines.scene import Scene


def newest(folder: Path) -> tuple[int, int]:
    """Give (number, bytes) of the newest complete checkpoint; (0, 0) if there is none."""
    found = [(int(p.parent.name.removeprefix("chk-")), p.parent) for p in folder.glob("*/chk-*/_metadata")]
    if not found:
        return 0, 0
    number, place = max(found)
    shared = list((place.parent / "shared").glob("*"))
    return number, sum(p.stat().st_size for p in [*place.iterdir(), *shared])


def measure(scene: Scene, conf: Path, given: argparse.Namespace) -> list[tuple[float, int, int]]:
    """Run a stream on Flink; give (minutes, number, bytes) of the newest checkpoint, some times a minute."""
    flink = engine.FlinkJobServer(scene.folder / "flink", conf={"state.checkpoints.dir": f"file://{conf}"})
    job = scene.job("job", runner=flink.options(checkpoint_ms=10_000))
    seen = []
    flink.start()
    job.start()
    try:
        with scene.sending(given.rate):
            scene.flowing(within_s=600)
            began = time.monotonic()
            while (minutes := (time.monotonic() - began) / 60) < given.minutes:
                time.sleep(15)
                seen.append((minutes, *newest(conf)))
                if given.verbose and len(seen) % 20 == 0:
                    print("  {:5.1f} min  checkpoint {}  {} bytes".format(*seen[-1]), file=sys.stderr, flush=True)
    finally:
        job.stop(within_s=30)
        flink.stop()
    return [row for row in seen if row[1]]


def main() -> int:
    """Measure; exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=200.0, help="records a second")
    parser.add_argument("--folder", type=Path, help="keep logs and checkpoints there")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dioptre-checkpoints-") as aside:
        folder = given.folder or Path(aside)
        broker = Broker(folder / "kafka")
        broker.start()
        scene = Scene(broker, folder, f"checkpoints-{uuid.uuid4().hex[:6]}", 2)
        broker.create_topic(scene.topic, 2)
        seen = np.array(measure(scene, folder / "checkpoints", given), float)
        broker.stop()
    slope = float(np.polyfit(seen[:, 0], seen[:, 2], 1)[0])
    part = f"job server {engine.BEAM}"
    rows = [
        Row(part, "checkpoints", int(seen[-1, 1]), f"in {seen[-1, 0]:.0f} min"),
        Row(part, "first one seen", int(seen[0, 2]), "bytes"),
        Row(part, "last one", int(seen[-1, 2]), "bytes"),
        Row(part, "growth", slope * 60, "bytes an hour"),
    ]
    print(told(rows, as_json=given.json))
    return 0


if __name__ == "__main__":
    sys.exit(main())
