"""Verify a lake: prove that each position of each source is there exactly once, and name whatever breaks it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from connectors.lake import check_compacted, check_journals
from connectors.lake import check_files as files
from connectors.lake.check_segment import Finding, check_segment
from connectors.lake.compactions import Range
from connectors.lake.layout import LANDING, RUNS, segment_name, segment_start
from connectors.lake.runs import read_runs, recorded_ends
from connectors.lake.segments import Segment
from connectors.lake.store import Lake


@dataclass(frozen=True)
class Totals:
    """What the footers of a chain add up to. `end - start == positions + sum(skips) + missing`, always."""

    source: str
    start: int | None = None
    end: int | None = None
    segments: int = 0
    events: int = 0
    rejects: int = 0
    positions: int = 0
    missing: int = 0
    skips: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """What verify found; `total` adds up all sources (its start and end are None, positions are of many sources)."""

    findings: list[Finding]
    sources: list[Totals]
    total: Totals

    @property
    def ok(self) -> bool:
        """True when nothing worse than a remark was found: every position is there exactly once."""
        return all(f.severity == "info" for f in self.findings)


def verify(lake: Lake | Path, *, deep: bool = False) -> Verification:
    """Check every file of a lake, and the positions of every row.

    Args:
        lake: a lake, or its folder (then a damaged lake.json is a finding and the rest is checked as well).
        deep: read every column with its page checksums, not only positions and reject reasons.

    Raises:
        LakeError: the folder is no lake at all.
    """
    lake, findings = files.opened(lake)
    runs, torn = read_runs(lake.root)  # before the chains: a chain only grows, so what is recorded must be there
    ends = recorded_ends(runs)
    findings += [Finding("warning", f"{RUNS}/{p.name}", f"torn: {why}", files.ASIDE, "quarantine") for p, why in torn]
    state, found = check_compacted.check(lake, deep=deep)
    findings += found
    totals = []
    for source in sorted({*files.chains(lake.root), *ends, *state.ranges}):
        found, total = _check_chain(lake, source, ends.get(source), state.ranges.get(source), deep=deep)
        findings += found
        totals.append(total)
    findings += [*files.foreign(lake.root), *files.kinds(lake.root), *files.leftovers(lake.root)]
    findings += [*check_journals.journals(lake.root), *check_journals.ledger(lake.root)]
    return Verification(findings, totals, _sum(totals))


def _check_chain(
    lake: Lake, source: str, recorded: tuple[int, str] | None, compacted: Range | None, *, deep: bool
) -> tuple[list[Finding], Totals]:
    """Check the segments of one source one by one, then as a chain, then against the end that a run recorded.

    What landing holds of the compacted part is nobody's.
    """
    folder = lake.root / LANDING / source
    findings: list[Finding] = []
    good: list[Segment] = []
    bad: list[int] = []
    origin = lake.origin(source)
    base = compacted.end if compacted else origin
    for path in files.segments(folder):
        if compacted and (segment_start(path.name) or 0) < base:
            continue
        segment, faults = check_segment(lake.root, path, deep=deep)
        findings += faults
        if segment and not faults:
            good.append(segment)
        else:
            bad.append(segment_start(path.name) or 0)
    findings += _links(lake.root, folder, good, bad, base)
    tail = max([base, *(s.end for s in good)])
    if recorded and recorded[0] > tail and not any(b >= tail for b in bad):
        findings.append(_lost_newest(source, tail, *recorded))
    return findings, _add_up(source, good, compacted, origin, max(tail, recorded[0] if recorded else 0))


def _links(root: Path, folder: Path, good: list[Segment], bad: list[int], base: int) -> list[Finding]:
    """Name the holes and overlaps between sound segments; a hole where an unsound one lies has been told."""
    findings: list[Finding] = []
    where = str(folder.relative_to(root))
    tail, before = base, ""
    for segment in good:
        if segment.start > tail and not any(tail <= b < segment.start for b in bad):
            what = f"missing: positions {tail} to {segment.start} are in no segment"
            hint = "run the backfill of this source again: it reads them"
            findings.append(Finding("error", f"{where}/{segment_name(tail)}", what, hint))
        if segment.start < tail:
            upto = min(tail, segment.end)
            what = f"overlaps {before or 'what lies before the chain'}: positions {segment.start} to {upto} are doubled"
            hint = "`dioptre lake repair` moves it to quarantine, the next backfill reads what is then missing"
            findings.append(Finding("error", f"{where}/{segment.path.name}", what, hint, "quarantine"))
        if segment.end > tail:
            tail, before = segment.end, segment.path.name
    return findings


def _lost_newest(source: str, tail: int, end: int, run: str) -> Finding:
    what = f"missing: run {run} recorded the end {end}, the chain ends at {tail}"
    hint = f"run the backfill of this source again, or `dioptre lake forget {source}` if it is gone for good"
    return Finding("error", f"{LANDING}/{source}/{segment_name(tail)}", what, hint)


def _add_up(source: str, good: list[Segment], compacted: Range | None, start: int, end: int) -> Totals:
    """Add up the footers of sound segments and the compacted part; what they do not cover is missing."""
    counts: Counter[str] = Counter({"segments": len(good)})
    skips: Counter[str] = Counter(compacted.skips if compacted else {})
    if compacted:
        counts.update({name: getattr(compacted, name) for name in ("events", "rejects", "positions", "segments")})
    for segment in good:
        counts.update({name: segment.footer[name] for name in ("events", "rejects", "positions")})
        skips.update(segment.footer["skips"])
    missing = end - start - counts["positions"] - skips.total()
    return Totals(source, start, end, **counts, missing=missing, skips=dict(skips))


def _sum(totals: Iterable[Totals]) -> Totals:
    """Add up all sources."""
    counts: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    for t in totals:
        names = ("segments", "events", "rejects", "positions", "missing")
        counts.update({name: getattr(t, name) for name in names})
        skips.update(t.skips)
    return Totals("", **counts, skips=dict(skips))
