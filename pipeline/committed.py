"""What a worker tells of each commit. Apart from the graph, so that who hears of it need not import Beam."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Committed:
    """What one batch brought into the lake: its range, rows by fate, kinds first met.

    `written`: the footers of the segments made of it, of each only what COUNTS names; none when others were faster.
    """

    source: str
    name: str
    start: int
    end: int
    events: int
    rejects: int
    novel: int
    unknown: int
    findings: tuple[tuple[str, str], ...]
    written: tuple[Mapping[str, Any], ...] = ()


COUNTS = ("start", "end", "events", "rejects", "reject_reasons", "stages", "domains", "skips")
"""What a footer counts, under the lake's own names."""
