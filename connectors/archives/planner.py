"""Decide what of each archive is still to be read, and under which name it goes into the lake.

A file is compared with what the lake holds under its id (chains.py), and with the other files of the run that share
the id: contents that agree as far as the shorter goes are one file, the longest is read for all. What is left gets the
next free family. So a renamed, rotated, compressed or grown file goes on where it was; a copy, or the beginning of one,
adds nothing; and a file that merely begins alike is another.

A file that was unfinished when it was read (its last line unterminated, but untouched for a minute) and consists of
that one line changes its id when the line goes on: it is then another file.

**Two runs at once** may find the same family free for two files that begin alike. The first segment decides: each
run looks at the chain before it appends (`in_step`) and after (reader.py); whose bytes are not the chain's plans anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from connectors.archives.archive import Archive, Replaced, Stamp
from connectors.archives.chains import (
    Agreement,
    Family,
    LakeChain,
    agreement,
    families_of,
    rules_out,
    source_of,
    stem_of,
)
from connectors.archives.content import Finding
from connectors.archives.identity import Head, head_of, relation
from connectors.archives.limits import Limits

Hints = Mapping[Stamp, Mapping[str, int]]
"""For files read to their end: stamp -> the chains and where they ended."""

_LIMITS = Limits()


@dataclass(frozen=True)
class Read:
    """A piece of work: ranges `first` to `last` (None: to the end of the file) of one archive, in order.

    Attributes:
        stem: the family; the chain of range k is `source(k)`.
        resume: range -> (end, hash up to it or None) of what the lake holds.
        parts: how many reads this archive has in the plan.
    """

    archive: Archive
    stem: str
    range_size: int
    first: int
    last: int | None
    resume: Mapping[int, tuple[int, str | None]]
    parts: int = 1

    def source(self, number: int) -> str:
        """Name the chain of a range."""
        return source_of(self.stem, number)


@dataclass(frozen=True)
class Done:
    """An archive with nothing left to read. `unproved` last bytes lie between two marks and were not compared."""

    archive: Archive
    why: str
    stem: str = ""
    unproved: int = 0


@dataclass
class Plan:
    """What to read, what not, and why.

    Attributes:
        waiting: files that hold no complete line yet.
        findings: files that cannot be read at all.
        hints: for `plan` the next time: the files seen to be complete.
    """

    reads: list[Read] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    waiting: list[Archive] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hints: dict[Stamp, dict[str, int]] = field(default_factory=dict)


class _Known(NamedTuple):
    """A family that a file agrees with."""

    family: Family
    agreed: Agreement


@dataclass(frozen=True)
class _Member:
    """An archive with its head, and the families it agrees with: more than one if they hold only a common beginning."""

    archive: Archive
    head: Head
    known: list[_Known] = field(default_factory=list)


def plan(
    archives: Sequence[Archive],
    lake_chain: LakeChain,
    range_size: int,
    *,
    hints: Hints | None = None,
    limits: Limits = _LIMITS,
    now: float | None = None,
) -> Plan:
    """Plan the reading of archives into a lake.

    Costs: of a new file the first 64 KiB; of one that the lake knows, one pass over what is known; of files of this
    run that begin alike, as far as they agree; nothing if `hints` holds the file's stamp and the lake its chains.

    Args:
        lake_chain: source -> its chain, existing or not.
        hints: from earlier runs, `Plan.hints` and `hints_of(outcomes)`; they hold while the file's stamp does.
        now: seconds since 1970, for whether a file is still being written; the clock's unless given.
    """
    planner = _Planner(lake_chain, range_size, limits, now)
    by_id: dict[str, list[_Member]] = {}
    for archive in archives:
        if _hinted(archive, hints or {}, lake_chain):
            planner.plan.done.append(Done(archive, "unchanged since it was read"))
        elif member := planner.look(archive):
            by_id.setdefault(member.head.id, []).append(member)
    for file_id, members in by_id.items():
        planner.place(file_id, members)
    order = {archive.name: i for i, archive in enumerate(archives)}
    planner.plan.reads.sort(key=lambda r: (order[r.archive.name], r.first))
    return planner.plan


def _hinted(archive: Archive, hints: Hints, lake_chain: LakeChain) -> bool:
    """Say whether a file is as it was when it was read, and the lake still holds it."""
    ends = hints.get(archive.stamp, {}) if archive.path else {}
    return bool(ends) and all((lake_chain(source).end() or -1) >= end for source, end in ends.items())


class _Planner:
    """Places archives into families."""

    def __init__(self, lake_chain: LakeChain, range_size: int, limits: Limits, now: float | None) -> None:
        self.plan = Plan()
        self._lake_chain, self._range_size, self._limits, self._now = lake_chain, range_size, limits, now

    def look(self, archive: Archive) -> _Member | None:
        """Read an archive's head; None if there is nothing in it to place."""
        try:
            head = head_of(archive, self._limits, self._now)
        except (OSError, Replaced) as error:
            self.plan.findings.append(Finding(archive.name, "unreadable", str(error)))
            return None
        if head.id:
            return _Member(archive, head)
        self.plan.findings += head.findings
        if head.size:
            self.plan.waiting.append(archive)
        else:
            self.plan.done.append(Done(archive, "empty"))
        return None

    def place(self, file_id: str, members: list[_Member]) -> None:
        """Give each member of an id its family, and read what the families lack."""
        families = list(families_of(file_id, self._lake_chain, self._range_size))
        groups = self._alike([member for member in members if not self._recognise(member, families)])
        taken = {family.stem for family in families}
        for alike, known in zip(groups, _assign(groups), strict=True):
            stem = known.family.stem if known else _free(file_id, taken)
            taken.add(stem)
            self._read(stem, alike, known)

    def _recognise(self, member: _Member, families: list[Family]) -> bool:
        """Find the families that a member agrees with; True: one of them holds all of it, so it is done."""
        for family in families:
            if rules_out(family, member.head.start):
                continue
            agreed = agreement(member.archive, family, self._limits, self._now)
            if agreed is None:
                continue
            if member.head.refusal or not self._ranges(member, _Known(family, agreed)):
                self._done(member.archive, "read before", family, agreed.unproved)
                return True
            member.known.append(_Known(family, agreed))
        return False

    def _done(self, archive: Archive, why: str, family: Family, unproved: int) -> None:
        self.plan.done.append(Done(archive, why, family.stem, unproved))
        if archive.path:
            ends = {source_of(family.stem, k): span.end for k, span in family.spans.items()}
            self.plan.hints[archive.stamp] = ends

    def _alike(self, members: list[_Member]) -> list[list[_Member]]:
        """Part members into groups of one content, the longest first in each."""
        groups: list[list[_Member]] = []
        for member in members:
            for group in groups:
                longer = self._relation(member, group[0])
                if longer is not None:
                    group.insert(0 if longer > 0 else len(group), member)
                    break
            else:
                groups.append([member])
        return groups

    def _relation(self, one: _Member, other: _Member) -> int | None:
        """As identity.relation, the first bytes before the rest."""
        short = min(len(one.head.start), len(other.head.start))
        if one.head.start[:short] != other.head.start[:short]:
            return None
        return relation(one.archive, other.archive, self._limits)

    def _read(self, stem: str, alike: list[_Member], known: _Known | None) -> None:
        """Plan the longest of files of one content; the others are done with it."""
        longest = alike[0]
        for other in alike[1:]:
            self.plan.done.append(Done(other.archive, f"same bytes as {longest.archive.name}", stem))
        numbers = self._ranges(longest, known)
        resume = {k: (span.end, span.prefix) for k, span in known.family.spans.items()} if known else {}
        parts = [(k, k) for k in numbers] if longest.archive.codec == "plain" else [(numbers[0], None)]
        for first, last in parts:
            read = Read(longest.archive, stem, self._range_size, first, last, resume, len(parts))
            self.plan.reads.append(read)

    def _ranges(self, member: _Member, known: _Known | None) -> list[int]:
        """List the ranges that are not all in the lake; for a compressed file of unknown length, one past the known."""
        spans = known.family.spans if known else {}
        agreed = known.agreed if known else Agreement(None, 0, {})
        plain = member.archive.codec == "plain"
        length = member.archive.size if plain and agreed.length is None else agreed.length
        reached = max((span.end for span in spans.values()), default=0)
        count = max(reached // self._range_size, *spans, 0) + 1 if length is None else -(-length // self._range_size)
        if member.head.refusal:
            count = 1
        covered, open_ranges = 0, []
        for k in range(count):
            border = (k + 1) * self._range_size
            covered = max(covered, spans[k].end if k in spans else 0)
            begun_only = k in spans and spans[k].end >= border and not agreed.ends_line.get(k, False)
            fragment = begun_only and (length is None or spans[k].end < length)
            if fragment or covered < (border if length is None else min(border, length)):
                open_ranges.append(k)
        return open_ranges


def _assign(groups: list[list[_Member]]) -> list[_Known | None]:
    """Choose for each group the family that holds most of it, no family for two."""
    pairs = [(i, known) for i, group in enumerate(groups) for known in group[0].known]
    pairs.sort(key=lambda pair: -sum(span.end - span.first for span in pair[1].family.spans.values()))
    chosen: list[_Known | None] = [None] * len(groups)
    used: set[str] = set()
    for i, known in pairs:
        if chosen[i] is None and known.family.stem not in used:
            chosen[i] = known
            used.add(known.family.stem)
    return chosen


def _free(file_id: str, taken: set[str]) -> str:
    """Name the first family that is not taken."""
    number = 0
    while stem_of(file_id, number) in taken:
        number += 1
    return stem_of(file_id, number)
