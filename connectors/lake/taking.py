"""Which sealed segments of landing a compaction takes, and what its record tells of them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.lake import commit
from connectors.lake.compactions import SUMS, summed
from connectors.lake.layout import COMPACTIONS, proof_name
from connectors.lake.segments import Segment, read_segment
from connectors.lake.step import Step
from connectors.lake.store import Lake
from connectors.lake.switch import signature

Chosen = dict[str, list[Segment]]
"""Of each source the segments right behind its compacted part, by position."""

_TOLD = ("events", "rejects", "positions")


def takeable(lake: Lake, now: datetime, newest_after_s: float) -> Chosen:
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
        if run and run[-1] is segments[-1] and age_s(run[-1], now) < newest_after_s:
            run.pop()
        if run:
            found[source] = run
    return found


def age_s(segment: Segment, now: datetime) -> float:
    """Give how long ago a segment was written; for ever, if it does not say."""
    told = segment.footer.get("written_at")
    return (now - datetime.fromisoformat(told)).total_seconds() if told else float("inf")


def choose(found: Chosen, sizes: dict[Path, int], now: datetime, most: int) -> tuple[Chosen, int]:
    """Choose what fits into a call, those that wait longest first; at least one segment."""
    chosen: Chosen = {}
    read = 0
    for source in sorted(found, key=lambda s: -age_s(found[s][0], now)):
        for segment in found[source]:
            if read and read + sizes[segment.path] > most:
                return chosen, read
            chosen.setdefault(source, []).append(segment)
            read += sizes[segment.path]
    return chosen, read


def size_of(path: Path) -> int:
    """Give the bytes of a file."""
    with commit.told(path, "read"):
        return path.stat().st_size


def take(step: Step, chosen: Chosen) -> tuple[list[str] | None, list[str]]:
    """Make day files of segments and switch to them.

    Returns:
        the files made, None if something else came first; and the sources left alone, since their rows are not what
        their footers say.
    """
    refused: list[str] = []
    while chosen:
        paths = [s.path for run in chosen.values() for s in run]
        before = signature(paths)
        chosen = {
            source: [read_segment(s.path) for s in run] for source, run in chosen.items()
        }  # as an erasure left it
        made = step.sort(paths)
        wrong = [source for source, run in chosen.items() if not _as_told(run, made.counts.get(source, Counter()))]
        if not wrong:
            record = {"why": "compact", "took": took(step.lake, chosen, made.newest)}
            return [file.name for file in made.files] if step.switch(record, made, before) else None, refused
        step.discard(made)
        refused += wrong
        chosen = {source: run for source, run in chosen.items() if source not in wrong}
    return None, refused


def _as_told(run: Iterable[Segment], found: Counter[str]) -> bool:
    """Say whether the rows of a source are those that the footers of its segments tell of."""
    told: Counter[str] = Counter()
    for segment in run:
        told.update({name: segment.footer[name] for name in _TOLD})
    return all(told[name] == found[name] for name in _TOLD)


def took(lake: Lake, chosen: Chosen, newest: Mapping[str, str]) -> dict[str, Any]:
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
        named: dict[str, dict[str, int]] = {name: {} for name in SUMS}
        for segment in run:
            sums.update({name: segment.footer[name] for name in _TOLD})
            named = {name: summed(named[name], segment.footer.get(name) or {}) for name in SUMS}
        last = run[-1].footer
        told[source] = {
            "start": run[0].start, "end": run[-1].end, "segments": len(run), **sums, **named,
            "name": str(last.get("name") or ""), "prefix": last.get("prefix"), "newest": newest.get(source),
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
