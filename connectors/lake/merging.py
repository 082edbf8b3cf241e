"""Which small day files are merged into larger ones."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from connectors.lake.compactions import DayFile
from connectors.lake.layout import EVENTS, QUARANTINED_DAY, LakeError
from connectors.lake.step import Step
from connectors.lake.switch import signature

SMALL, FEW = 24 << 20, 8
"""Files of a day that are smaller are merged when so many of one size, give or take four times, are there."""
LARGE = 40 << 20
"""No more than so many bytes are merged into one file: the sort's memory bounds it (compacting.MOST_BYTES)."""


def merge(step: Step, files: Sequence[DayFile]) -> list[str] | None:
    """Merge files of one day; give the names of what was made, None if something else came first.

    Raises:
        LakeError: a file cannot be read, or does not hold the rows that its record tells of.
    """
    paths = [step.lake.root / EVENTS / file.name for file in files]
    before = signature(paths)
    made = step.sort(paths)
    if sum(file.rows for file in made.files) != sum(file.rows for file in files):
        step.discard(made)
        raise LakeError(f"{paths[0].parent}: not the rows that were compacted; `dioptre lake verify` names the file")
    record = {"why": "merge", "replaced": [file.name for file in files]}
    return [file.name for file in made.files] if step.switch(record, made, before) else None


def mergeable(files: Iterable[DayFile], now: datetime) -> list[list[DayFile]]:
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
        if len(fit) >= 2 and size > LARGE:
            break
        fit.append(file)
    return fit
