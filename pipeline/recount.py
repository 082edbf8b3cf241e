"""Recount archives without the lake's help, and compare with what its chains claim: what is missing, what is extra."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connectors import archives
from connectors.archives import Archive, Read
from connectors.lake import ERASED, EXPIRED, Lake, Segment
from pipeline.once import no_chain

_END_OF_STEM = "."


@dataclass
class Count:
    """What one range of one archive holds: records that start in it, and the position where the last one ends."""

    records: int = 0
    end: int = 0


@dataclass(frozen=True)
class Difference:
    """One way in which lake and archive differ. `source`: the chain, or "" where the lake has none."""

    name: str
    source: str
    what: str
    hint: str


@dataclass
class Recount:
    """What a recount found.

    Attributes:
        archives, records: how many were read anew, copies left out.
        differences: none: the lake holds each record of these archives, and no other under their names.
        beside: chains of the lake that none of these archives accounts for.
    """

    archives: int = 0
    records: int = 0
    differences: list[Difference] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


_AGAIN = "run the backfill of this archive again: it reads what is missing"


def recount(lake: Lake, specs: Sequence[str], on_archive: Callable[[str, int], None] = lambda *_: None) -> Recount:
    """Read archives from their first byte to the last, and compare with the lake.

    Args:
        specs: as for a backfill.
        on_archive: told the name and the bytes on disk of each archive that was read.

    Raises:
        ArchiveError: a spec names nothing.
    """
    found = archives.find(specs).archives
    stems = _stems(lake, found)
    counts = Recount()
    seen: set[str] = set()
    for archive in found:
        stem = stems.get(archive.name)
        if stem is None:
            continue
        ranges = _count(archive, lake.range_size)
        counts.archives += 1
        counts.records += sum(c.records for c in ranges.values())
        counts.differences += _compare(lake, archive.name, stem, ranges)
        seen.add(stem)
        on_archive(archive.name, archive.size)
    counts.beside = [s for s in lake.sources() if s.rpartition(_END_OF_STEM)[0] not in seen]
    return counts


def _stems(lake: Lake, found: Sequence[Archive]) -> dict[str, str]:
    """Tell for each archive under which name the lake has it, or would have it; copies and empty files are left out."""
    plan = archives.plan(found, lake.chain, lake.range_size)
    known = {done.archive.name: done.stem for done in plan.done if done.stem and done.why == "read before"}
    return known | {read.archive.name: read.stem for read in plan.reads}


def _count(archive: Archive, range_size: int) -> dict[int, Count]:
    """Count an archive's records, range by range, as if no lake had ever seen it."""
    ranges: dict[int, Count] = {}
    for read in archives.plan([archive], no_chain, range_size).reads:
        _count_read(read, ranges)
    return ranges


def _count_read(read: Read, ranges: dict[int, Count]) -> None:
    for batch in archives.read(read):
        meta = {k.decode(): v.decode() for k, v in (batch.schema.metadata or {}).items()}
        number = int(meta["source"].rpartition(_END_OF_STEM)[2])
        count = ranges.setdefault(number, Count())
        count.records += batch.num_rows + len(json.loads(meta.get("rejects", "[]")))
        count.end = int(meta["end"])


def _compare(lake: Lake, name: str, stem: str, ranges: dict[int, Count]) -> list[Difference]:
    """Compare an archive's ranges with the chains of its name."""
    differences = []
    chains = {s for s in lake.sources() if s.rpartition(_END_OF_STEM)[0] == stem}
    for number, count in sorted(ranges.items()):
        source = archives_source(stem, number)
        chains.discard(source)
        segments = lake.chain(source).segments()
        if found := _difference(segments, count):
            differences.append(Difference(name, source if segments else "", *found))
    for source in sorted(chains):
        rows = _records(lake.chain(source).segments())
        what = f"extra: the lake holds {rows:,} records of a range that the archive does not reach"
        differences.append(
            Difference(name, source, what, "the archive was longer when it was read; name the longer one")
        )
    return differences


def archives_source(stem: str, number: int) -> str:
    """Name the chain of one range."""
    return f"{stem}.{number:04d}"


def _difference(segments: Sequence[Segment], count: Count) -> tuple[str, str] | None:
    """Say how a chain and a count differ; None: they agree."""
    if not segments:
        return f"missing: none of its {count.records:,} records is in the lake", _AGAIN
    records, end = _records(segments), max(s.end for s in segments)
    if records == count.records and end == count.end:
        return None
    if end < count.end or records < count.records:
        what = f"missing: {count.records - records:,} of {count.records:,} records; the lake ends at byte {end:,}"
        return f"{what}, the archive at {count.end:,}", _AGAIN
    what = f"extra: the lake holds {records:,} records up to byte {end:,}, the archive {count.records:,} up to"
    return f"{what} {count.end:,}", "the archive was longer when it was read; name the longer one"


def _records(segments: Sequence[Segment]) -> int:
    """Count the records that a chain holds, or held until they expired or were erased."""
    gone = sum(int(s.footer["skips"].get(reason, 0)) for s in segments for reason in (EXPIRED, ERASED))
    return sum(int(s.footer["positions"]) for s in segments) + gone
