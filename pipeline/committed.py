"""What a worker tells of each commit. Apart from the graph, so that who hears of it need not import Beam."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Committed:
    """What one batch brought into the lake: its range, rows by fate, kinds first met."""

    source: str
    name: str
    start: int
    end: int
    events: int
    rejects: int
    novel: int
    unknown: int
    findings: tuple[tuple[str, str], ...]
