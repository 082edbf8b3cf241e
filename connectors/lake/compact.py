"""Compaction: sealed segments of landing become day files sorted by time; small day files become larger ones.

Each step is one record (switch.py): before it, what was made is nobody's; after it, what was replaced is. Killed at
any moment, a step is undone or done. What was replaced is removed by a later call, when no reader can need it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from connectors.lake import commit, sweep
from connectors.lake.compactions import DayFile, summed, whole_record
from connectors.lake.layout import COMPACTIONS, EVENTS, QUARANTINED_DAY, LakeError, proof_name
from connectors.lake.segments import Segment
from connectors.lake.settings import GRACE_S
from connectors.lake.sorting import Sorted, remove, sort, sorter
from connectors.lake.store import Lake
from connectors.lake.switch import Signature, alone, signature, switch

OLDER_THAN_S = 900.0
"""Segments wait so long for company, unless many are there."""
MANY, MUCH = 256, 64 << 20
"""So many sealed segments, or so many bytes of them, are compacted at once."""
NEWEST_AFTER_S = 86_400.0
"""A chain's newest segment is left in landing until the chain has been at rest for so long: then it is at its end."""
MOST_BYTES = 256 << 20
"""Read by one call, so that a call takes under a minute; the next goes on."""
SMALL, FEW = 64 << 20, 8
"""Files of a day that are smaller are merged when so many of one size, give or take four times, are there."""
WHOLE_EVERY = 100
"""A record that says everything is written after so many."""


@dataclass
class Compacted:
    """What a call did.

    Attributes:
        segments, rows: taken from landing.
        merged: compacted files that became larger ones.
        made: files made, relative to events/.
        removed: files removed whose time had come.
        more: there is more to be done; call again.
        refused: sources whose segments do not hold what their footers say; `verify` tells more.
    """

    segments: int = 0
    rows: int = 0
    merged: int = 0
    made: list[str] = field(default_factory=list)
    removed: int = 0
    more: bool = False
    refused: list[str] = field(default_factory=list)


class _Step(NamedTuple):
    """Bounds and tools of one call."""

    lake: Lake
    now: datetime
    memory: str
    threads: int
    kinds: pa.Table


def compact(
    lake: Lake,
    *,
    older_than_s: float = OLDER_THAN_S,
    newest_after_s: float = NEWEST_AFTER_S,
    grace_s: float = GRACE_S,
    now: datetime | None = None,
    most_bytes: int = MOST_BYTES,
    memory: str = "192MB",
    threads: int = 1,
) -> Compacted:
    """Do one round: take segments, merge small files, remove what was replaced `grace_s` ago. Often there is nothing.

    To be called every minute or so. Of two at once, one does nothing. Needs under 500 MB.

    Args:
        older_than_s: take segments when one has waited so long, or when many are there; 0: at once.
        newest_after_s: take the newest segment of a chain that has been at rest for so long; always left else.
        now: time of the clock unless given.
        most_bytes: bound on what is read by this call.
        memory, threads: of the sort; what does not fit goes to the lake's staging folder.

    Raises:
        LakeError: a file cannot be read, or the file system refused; nothing is half done.
    """
    now = now or datetime.now(UTC)
    done = Compacted()
    with alone(lake, wait_s=0.0) as free:
        if not free:
            return done
        step = _Step(lake, now, memory, threads, lake.kinds())
        left = most_bytes - _take(step, done, older_than_s, newest_after_s, most_bytes)
        _merge(step, done, left)
        _sum_up(lake, now)
        done.removed = sweep.sweep(lake, now=now, grace_s=grace_s)
    return done


def takeable(lake: Lake, now: datetime, newest_after_s: float) -> dict[str, list[Segment]]:
    """Find for each source the segments right behind its compacted part that are sealed, by position."""
    found = {}
    for source in lake.sources():
        chain = lake.chain(source)
        base, run = lake.base(source), list[Segment]()
        segments = [s for s in chain.segments() if s.start >= base and not s.footer.get("compacted")]
        for segment in segments:
            if segment.start != (run[-1].end if run else base):
                break
            run.append(segment)
        if run and run[-1] is segments[-1] and _age_s(run[-1], now) < newest_after_s:
            run.pop()
        if run:
            found[source] = run
    return found


def _age_s(segment: Segment, now: datetime) -> float:
    """Give how long ago a segment was written; for ever, if it does not say."""
    told = segment.footer.get("written_at")
    return (now - datetime.fromisoformat(told)).total_seconds() if told else float("inf")


def _take(step: _Step, done: Compacted, older_than_s: float, newest_after_s: float, most: int) -> int:
    """Compact segments of landing if it is time; give the bytes read."""
    found = takeable(step.lake, step.now, newest_after_s)
    sizes = {s.path: _size(s.path) for run in found.values() for s in run}
    oldest = max((_age_s(run[0], step.now) for run in found.values()), default=-1.0)
    if oldest < older_than_s and len(sizes) < MANY and sum(sizes.values()) < MUCH:
        return 0
    chosen, read = _choose(found, sizes, step.now, most)
    if chosen:
        done.more = sum(map(len, chosen.values())) < len(sizes)
        take(step, chosen, done)
    return read


def _choose(
    found: dict[str, list[Segment]], sizes: dict[Path, int], now: datetime, most: int
) -> tuple[dict[str, list[Segment]], int]:
    """Choose what fits into a call, those that wait longest first; at least one segment."""
    chosen: dict[str, list[Segment]] = {}
    read = 0
    for source in sorted(found, key=lambda s: -_age_s(found[s][0], now)):
        for segment in found[source]:
            if read and read + sizes[segment.path] > most:
                return chosen, read
            chosen.setdefault(source, []).append(segment)
            read += sizes[segment.path]
    return chosen, read


def _size(path: Path) -> int:
    with commit.told(path, "read"):
        return path.stat().st_size


def take(step: _Step, chosen: dict[str, list[Segment]], done: Compacted) -> None:
    """Make day files of segments and switch to them; a source whose rows are not what its footers say is left out."""
    while chosen:
        paths = [s.path for run in chosen.values() for s in run]
        before = signature(paths)
        made = _sorted(step, paths)
        wrong = [source for source, run in chosen.items() if not _as_told(run, made.counts.get(source, Counter()))]
        if not wrong:
            record = {"why": "compact", "took": _took(step.lake, chosen, made)}
            if _switched(step, record, made, before):
                done.segments += len(paths)
                done.rows += sum(s.rows for run in chosen.values() for s in run)
                done.made += [file.name for file in made.files]
            return
        remove(step.lake.root, [file.name for file in made.files])
        done.refused += wrong
        chosen = {source: run for source, run in chosen.items() if source not in wrong}


def _sorted(step: _Step, paths: Sequence[Path]) -> Sorted:
    with sorter(step.lake.root, memory=step.memory, threads=step.threads) as con:
        return sort(con, step.lake.root, paths, kinds=step.kinds, now=step.now)


def _as_told(run: Iterable[Segment], found: Counter[str]) -> bool:
    """Say whether the rows of a source are those that the footers of its segments tell of."""
    told: Counter[str] = Counter()
    for segment in run:
        told.update({name: segment.footer[name] for name in ("events", "rejects", "positions")})
    return all(told[name] == found[name] for name in ("events", "rejects", "positions"))


def _took(lake: Lake, chosen: dict[str, list[Segment]], made: Sorted) -> dict[str, Any]:
    """Tell of what was taken of each source; the marks of all go into one file beside the record."""
    marks = {source: found for source, run in chosen.items() if (found := _marks(run))}
    proofs = []
    if marks:
        data = json.dumps(marks, separators=(",", ":")).encode()
        proofs = [proof_name(data)]
        commit.create(lake.root, data, lake.root / COMPACTIONS / proofs[0])
    told = {}
    for source, run in chosen.items():
        sums: Counter[str] = Counter()
        skips: dict[str, int] = {}
        for segment in run:
            sums.update({name: segment.footer[name] for name in ("events", "rejects", "positions")})
            skips = summed(skips, segment.footer["skips"])
        last = run[-1].footer
        told[source] = {
            "start": run[0].start, "end": run[-1].end, "segments": len(run), **sums, "skips": skips,
            "name": str(last.get("name") or ""), "prefix": last.get("prefix"), "newest": made.newest.get(source),
            "proofs": proofs if source in marks else [],
        }  # fmt: skip
    return told


def _marks(run: Iterable[Segment]) -> list[list[Any]]:
    """Gather what the footers of segments prove: positions and the first digits of the hash up to them."""
    marks: dict[int, str] = {}
    for segment in run:
        marks |= {int(position): str(mark) for position, mark in segment.footer.get("marks") or ()}
        if segment.footer.get("prefix"):
            marks[segment.end] = str(segment.footer["prefix"])
    return [[position, mark] for position, mark in sorted(marks.items())]


def _switched(step: _Step, record: dict[str, Any], made: Sorted, before: Signature) -> bool:
    """Switch to what was made, or remove it."""
    record = {**record, "made": [asdict(file) for file in made.files]}
    if switch(step.lake, record, now=step.now, inputs=before) is not None:
        return True
    remove(step.lake.root, [file.name for file in made.files])
    return False


def _merge(step: _Step, done: Compacted, left: int) -> None:
    """Merge the small files of days, a record a day, as far as the bound allows."""
    for files in _mergeable(step.lake.compacted().files.values(), step.now):
        size = sum(file.bytes for file in files)
        if size > left:
            done.more = True
            return
        left -= size
        paths = [step.lake.root / EVENTS / file.name for file in files]
        before = signature(paths)
        made = _sorted(step, paths)
        if sum(file.rows for file in made.files) != sum(file.rows for file in files):
            remove(step.lake.root, [file.name for file in made.files])
            raise LakeError(f"{paths[0].parent}: rows were lost or doubled in a merge; `dioptre lake verify --deep`")
        if _switched(step, {"why": "merge", "replaced": [file.name for file in files]}, made, before):
            done.merged += len(files)
            done.made += [file.name for file in made.files]


def _mergeable(files: Iterable[DayFile], now: datetime) -> list[list[DayFile]]:
    """Find files of one day to be merged: many of like size; few are enough on a day that is over."""
    over = (now - timedelta(days=2)).date().isoformat()
    days: dict[str, list[DayFile]] = {}
    for file in sorted(files, key=lambda f: f.bytes):
        if file.bytes < SMALL:
            days.setdefault(file.day, []).append(file)
    found = []
    for day, small in sorted(days.items()):
        few = FEW // 2 if day < over and day != QUARANTINED_DAY else FEW
        tiers = [small] if few < FEW else _tiers(small)
        found += [_fitting(tier) for tier in tiers if len(tier) >= few]
    return found


def _tiers(files: Iterable[DayFile]) -> list[list[DayFile]]:
    """Part files, smallest first, so that in each part none is over four times as large as the first."""
    tiers: list[list[DayFile]] = []
    for file in files:
        if tiers and file.bytes <= 4 * max(tiers[-1][0].bytes, 1 << 16):
            tiers[-1].append(file)
        else:
            tiers.append([file])
    return tiers


def _fitting(files: Sequence[DayFile]) -> list[DayFile]:
    """Keep as many files as fit into a call."""
    fit: list[DayFile] = []
    size = 0
    for file in files:
        size += file.bytes
        if len(fit) >= 2 and size > MOST_BYTES // 2:
            break
        fit.append(file)
    return fit


def _sum_up(lake: Lake, now: datetime) -> None:
    """Write a record that says everything, now and then."""
    state = lake.compacted()
    if state.sequence - state.whole >= WHOLE_EVERY:
        switch(lake, whole_record(state), now=now, inputs={})
