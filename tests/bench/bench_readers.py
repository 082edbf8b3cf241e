"""Four sessions ask a lake without pause while segments land every 2 s and a compaction runs every 30 s.

    python -m tests.bench.bench_readers [--minutes N] [--sources N] [--rows N]

Each reader counts all events, the positions that differ, and a sum over messages, of what had landed when it began at
least. Errors and counts that fall must be none. What a compaction replaced is removed a minute later, not two hours, so
that removals happen too.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.catalog import Session
from connectors.lake import Lake, compact, verify
from tests.bench.report import Row, least, most, table
from tests.connectors.lake_rows import rows

READERS, LAND_EVERY_S, COMPACT_EVERY_S, GRACE_S = 4, 2.0, 30.0, 60.0
QUERIES = (
    "SELECT count(*) AS n, count(DISTINCT (source, source_offset)) AS d FROM events",
    "SELECT sum(n)::BIGINT AS n, sum(n)::BIGINT AS d FROM (SELECT label, count(*) AS n FROM events GROUP BY label)",
    "SELECT sum(events)::BIGINT AS n, sum(end_offset - start_offset)::BIGINT AS d FROM segments",
    "SELECT count(*) AS n, count(message) AS d FROM events WHERE ts > TIMESTAMPTZ '2020-01-01 00:00:00+00'",
)


@dataclass
class Told:
    """What a reader met."""

    statements: int = 0
    errors: int = 0
    falls: int = 0
    doubled: int = 0
    slowest_s: float = 0.0
    last: int = 0
    said: str = ""


def read(root: Path, until: float, landed: Any, pipe: Any) -> None:
    """Be a reader: ask until the time is over."""
    told = Told()
    with Session(Lake.open(root), threads=1) as session:
        while time.time() < until:
            at_least, began = landed.value, time.monotonic()
            try:
                row = session.run(QUERIES[told.statements % len(QUERIES)]).to_pylist()[0]
            except Exception as error:
                told.errors, told.said = told.errors + 1, repr(error)
                continue
            told.statements += 1
            told.slowest_s = max(told.slowest_s, time.monotonic() - began)
            told.falls += row["n"] < max(told.last, at_least)
            told.doubled += row["n"] != row["d"]
            told.last = max(told.last, row["n"])
    pipe.send(told)


def squeeze(root: Path, until: float) -> None:
    """Be the compactor, in the lifetime of one process."""
    while time.time() < until:
        time.sleep(min(COMPACT_EVERY_S, max(0.0, until - time.time())))
        compact(Lake.open(root), older_than_s=0, grace_s=GRACE_S)


def land(lake: Lake, until: float, landed: Any, sources: int, each: int) -> int:
    """Let a segment of each source land every two seconds; give the positions."""
    at = landed.value // sources
    batches = [rows(f"kafka-{n:02d}", range(each)) for n in range(sources)]
    while time.time() < until:
        due = time.monotonic() + LAND_EVERY_S
        for n, batch in enumerate(batches):
            moved = pa.array(range(at, at + each), pa.int64())
            i = batch.schema.get_field_index("source_offset")
            batch = batch.set_column(i, batch.schema.field(i), moved)
            lake.chain(f"kafka-{n:02d}").append(batch, at, at + each, {})
        at += each
        landed.value = at * sources
        time.sleep(max(0.0, due - time.monotonic()))
    return at * sources


def main() -> int:
    """Run it and print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sources", type=int, default=8)
    parser.add_argument("--rows", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as aside:
        found = run(Path(aside) / "lake", options.minutes, options.sources, options.rows)
    print(table(found))
    return 1 if any(row.passed is False for row in found) else 0


def run(root: Path, minutes: float, sources: int, each: int) -> list[Row]:
    """Let readers, writer and compactor work beside one another."""
    context = multiprocessing.get_context("spawn")
    landed, until = context.Value("q", 0), time.time() + minutes * 60
    lake = Lake.create(root)
    land(lake, time.time() + 0.1, landed, sources, each)
    pipes, helpers = [], [context.Process(target=squeeze, args=(root, until), daemon=True)]
    for _ in range(READERS):
        ours, theirs = context.Pipe(duplex=False)
        pipes.append(ours)
        helpers.append(context.Process(target=read, args=(root, until, landed, theirs), daemon=True))
    for helper in helpers:
        helper.start()
    there = land(lake, until, landed, sources, each)
    told = [pipe.recv() for pipe in pipes]
    for helper in helpers:
        helper.join()
    return report(lake, told, there)


def report(lake: Lake, told: list[Told], there: int) -> list[Row]:
    """Lay out what was met."""
    part = "readers beside segments and compactions"
    checked = verify(lake, deep=True)
    removed = checked.total.segments - sum(1 for _ in lake.root.glob("events/landing/kafka-*/*.parquet"))
    for one in told:
        if one.said:
            print(one.said, file=sys.stderr)
    return [
        Row(part, "events landed", there, ""),
        Row(part, "compactions", lake.compacted().sequence, ""),
        Row(part, "segments removed meanwhile", removed, ""),
        least(part, "statements of the slowest reader", min(t.statements for t in told), "", 10),
        Row(part, "slowest statement", max(t.slowest_s for t in told), "s"),
        most(part, "errors", sum(t.errors for t in told), "", 0),
        most(part, "counts that fell, or missed what had landed", sum(t.falls for t in told), "", 0),
        most(part, "counts with a position twice", sum(t.doubled for t in told), "", 0),
        most(part, "faults that verify names at the end", sum(f.severity != "info" for f in checked.findings), "", 0),
        most(part, "events missing at the end", there - checked.total.events, "", 0),
    ]


if __name__ == "__main__":
    sys.exit(main())
