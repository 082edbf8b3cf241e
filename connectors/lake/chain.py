"""A chain: the segments of one source, each beginning where the one before ended; the only record of what was read."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from connectors.lake import commit
from connectors.lake.compactions import SUMS, Compactions, Range
from connectors.lake.layout import COMPACTIONS, GapError, TornError, chain_folder, segment_name, segment_start
from connectors.lake.marks import CompactedFooter, marks_of
from connectors.lake.rows import Positions, check_batch, footer_of
from connectors.lake.segments import Segment, encode, read_segment


@dataclass(frozen=True)
class Appended:
    """What an append did: the chain now ends at `end`; the rows and files written by this very call."""

    end: int
    rows_written: int
    created: list[Path]


class _Batch(NamedTuple):
    """A batch on its way into a chain: its rows, their positions, the range it stands for, what is told of it."""

    rows: pa.RecordBatch
    offsets: Positions
    start: int
    end: int
    told: Mapping[str, Any]
    at_tail: bool


class Chain:
    """The segments of one source. Safe among threads and processes; keeps the footers it has read.

    The compacted part of a source stands in the list as one segment, its footer the sum of theirs. A file of landing
    that starts in it is ignored: it waits to be removed, or a writer that was stopped for long has just made it.

    Args:
        origin: the position at which the source begins; the first segment bears it as its name.
    """

    def __init__(self, root: Path, source: str, origin: int, compactions: Compactions) -> None:
        self.source = source
        self._root = root
        self._base = origin
        self._compactions = compactions
        self._range: Range | None = None
        self._compacted: list[Segment] = []
        self._folder = chain_folder(root, source)
        self._names: frozenset[str] = frozenset()
        self._known: dict[str, Segment] = {}
        self._lock = threading.RLock()

    def end(self) -> int | None:
        """Give the end of the gap-free part from the base: where to read on. None: not begun, or its first is lost."""
        prefix = self._gap_free()
        return max(s.end for s in prefix) if prefix else None

    def first(self) -> int | None:
        """Give the first position of the gap-free part; None as for `end`."""
        prefix = self._gap_free()
        return prefix[0].start if prefix else None

    def prefix(self) -> str | None:
        """Give the hash of the source's bytes up to `end`; None if the last segment does not know it (see known)."""
        prefix = self._gap_free()
        return prefix[-1].footer.get("prefix") if prefix else None

    def known(self) -> tuple[int, str] | None:
        """Give the last (position, hash of the source's bytes up to it) of the gap-free part.

        A segment that filled a hole ends where a batch did not, so it knows no hash; those beside it do.
        """
        told = [(s.end, str(s.footer["prefix"])) for s in self._gap_free() if s.footer.get("prefix")]
        return told[-1] if told else None

    def hole(self) -> tuple[int, int] | None:
        """Give the first hole [from, to) left by a segment that repair took away; None: nothing lies beyond `end`."""
        segments = self.segments()
        tail = _tail(_gap_free(segments, self._base), self._base)
        later = [s.start for s in segments if s.start > tail]
        return (tail, later[0]) if later else None

    def segments(self) -> list[Segment]:
        """List all segments by start, those beyond a hole too.

        Raises:
            TornError: one cannot be read; `lake repair` moves it aside.
        """
        with self._lock, commit.told(self._folder, "read the chain"):
            while not self._refresh():
                pass
            return self._compacted + sorted(self._known.values(), key=lambda s: s.start)

    def append(
        self, batch: pa.RecordBatch, start: int, end: int, footer: Mapping[str, Any], *, at_tail: bool = False
    ) -> Appended:
        """Bring the chain to `end`: write of the batch what the chain lacks, nothing twice.

        Args:
            batch: SEGMENT columns, ordered by (source_offset, ordinal), each row in [start, end).
            start: the first position the batch stands for.
            end: the position after its last.
            footer: what is known of the batch: skips (reason -> positions), prefix, name, ...
            at_tail: write only if the chain ends exactly at `start`; otherwise write nothing and return at once. For
                sources whose bytes must go on with those of the chain, where another run may have put other bytes.

        Returns:
            when the chain has reached `end`, by whomever, durably.

        Raises:
            GapError: the chain ends before `start`; read again from its end.
            LakeError: the file system refused; no half file is left.
            ValueError: the rows or the skips do not fit [start, end).
        """
        given = _Batch(batch, check_batch(batch, self.source, start, end), start, end, footer, at_tail)
        with self._lock:
            return self._append(given)

    def _append(self, given: _Batch) -> Appended:
        """Go round until the chain has reached the end: each round writes one part, or sees that another did."""
        created: list[Path] = []
        written = 0
        while True:
            segments = self.segments()
            tail = _tail(_gap_free(segments, self._base), self._base)
            if tail >= given.end or (given.at_tail and tail != given.start and not created):
                break
            if tail < given.start:
                told = f"{self.source}: the chain ends at {tail}, the batch begins at {given.start}"
                raise GapError(f"{told}; run the same command again: it reads from {tail}")
            stop = min([given.end, *(s.start for s in segments if s.start > tail)])
            rows = self._write(given, tail, stop)
            if rows is not None:
                written += rows
                created.append(self._folder / segment_name(tail))
        if not created and self._folder.is_dir():
            with commit.told(self._folder, "make it durable"):
                commit.sync_folder(self._folder)
        return Appended(tail, written, created)

    def _write(self, given: _Batch, start: int, stop: int) -> int | None:
        """Create the segment [start, stop) from the batch; its rows, or None if the chain changed meanwhile."""
        low, high = np.searchsorted(given.offsets, [start, stop])
        rows = given.rows.slice(low, high - low)
        told = {**given.told, "source": self.source, "written_at": datetime.now(UTC).isoformat()}
        whole = (start, stop) == (given.start, given.end)
        footer = footer_of(rows, start, stop, told, whole=whole, at_end=stop == given.end)
        before, known = self._names, self._range
        final = self._folder / segment_name(start)

        def still() -> bool:
            return _names(self._folder) == before and self._compactions.state().ranges.get(self.source) == known

        return rows.num_rows if commit.create(self._root, encode(rows, footer), final, still=still) else None

    def _gap_free(self) -> list[Segment]:
        return _gap_free(self.segments(), self._base)

    def _refresh(self) -> bool:
        """Read the footers of new names, forget those gone; False: a file went meanwhile, list again.

        What is compacted is asked after the listing: then whatever was removed before it is known to be compacted.
        """
        listed = _names(self._folder)
        known = self._compactions.state().ranges.get(self.source)
        if known != self._range:
            self._compacted = [_as_segment(self._root, self.source, known)] if known else []
            self._range = known
        names = frozenset(n for n in listed if known is None or (segment_start(n) or 0) >= known.end)
        for name in sorted(names - self._known.keys()):
            path = self._folder / name
            try:
                segment = read_segment(path)
            except TornError as error:
                if not path.exists():
                    return False
                torn = getattr(error.__cause__, "errno", None) is None
                hint = "; `dioptre lake repair` moves it aside, to be read again" if torn else ""
                raise TornError(f"{error}{hint}") from error.__cause__
            self._known[name] = segment
        for name in self._known.keys() - names:
            del self._known[name]
        self._names = listed
        return True


def _as_segment(root: Path, source: str, known: Range) -> Segment:
    """Tell of the compacted part of a source as of one segment."""
    told = {name: getattr(known, name) for name in ("start", "end", "events", "rejects", "positions", "segments")}
    told |= {name: dict(getattr(known, name)) for name in SUMS}
    told |= {"name": known.name, "prefix": known.prefix, "newest": known.newest}
    footer = CompactedFooter({**told, "source": source, "compacted": True}, lambda: marks_of(root, source, known))
    return Segment(root / COMPACTIONS, known.start, known.end, known.events + known.rejects, footer)


def _names(folder: Path) -> frozenset[str]:
    """List the names of segments in a folder; none if there is no folder yet."""
    try:
        return frozenset(e.name for e in os.scandir(folder) if segment_start(e.name) is not None)
    except FileNotFoundError:
        return frozenset()


def _gap_free(segments: list[Segment], base: int) -> list[Segment]:
    """Keep the segments that reach without a hole from the base on."""
    prefix: list[Segment] = []
    tail = base
    for segment in segments:
        if segment.start > tail:
            break
        if segment.start >= base:
            prefix.append(segment)
            tail = max(tail, segment.end)
    return prefix


def _tail(prefix: list[Segment], base: int) -> int:
    """Give the position that a gap-free part has reached."""
    return max((s.end for s in prefix), default=base)
