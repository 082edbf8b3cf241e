"""What has moved in a lake since its certificates were issued, told without labels: new kinds, and how scores lie."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.drift import histogram, psi, warnings
from connectors.lake import Lake
from pipeline.certify_life import Standing
from schemas.certificates import VALID
from schemas.registry import LEARN, PERSON, RULE

DAY = timedelta(days=1)
USUAL = timedelta(days=14)
"""The usual rate of new kinds is that of so long before."""

FEW = 50
"""Fewer kinds tell nothing of how scores lie."""


@dataclass(frozen=True)
class Moved:
    """What has moved. `index`: stability of scores, .25 and more is a shift. `rate`, `usual`: new kinds a day."""

    index: float
    rate: float
    usual: float
    warnings: list[str]


def moved(lake: Lake, found: list[Standing]) -> Moved:
    """Compare the kinds met since the newest valid certificate with those before, and the last day with the usual."""
    rows = _first_words(lake)
    issued = max((one.at for one in found if one.status == VALID and one.at), default=None)
    old, new = _parted(rows, issued)
    rate, usual = _rates(rows)
    return Moved(psi(old, new), rate, usual, warnings(old, new, usual, rate))


def _first_words(lake: Lake) -> pa.Table:
    """Give what was said of each kind when it was met: the notes of workers."""
    rows = lake.history()
    noted = pc.equal(rows["_rank"], 0)
    by_model = pc.invert(pc.is_in(rows["stage"], value_set=pa.array([PERSON, RULE, LEARN])))
    return rows.filter(pc.and_(noted, by_model)).select(["first_seen", "confidence"])


def _parted(rows: pa.Table, issued: datetime | None) -> tuple[list[int], list[int]]:
    """Give the histograms of confidence before and since; empty where there is too little to compare."""
    if issued is None:
        return [], []
    since = pc.greater(rows["first_seen"], pa.scalar(issued, rows["first_seen"].type))
    parts = [rows.filter(flags)["confidence"].to_numpy() for flags in (pc.invert(since), since)]
    if min(len(part) for part in parts) < FEW:
        return [], []
    old, new = (histogram(np.asarray(part, np.float64)) for part in parts)
    return old, new


def _rates(rows: pa.Table) -> tuple[float, float]:
    """Give new kinds a day: on the last day of the lake, and usually before."""
    if rows.num_rows == 0:
        return 0.0, 0.0
    newest: datetime = pc.max(rows["first_seen"]).as_py()
    kind = rows["first_seen"].type
    last = pc.greater(rows["first_seen"], pa.scalar(newest - DAY, kind))
    before = pc.and_(pc.invert(last), pc.greater(rows["first_seen"], pa.scalar(newest - DAY - USUAL, kind)))
    days = USUAL / DAY
    return float(pc.sum(last).as_py() or 0), float(pc.sum(before).as_py() or 0) / days
