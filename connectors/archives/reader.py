"""Read archives into RECORDS batches: the bytes as they lie in the buffer, no line touched one by one.

A file that is refused as a whole (an archive in an archive, UTF-16) is one reject; a bomb ends in one. Rejects are no
rows: they stand in the batch's metadata, take one position each, and their other bytes count as `inside_records`.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from connectors.archives.archive import Archive, Replaced, Stamp
from connectors.archives.chains import LakeChain
from connectors.archives.codecs import CHUNK
from connectors.archives.content import Content, Finding
from connectors.archives.identity import REFUSED_BYTES, read_start, refusal_of
from connectors.archives.lead import Lead
from connectors.archives.limits import MIB, Limits
from connectors.archives.lines import Cutter
from connectors.archives.planner import Read, plan
from connectors.archives.records import NOTHING, Stretch, records_of, reject_of
from connectors.archives.trail import Trail

_LIMITS = Limits()
_ATTEMPTS = 100


class _Overtaken(Exception):  # noqa: N818 - an event, caught here
    """The chain holds other bytes than this file, or was moved to where this reader cannot compare."""


@dataclass
class Outcome:
    """What became of a Read.

    Attributes:
        ends: source -> position reached. waiting: bytes of an unterminated line that may still grow.
        complete: nothing was left; the file need not be looked at again until it changes.
    """

    archive: Archive
    parts: int
    ends: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    waiting: int = 0
    complete: bool = False


@dataclass(frozen=True)
class _Cuts:
    """How large a batch may be."""

    rows: int
    size: int


def hints_of(outcomes: Iterable[Outcome]) -> dict[Stamp, dict[str, int]]:
    """Gather hints for `plan` from outcomes whose batches are in the lake: files all of whose parts are complete."""
    by_stamp: dict[Stamp, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.archive.path:
            by_stamp.setdefault(outcome.archive.stamp, []).append(outcome)
    return {
        stamp: {source: end for part in parts for source, end in part.ends.items()}
        for stamp, parts in by_stamp.items()
        if len(parts) == parts[0].parts and all(part.complete for part in parts)
    }


def read(
    r: Read,
    *,
    limits: Limits = _LIMITS,
    batch_rows: int = 131_072,
    batch_bytes: int = 16 * MIB,
    lake_chain: LakeChain | None = None,
    now: float | None = None,
) -> Generator[pa.RecordBatch, None, Outcome]:
    """Read what the lake lacks of an archive.

    Args:
        r: a piece of a plan.
        batch_rows, batch_bytes: a batch holds at most so many lines and bytes.
        lake_chain: if given, chains are looked at before the first batch and after each: what another run has
            appended is not read again, and if a chain turns out to hold another file, the read moves to a free one.
        now: seconds since 1970; see `plan`.

    Yields:
        RECORDS batches in order of position, ranges one after another. Metadata (bytes): source, start, end, before
        and prefix (hash of the chain's bytes up to start, end), name, reference (ISO 8601), and in JSON: skips
        {reason: positions}, rejects [{offset, reason, detail}], marks [[position, first digits of the hash]],
        findings [[kind, detail]]; and `lead` (base64): lines before `start`, where the first may go on with them.
        end - start = rows + rejects + sum of skips.

    Returns:
        the Outcome (the generator's return value: `outcome = yield from read(r)`).
    """
    outcome = Outcome(r.archive, r.parts)
    for _ in range(_ATTEMPTS):
        try:
            with Content(r.archive, limits, now) as content:
                yield from _Reader(r, content, limits, _Cuts(batch_rows, batch_bytes), lake_chain, outcome).batches()
            outcome.complete = not outcome.waiting
            return outcome
        except (Replaced, _Overtaken) as event:
            again = _again(r, lake_chain, limits, now) if lake_chain and isinstance(event, _Overtaken) else None
            if again is None:
                if lake_chain is None or isinstance(event, Replaced):
                    outcome.findings.append(Finding(r.archive.name, "replaced", f"{event}; run again to read it"))
                return outcome
            r = again
    raise ValueError(f"{r.archive.name}: {r.stem} was moved by other runs {_ATTEMPTS} times")


def _again(r: Read, lake_chain: LakeChain, limits: Limits, now: float | None) -> Read | None:
    """Plan an archive anew, after another run has taken its chain; None: the lake has it all."""
    fresh = plan([r.archive], lake_chain, r.range_size, limits=limits, now=now).reads
    return next((other for other in fresh if other.first == r.first or other.last is None), None)


class _Reader:
    """One pass over a content."""

    def __init__(
        self, r: Read, content: Content, limits: Limits, cuts: _Cuts, lake_chain: LakeChain | None, outcome: Outcome
    ) -> None:
        self._r, self._content, self._limits, self._cuts = r, content, limits, cuts
        self._lake_chain, self._outcome = lake_chain, outcome
        self._told = 0
        self._line_start = True
        self._scratch = memoryview(bytearray(CHUNK))
        self._lead = Lead(limits.line_bytes)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches of range after range."""
        self._outcome.waiting = 0
        try:
            yield from self._refused() if self._r.first == 0 and self._refusal() else self._ranges()
        finally:
            self._findings()

    def _findings(self) -> list[Finding]:
        """List what was found since the last call."""
        new = self._content.findings[self._told :]
        self._told += len(new)
        self._outcome.findings += new
        return new

    def _refusal(self) -> tuple[str, str] | None:
        """Say why the file is refused as a whole; None: it is a log."""
        head = read_start(self._content, REFUSED_BYTES)
        self._content.unread(head)
        return refusal_of(head, self._content.codec)

    def _refused(self) -> Iterator[pa.RecordBatch]:
        """Yield one reject for a refused file, unless the lake has it."""
        reason, detail = self._refusal() or ("", "")
        head = read_start(self._content, REFUSED_BYTES)
        trail = Trail(0, self._r.range_size)
        trail.feed(memoryview(head))
        source = self._r.source(0)
        self._outcome.ends[source] = len(head)
        if self._known(0)[0] is None:
            stretch = Stretch(source, 0, 0, len(head), NOTHING, trail.hex(), findings=self._findings())
            yield reject_of(stretch, self._r.archive, reason, detail)

    def _ranges(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches of the ranges from the first on."""
        trail = Trail(self._r.first, self._r.range_size)
        if trail.first:
            if not self._content.skip(max(0, trail.first - self._lead.size)) or not self._pass_to(trail.first):
                return
            self._line_start = self._lead.ended
        while True:
            cutter = yield from self._range(trail)
            trail = cutter.trail if cutter else trail
            if trail.position < trail.border or (cutter and cutter.bombed) or trail.number == self._r.last:
                return
            trail = trail.next()

    def _range(self, trail: Trail) -> Generator[pa.RecordBatch, None, Cutter | None]:
        """Yield the batches of one range; None if no line of it is left."""
        end, prefix = self._known(trail.number)
        if end is not None and not self._drain(trail, end, prefix):
            return None
        if end is None and not self._line_start and not self._to_line(trail):
            return None
        if trail.position >= trail.border and self._line_start:
            return None
        cuts, fragment = self._cuts, not self._line_start
        cutter = Cutter(self._content, trail, self._limits, rows=cuts.rows, size=cuts.size, fragment=fragment)
        yield from self._blocks(cutter, trail, fresh=end is None)
        self._line_start = True
        self._outcome.waiting += cutter.waiting
        return cutter

    def _known(self, number: int) -> tuple[int | None, str | None]:
        """Give where the chain of a range ends and the hash up to there; (None, None): it has not begun."""
        if self._lake_chain is None:
            return self._r.resume.get(number, (None, None))
        chain = self._lake_chain(self._r.source(number))
        end = chain.end()
        return (None, None) if end is None else (end, chain.prefix())

    def _drain(self, trail: Trail, end: int, prefix: str | None) -> bool:
        """Pass over what the lake holds, and compare it; False: the content ends before, as was known when planned."""
        while trail.position < end:
            n = self._content.readinto(self._scratch[: end - trail.position])
            if not n and self._r.resume.get(trail.number) != (end, prefix):
                raise self._overtaken(trail.number)
            if not n:
                return False
            trail.feed(self._scratch[:n])
            self._lead.follow(self._scratch[:n])
            self._line_start = self._lead.ended
        if trail.position == end and prefix is not None and trail.hex() != prefix:
            raise self._overtaken(trail.number)
        self._outcome.ends[self._r.source(trail.number)] = end
        return True

    def _pass_to(self, position: int) -> bool:
        """Pass over bytes that another range holds, up to a position; False if the content ends before."""
        while self._content.position < position:
            n = self._content.readinto(self._scratch[: position - self._content.position])
            if not n:
                return False
            self._lead.follow(self._scratch[:n])
        return True

    def _to_line(self, trail: Trail) -> bool:
        """Pass over the rest of the last line of the range before; False: no line begins in this range."""
        self._line_start = False
        while trail.position < trail.border and not self._line_start:
            n = self._content.readinto(self._scratch[: trail.border - trail.position])
            if not n:
                return False
            found = bytes(self._scratch[:n]).find(b"\n") + 1
            self._line_start = found > 0
            if self._line_start:
                self._content.unread(bytes(self._scratch[found:n]))
            trail.feed(self._scratch[: found or n])
            self._lead.follow(self._scratch[: found or n])
        return trail.position < trail.border

    def _blocks(self, cutter: Cutter, trail: Trail, *, fresh: bool) -> Iterator[pa.RecordBatch]:
        """Yield a range's blocks as batches, except those that another run has appended meanwhile."""
        source, start = self._r.source(trail.number), trail.first if fresh else trail.position
        before, inside = NOTHING if fresh else trail.hex(), not self._line_start
        seen = {start: before}
        ahead: tuple[int, str] | None = None
        while block := cutter.next(ahead[0] if ahead else None):
            seen[block.end] = block.prefix
            self._outcome.ends[source] = block.end
            if ahead is None:
                found = self._findings()
                lead = b"" if inside else self._lead.of(block)
                stretch = Stretch(source, start, block.start, block.end, before, block.prefix, block.marks, found, lead)
                yield records_of(block, stretch, self._r.archive)
                ahead = self._look(trail.number, seen, block.end)
            elif block.end > ahead[0] or (block.end == ahead[0] and block.prefix != ahead[1]):
                raise self._overtaken(trail.number)
            elif block.end == ahead[0]:
                ahead = None
            start, before, inside = block.end, block.prefix, False
            self._lead.follow(block.data[-self._lead.size :].tobytes())
        if ahead is not None:
            raise self._overtaken(trail.number)
        if cutter.bombed:
            yield self._bomb(cutter, source, start, before)

    def _bomb(self, cutter: Cutter, source: str, start: int, before: str) -> pa.RecordBatch:
        """Make one reject of the bytes from the line on in which reading stopped."""
        end = cutter.trail.position
        detail = next(f.detail for f in self._content.findings if f.kind == "bomb")
        self._outcome.ends[source] = end
        prefix, found = cutter.trail.hex(), self._findings()
        stretch = Stretch(source, start, end - cutter.bombed, end, before, prefix, findings=found)
        return reject_of(stretch, self._r.archive, "bomb", detail)

    def _look(self, number: int, seen: dict[int, str], position: int) -> tuple[int, str] | None:
        """Look how far the chain is: (end, hash) if beyond this reader; None if it follows."""
        if self._lake_chain is None:
            return None
        end, prefix = self._known(number)
        if end is None or prefix is None or prefix == seen.get(end):
            return None
        if end <= position:
            raise self._overtaken(number)
        return end, prefix

    def _overtaken(self, number: int) -> _Overtaken:
        return _Overtaken(f"{self._r.archive.name}: its bytes are not those of {self._r.source(number)}")
