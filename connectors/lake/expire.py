"""Expiry: whole days of compacted events go, and landing files that are wholly older; their positions stay counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from connectors.lake import sweep
from connectors.lake.check_compacted import counts
from connectors.lake.compactions import DayFile
from connectors.lake.layout import EXPIRED, QUARANTINED_DAY, LakeError
from connectors.lake.segments import Segment
from connectors.lake.settings import GRACE_S
from connectors.lake.sorting import TOLD
from connectors.lake.store import Lake
from connectors.lake.switch import hold, signature, switch
from connectors.lake.taking import takeable, took


@dataclass
class Expired:
    """What an expiry dropped, or would drop.

    Attributes:
        days: those whose files go; `quarantine`: rows with impossible stamps, by the time of their ingest.
        files, bytes: compacted and landing files; they are removed after the grace.
        events, rejects: rows that are gone from all answers.
    """

    days: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    events: int = 0
    rejects: int = 0


def expire(
    lake: Lake, before: datetime, *, dry_run: bool = False, grace_s: float = GRACE_S, now: datetime | None = None
) -> Expired:
    """Drop what is older than a time: whole days, and segments of landing in which nothing is younger.

    What it drops is never read again: the chains go on, and verify counts the positions as `expired`.

    Args:
        before: a day goes when it ended before then.
        grace_s: how long statements that run now may still read the files.

    Raises:
        LakeError: a file cannot be read, or a compaction came between.
    """
    now = now or datetime.now(UTC)
    with hold(lake, "expire"):
        files = [file for file in lake.compacted().files.values() if _over(file, before)]
        runs = _older(lake, before, now)
        done = _told(lake, files, runs)
        if dry_run or not (files or runs):
            return done
        paths = [s.path for run in runs.values() for s in run]
        if switch(lake, _record(lake, files, runs), now=now, inputs=signature(paths)) is None:
            raise LakeError(f"{lake.root}: a compaction came between; run the same command again")
        sweep.sweep(lake, now=now, grace_s=grace_s)
    return done


def _over(file: DayFile, before: datetime) -> bool:
    """Say whether nothing in a day file is younger."""
    if file.day == QUARANTINED_DAY:
        return datetime.fromisoformat(file.ingested) < before
    return datetime.fromisoformat(file.day).replace(tzinfo=UTC) + timedelta(days=1) <= before


def _older(lake: Lake, before: datetime, now: datetime) -> dict[str, list[Segment]]:
    """Find for each source the segments, right behind its compacted part, in which nothing is younger."""
    found = {}
    for source, run in takeable(lake, now, 0.0).items():
        newest = [_newest(segment.path) for segment in run]
        n = next((i for i, ts in enumerate(newest) if ts is not None and ts >= before), len(run))
        while n and newest[n - 1] is None:
            n -= 1
        if n:
            found[source] = run[:n]
    return found


def _newest(path: Path) -> datetime | None:
    """Give the newest stamp of a segment, rejects too; None if it holds no row."""
    meta = pq.read_metadata(path)
    if not meta.num_rows:
        return None
    at = meta.schema.names.index("ts")
    stamps = [meta.row_group(i).column(at).statistics.max for i in range(meta.num_row_groups)]
    newest: datetime = max(stamps)
    return newest if newest.tzinfo else newest.replace(tzinfo=UTC)


def _told(lake: Lake, files: Iterable[DayFile], runs: dict[str, list[Segment]]) -> Expired:
    files = list(files)
    segments = [segment for run in runs.values() for segment in run]
    held = counts(lake.root, iter(files))
    return Expired(
        days=sorted({file.day for file in files}),
        files=len(files) + len(segments),
        bytes=sum(file.bytes for file in files) + sum(s.path.stat().st_size for s in segments),
        events=sum(c["events"] for c in held.values()) + sum(s.footer["events"] for s in segments),
        rejects=sum(c["rejects"] for c in held.values()) + sum(s.footer["rejects"] for s in segments),
    )


def _record(lake: Lake, files: Iterable[DayFile], runs: dict[str, list[Segment]]) -> dict[str, Any]:
    """Tell of what goes: rows become skips; what landing held goes on as compacted without a file."""
    files = list(files)
    gone = counts(lake.root, iter(files))
    for source, run in runs.items():
        for segment in run:
            gone.setdefault(source, Counter()).update({name: segment.footer[name] for name in TOLD})
    changed = {source: _gone(held) for source, held in gone.items()}
    record = {"why": "expire", "replaced": [file.name for file in files], "changed": changed}
    return record | {"took": took(lake, runs, {})}


def _gone(held: Counter[str]) -> dict[str, Any]:
    """Write the change of a source's counts: rows less, skips more."""
    return {name: -n for name, n in held.items()} | {"skips": {EXPIRED: held["positions"]}}
