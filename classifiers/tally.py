"""What the stages of a cascade have been asked, and what it took: the ledger's raw material."""

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass
class Count:
    """Of one stage and domain.

    Attributes:
        kinds: asked, each a call. exits: of these answered for good. escalations: left to the next stage, or to nobody.
        deferred: the stage was out of reach; they are asked again later. refused: answers that did not hold.
        cpu_s: CPU-seconds of this process. tokens_in, tokens_out, money: what a server counted.
    """

    kinds: int = 0
    exits: int = 0
    escalations: int = 0
    deferred: int = 0
    refused: int = 0
    cpu_s: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    money: float = 0.0

    def add(self, other: "Count") -> None:
        """Add another one up."""
        for f in fields(self):
            setattr(self, f.name, getattr(self, f.name) + getattr(other, f.name))


class Tally:
    """Counts by (stage, domain); the domain is that of the stage's answer, "unknown" where it gave none."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Count] = {}

    def add(self, stage: str, domain: str, count: Count) -> None:
        """Add a count."""
        self._counts.setdefault((stage, domain or "unknown"), Count()).add(count)

    def __iter__(self) -> Iterator[tuple[str, str, Count]]:
        return iter([(stage, domain, count) for (stage, domain), count in self._counts.items()])

    def by_stage(self) -> dict[str, Count]:
        """Add up the domains."""
        out: dict[str, Count] = {}
        for stage, _, count in self:
            out.setdefault(stage, Count()).add(count)
        return out

    def take(self) -> "list[tuple[str, str, Count]]":
        """Give (stage, domain, count) of all since the last time, and begin anew."""
        out = list(self)
        self._counts = {}
        return out
