"""Cut a content into blocks of whole lines: bytes back to back, and where each line ends. No step takes a line alone.

The blocks depend on the bytes and the position alone, never on how much a read returned. So two readers of the same
content cut alike, and of the segments that both offer to the lake one is written whole and the other not at all.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from connectors.archives.codecs import CHUNK
from connectors.archives.content import Content
from connectors.archives.limits import Limits
from connectors.archives.trail import Int64s, Proof, Trail
from connectors.formats.continuation import may_continue

_NEWLINE = 10
_PEEK = 256
"""Bytes of a line that say whether it goes on with the line before."""


@dataclass(frozen=True)
class Block:
    """Lines back to back: line i is data[ends[i-1]:ends[i]], and began at starts[i] of the content.

    Attributes:
        cut_short: the numbers of lines that were longer than allowed.
        end: position after the last line, in the content. `before` and `prefix`: the trail's hash at start and end.
        marks: more positions with the first 12 hex digits of the hash up to them.
    """

    data: npt.NDArray[np.uint8]
    ends: Int64s
    starts: Int64s
    cut_short: list[int]
    start: int
    end: int
    before: str
    prefix: str
    marks: list[tuple[int, str]]


class Cutter:
    """Blocks of the lines of one range, from where content and trail stand.

    Args:
        fragment: the content stands inside a line of this range, whose rest is read as a line.
        rows, size: a block holds at most so many lines, and bytes.

    When `next` has given None, `waiting` bytes of an unterminated line were left, `bombed` bytes at the end are no
    lines because the ratio limit was passed, and `trail` stands behind all that was taken.
    """

    def __init__(
        self, content: Content, trail: Trail, limits: Limits, *, rows: int, size: int, fragment: bool = False
    ) -> None:
        self.waiting = 0
        self.bombed = 0
        self._content, self._limits, self._border = content, limits, trail.border
        self._rows, self._size, self._fragment = rows, size, fragment
        self._room = max(size, limits.line_bytes) + limits.line_bytes + 2 * CHUNK
        self._peek = min(_PEEK, limits.line_bytes)
        self._data = np.empty(self._room, np.uint8)
        self._fill = 0
        self._ends: list[Int64s] = []
        self._count = 0
        self._open = 0
        self._lost = 0
        self._losses: list[tuple[int, int]] = []
        self._proof = Proof(trail)
        self._over = False

    @property
    def trail(self) -> Trail:
        """The hash behind the blocks taken, and behind the bomb if there was one."""
        return self._proof.last if self.bombed else self._proof.base

    def next(self, stop: int | None = None) -> Block | None:
        """Cut the next block; lines that begin at `stop` or later are left for the one after. None: no line is left."""
        while not self._enough() and not self._over:
            self._over = not self._read()
            if self._over:
                self._finish()
        return self._block(self._cut(stop)) if self._count else None

    def _enough(self) -> bool:
        """Say whether the buffer decides the next cut: lines enough, and how the line after begins."""
        known = self._count + (self._fill - self._open >= self._peek)
        return known > self._rows or (self._fill >= self._size + self._peek and known > 1)

    def _read(self) -> bool:
        """Read a chunk, never past the range's last line; False: there is nothing more."""
        at = self._content.position
        inside = self._fill > self._open or self._lost > 0 or self._fragment
        if at >= self._border and not inside:
            return False
        want = min(CHUNK, self._border - at) if at < self._border else CHUNK
        chunk = self._data[self._fill : self._fill + want]
        n = self._content.readinto(_view(chunk))
        if n and self._content.bomb_at is not None and at >= self._content.bomb_at:
            self._lose(_view(chunk[:n]), self._fill, self._count)
            self._lost += n
            return True
        newlines = np.flatnonzero(chunk[:n] == _NEWLINE)
        if at >= self._border and len(newlines) and newlines[0] + 1 < n:
            self._content.unread(chunk[newlines[0] + 1 : n].tobytes())
            n, newlines = int(newlines[0]) + 1, newlines[:1]
        if n:
            self._take(n, newlines)
        return n > 0

    def _take(self, n: int, newlines: Int64s) -> None:
        """Add n bytes just read behind the fill; drop what is too long of a line."""
        sizes = np.diff(newlines + 1, prepend=0, append=n)
        room = np.full(len(sizes), self._limits.line_bytes)
        room[0] -= self._fill - self._open
        over = np.maximum(sizes - room, 0)
        ends = self._fill + np.cumsum(sizes - over)
        if len(newlines):
            self._fragment = False
            self._ends.append(ends[:-1])
        if over.any():
            self._squeeze(sizes, over)
        self._count += len(newlines)
        self._fill = int(ends[-1])
        self._open = int(ends[-2]) if len(newlines) else self._open
        self._lost = 0 if len(newlines) and not over[-1] else self._lost

    def _squeeze(self, sizes: Int64s, over: Int64s) -> None:
        """Close the gaps that dropped bytes leave behind the fill; note how much each line lost."""
        data, source, to = self._data, self._fill, self._fill
        last = len(sizes) - 1
        stops = self._fill + np.cumsum(sizes)
        for i in np.flatnonzero(over):
            line, lost = self._count + int(i), int(over[i])
            kept = int(stops[i]) - lost - source
            data[to : to + kept] = data[source : source + kept]
            to, source = to + kept, int(stops[i])
            self._lose(_view(data[source - lost : source]), to, line)
            self._lost = lost + (self._lost if i == 0 else 0)
            if i < last:
                self._losses.append((line, self._lost))
        data[to : to + int(stops[-1]) - source] = data[source : int(stops[-1])]

    def _lose(self, dropped: memoryview, at: int, line: int) -> None:
        """Carry the hash on over bytes that are not kept."""
        self._proof.lose(dropped, at, line, _view(self._data), self._all_ends())

    def _finish(self) -> None:
        """At the end of range or content: close the open line, leave it waiting, or count it to the bomb."""
        size = self._fill - self._open + self._lost
        if self._content.bomb_at is not None and self._content.position > self._content.bomb_at:
            self.bombed = size
        elif size and not self._content.whole:
            self.waiting = size
        elif size:
            if self._lost:
                self._losses.append((self._count, self._lost))
            self._ends.append(np.array([self._fill], np.int64))
            self._count, self._open, self._lost = self._count + 1, self._fill, 0

    def _all_ends(self) -> Int64s:
        if len(self._ends) != 1:
            self._ends = [np.concatenate([np.empty(0, np.int64), *self._ends])]
        return self._ends[0]

    def _cut(self, stop: int | None) -> int:
        """Decide how many lines the block holds: one that goes on with another stays with it, if that one is near."""
        ends = self._all_ends()
        count = min(self._count, self._rows, max(1, int(np.searchsorted(ends, self._size, "right"))))
        within = count if stop is None else int(np.searchsorted(self._starts(count), stop))
        if within < count:
            return max(1, within)
        if ends[count - 1] == self._fill or (self._over and count == self._count):
            return count
        first = max(1, count - self._limits.lookback_lines)
        return next((line for line in range(count, first - 1, -1) if not may_continue(self._beginning(line))), count)

    def _beginning(self, line: int) -> str:
        """How a line begins, without its end."""
        ends = self._all_ends()
        start, end = int(ends[line - 1]), int(ends[line]) if line < self._count else self._fill
        return self._data[start : min(end, start + self._peek)].tobytes().decode("utf-8", "replace").rstrip("\r\n\0")

    def _starts(self, count: int) -> Int64s:
        """Give where in the content the first `count` lines begin, and where the last of them ends."""
        starts = np.empty(count + 1, np.int64)
        starts[0], starts[1:] = 0, self._all_ends()[:count]
        if self._losses:
            lost = np.zeros(count + 1, np.int64)
            for line, n in self._losses:
                if line < count:
                    lost[line + 1] = n
            starts += np.cumsum(lost)
        return starts + self._proof.base.position

    def _block(self, count: int) -> Block:
        """Take the first `count` lines out of the buffer."""
        ends, starts, before = self._all_ends(), self._starts(count), self._proof.base.hex()
        cut = int(ends[count - 1])
        marks = self._proof.cut(count, cut, _view(self._data), ends)
        block = Block(
            data=self._data[:cut],
            ends=ends[:count],
            starts=starts[:-1],
            cut_short=[line for line, _ in self._losses if line < count],
            start=int(starts[0]),
            end=int(starts[-1]),
            before=before,
            prefix=self._proof.base.hex(),
            marks=marks,
        )
        if self._proof.base.position != block.end:
            raise ValueError(f"hashed up to {self._proof.base.position}, cut at {block.end}")
        self._carry(count, cut)
        return block

    def _carry(self, count: int, cut: int) -> None:
        """Begin a new buffer with what the block left; the old one belongs to the block."""
        data = np.empty(self._room, np.uint8)
        data[: self._fill - cut] = self._data[cut : self._fill]
        self._data, self._fill, self._open = data, self._fill - cut, self._open - cut
        self._ends, self._count = [self._all_ends()[count:] - cut], self._count - count
        self._losses = [(line - count, lost) for line, lost in self._losses if line >= count]


def _view(data: npt.NDArray[np.uint8]) -> memoryview:
    """Look at an array as bytes, without a copy."""
    return memoryview(data)  # type: ignore[arg-type]  # numpy's stubs of 3.11 know no Buffer
