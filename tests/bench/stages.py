"""Where the time of a backfill goes: its stages one after another in this process, CPU-seconds each.

Run as `stages.py FILE LAKE`, in a process of its own; prints one JSON object. Beam and the start
of Python are not in it: the bench names what is left of the whole command `rest`.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from clustering.keys import Keys
from connectors import archives
from connectors.formats.parse import parse
from connectors.lake import Lake
from connectors.privacy import NAMES, Masks
from pipeline.backfill import plan
from pipeline.job import Job
from pipeline.transforms import commit

MASKED = 500_000
Result = TypeVar("Result")


class Clock:
    """Adds up CPU-seconds (of all threads of this process) by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def time(self, name: str, call: Callable[..., Result], *args: Any) -> Result:
        """Call, and count what it took."""
        began = time.process_time()
        try:
            return call(*args)
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.process_time() - began


def walk(file: Path, root: Path) -> dict[str, float]:
    """Backfill a file stage by stage.

    Returns:
        CPU-seconds by stage, and `lines`. `masks on` (every `[privacy]` mask on the first lines, `masked` of them, which
        a backfill of default settings does not do) and the second call of the key (to tell it from `label`) are extra.
    """
    clock, lines, masked = Clock(), 0, 0
    lake = Lake.create(root)
    job = Job(lake=lake.root)
    labeller, keys, masks = job.labeller(), Keys(), Masks(NAMES)
    for read in plan(lake, [str(file)]).plan.reads:
        batches = archives.read(read, lake_chain=lake.chain)
        while (records := clock.time("read", next, batches, None)) is not None:
            parsed = clock.time("parse", parse, records, job.reading)
            if masked < MASKED:
                clock.time("masks on", masks.parsed, parsed)
                masked += records.num_rows
            parsed = clock.time("mask", job.masks.parsed, parsed)
            clock.time("key", keys.of, parsed.column("app"), parsed.column("message"))
            clock.time("write", commit, lake, clock.time("label", labeller.label, parsed))
            lines += records.num_rows
    clock.spent["label"] -= clock.spent["key"]
    return clock.spent | {"lines": lines, "masked": masked}


if __name__ == "__main__":
    print(json.dumps(walk(Path(sys.argv[1]), Path(sys.argv[2]))))
