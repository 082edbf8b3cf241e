"""What the lake already holds of a file: its chains, and whether the file's bytes are theirs.

Two files may begin with the same line and differ later. Files that share an id are kept apart by a number: the first
has chains `file-<id>.<range>`, the next `file-<id>-1.<range>`, and so on: a family each. A file belongs to a family if
its bytes agree with every hash that the family's segments tell of positions the file has: their `prefix` at their ends,
and the `marks` between.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.archives.archive import Archive
from connectors.archives.codecs import CHUNK
from connectors.archives.content import Content
from connectors.archives.limits import Limits
from connectors.archives.trail import mark_step

_PROBE = 3
"""So many missing numbers are looked past: a killed run may have left a later range without the one before."""


class SegmentView(Protocol):
    """What is asked of a segment."""

    @property
    def end(self) -> int:
        """Position after its last."""
        ...

    @property
    def footer(self) -> Mapping[str, Any]:
        """Holds `prefix` (or None) and `marks`."""
        ...


class ChainView(Protocol):
    """What is asked of a chain of the lake; see connectors.lake.Chain."""

    def end(self) -> int | None:
        """End of the gap-free part; None: no segment."""
        ...

    def prefix(self) -> str | None:
        """Hash up to `end`, if known."""
        ...

    def segments(self) -> Sequence[SegmentView]:
        """All segments by start."""
        ...


LakeChain = Callable[[str], ChainView]


def source_of(stem: str, number: int) -> str:
    """Name the chain of one range."""
    return f"{stem}.{number:04d}"


def stem_of(file_id: str, number: int) -> str:
    """Name a family: file-<id>, file-<id>-1, ..."""
    return f"file-{file_id}-{number}" if number else f"file-{file_id}"


@dataclass(frozen=True)
class Span:
    """One chain of a family: range `number`, read up to `end`; `points`: positions and the first digits of the hash."""

    number: int
    first: int
    end: int
    prefix: str | None
    points: list[tuple[int, str]]


@dataclass(frozen=True)
class Family:
    """The chains of one file."""

    stem: str
    spans: dict[int, Span]


@dataclass(frozen=True)
class Agreement:
    """How far a file and a family go together.

    Attributes:
        length: decompressed size of the file, if its end was met; else there is more than the family holds.
        unproved: bytes at the file's end that lie between two marks, and so were not compared.
        ends_line: range -> whether the byte before the chain's end is a line end.
    """

    length: int | None
    unproved: int
    ends_line: Mapping[int, bool]


def families_of(file_id: str, lake_chain: LakeChain, range_size: int) -> Iterator[Family]:
    """List the families of an id that the lake knows."""
    missing = 0
    for number in itertools.count():
        family = _family(stem_of(file_id, number), lake_chain, range_size)
        missing = 0 if family.spans else missing + 1
        if family.spans:
            yield family
        if missing > _PROBE:
            return


def _family(stem: str, lake_chain: LakeChain, range_size: int) -> Family:
    spans: dict[int, Span] = {}
    number, last = 0, _PROBE
    while number <= last:
        span = _span(lake_chain(source_of(stem, number)), number, number * range_size)
        if span:
            spans[number] = span
            last = max(number, span.end // range_size) + _PROBE
        number += 1
    return Family(stem, spans)


def _span(chain: ChainView, number: int, first: int) -> Span | None:
    """Gather what a chain's footers prove; None if it has no segment."""
    segments = chain.segments()
    if not segments:
        return None
    points = {s.end: str(s.footer["prefix"]) for s in segments if s.footer.get("prefix")}
    for segment in segments:
        for position, mark in segment.footer.get("marks") or ():
            points.setdefault(int(position), str(mark))
    end = chain.end()
    return Span(number, first, first if end is None else end, chain.prefix(), sorted(points.items()))


def rules_out(family: Family, start: bytes) -> bool:
    """Say, by its first bytes alone, that a file does not belong to a family; False proves nothing."""
    points = [p for p in family.spans[0].points if p[0] <= len(start)] if 0 in family.spans else []
    return bool(points) and not hashlib.sha256(start[: points[-1][0]]).hexdigest().startswith(points[-1][1])


class _Check:
    """Compares a stream with one chain."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.proved = 0
        self.agrees = True
        self.ends_line = False
        self.strays = False
        self._begin = span.first
        self._inside = span.first > 0
        self._next = 0
        self._hash = hashlib.sha256()

    @property
    def open(self) -> bool:
        return self.agrees and self._next < len(self.span.points)

    def feed(self, at: int, view: memoryview) -> None:
        """Take bytes at position `at` of the content; those before the chain's first but one are passed over."""
        low, high = max(0, self.span.first - at), at + len(view)
        if self._inside:
            self._find_begin(at, view)
        if at < self.span.end <= high:
            self.ends_line = view[self.span.end - at - 1] == ord("\n")
        while self.open and self.span.points[self._next][0] <= high:
            position, expected = self.span.points[self._next]
            self._hash.update(view[low : position - at])
            low = max(low, position - at)
            self.agrees = self._hash.hexdigest().startswith(expected)
            self.proved, self.strays = position, False
            self._next += 1
        self._hash.update(view[low:])
        self._stray(at, view)

    def _find_begin(self, at: int, view: memoryview) -> None:
        """Look for where the first line of the range begins: behind the last of the range before."""
        low = max(0, self.span.first - 1 - at)
        found = bytes(view[low:]).find(b"\n") + 1
        if found:
            self._begin, self._inside = at + low + found, False

    def _stray(self, at: int, view: memoryview) -> None:
        """Note a line end where the chain would have a mark but has none: the lines differ although no hash says so."""
        base = max(self.proved, self._begin)
        since = base + mark_step(base, self.span.first) - 1
        if self.open and not self._inside and not self.strays and since < at + len(view):
            self.strays = b"\n" in bytes(view[max(0, since - at) :])


def agreement(archive: Archive, family: Family, limits: Limits, now: float | None = None) -> Agreement | None:
    """Compare a file with a family, in one pass up to the family's last position or the first difference.

    Returns:
        None: the file does not belong to the family.
    """
    checks = [_Check(span) for _, span in sorted(family.spans.items())]
    with Content(archive, limits, now) as content:
        buffer = memoryview(bytearray(CHUNK))
        while any(check.open for check in checks):
            awaited = min(max(0, check.span.first - 1) for check in checks if check.open)
            if awaited > content.position and not content.skip(awaited):
                break
            at = content.position
            n = content.readinto(buffer)
            for check in checks:
                if check.open and check.span.first - 1 < at + n:
                    check.feed(at, buffer[:n])
            if not n or not all(check.agrees for check in checks):
                break
        proved = max((check.proved for check in checks), default=0)
        length = None if content.readinto(buffer[:1]) else content.position
        known = max((check.span.end for check in checks), default=0)
    unproved = max(0, min(content.position, known) - proved)
    if not proved or not all(check.agrees and not check.strays for check in checks):
        return None
    return Agreement(length, unproved, {check.span.number: check.ends_line for check in checks})


def in_step(chain: ChainView, start: int, before: str) -> bool:
    """Say whether a batch that begins at `start`, after bytes whose hash is `before`, may be appended now.

    For the sink, to be asked right before it appends (batch metadata `start` and `before`). False: another run has
    moved the chain; append nothing, the reader looks at the chain after each batch and finds its way by itself.
    """
    end = chain.end()
    if end is None:
        return before == hashlib.sha256().hexdigest()
    return end == start and chain.prefix() in (None, before)
