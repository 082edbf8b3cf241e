"""The hash of a range's bytes so far, which proves at every position that a file goes on with a chain.

Range k of a file is the bytes from k*R on, up to the end of the last line that begins before (k+1)*R. That line may
cross into the next range, whose own hash begins at (k+1)*R; so a trail keeps a second hash from the last border on.
"""

import hashlib
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

_MARK_DIGITS = 12
_MARK_EVERY = 1 << 16
_MARKS_A_DOUBLING = 64


def mark_step(position: int, first: int) -> int:
    """Give how far a mark must be from the one at `position`: the first line end so far on gets it."""
    return max(1, min(_MARK_EVERY, (position - first) // _MARKS_A_DOUBLING))


class Trail:
    """Hash of a source's bytes from the first position of range `number` up to `position`."""

    def __init__(self, number: int, range_size: int) -> None:
        self.number = number
        self.range_size = range_size
        self.first = self.position = number * range_size
        self._hash = self._side = hashlib.sha256()

    @property
    def border(self) -> int:
        """Where the next range begins."""
        return self.first + self.range_size

    def feed(self, data: memoryview) -> None:
        """Take the next bytes."""
        self._hash.update(data)
        self.position += len(data)
        if self.position < self.border:
            return
        begin = self.position // self.range_size * self.range_size
        if begin > self.position - len(data):
            self._side = hashlib.sha256(data[len(data) - (self.position - begin) :])
        else:
            self._side.update(data)

    def hex(self) -> str:
        """Give the hash as 64 hex digits."""
        return self._hash.hexdigest()

    def copy(self) -> Self:
        """Make a trail that goes its own way from here."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._hash = self._hash.copy()
        other._side = other._hash if self._side is self._hash else self._side.copy()
        return other

    def next(self) -> "Trail":
        """Give the trail of the range in which `position` lies, a later one than this."""
        trail = Trail(self.position // self.range_size, self.range_size)
        if trail.number <= self.number:
            raise ValueError(f"range {self.number} is not over at {self.position}")
        trail._hash = trail._side = self._side
        trail.position = self.position
        return trail


class _Point(NamedTuple):
    """A trail that has passed the bytes lost of a line; `at`: where in the buffer they would be."""

    at: int
    line: int
    trail: Trail


class Proof:
    """The trail along a buffer of lines of which some lost bytes, able to stop at the end of any line.

    Bytes that are not kept must be hashed when they pass; the rest is hashed when a block is cut. So there is a point
    for each line that lost bytes, and a cut starts from the last one before it.

    Marks are hashes at more positions than cuts: they tell a file that is shorter than a chain from one that differs.
    Their distance grows from a line to 64 KiB.
    """

    def __init__(self, trail: Trail) -> None:
        self._points = [_Point(0, -1, trail)]
        self._marks: dict[int, str] = {}

    @property
    def base(self) -> Trail:
        """The trail where the buffer begins."""
        return self._points[0].trail

    @property
    def last(self) -> Trail:
        """The trail behind the last bytes lost."""
        return self._points[-1].trail

    def lose(self, dropped: memoryview, at: int, line: int, buffer: memoryview, ends: Int64s) -> None:
        """Pass over more bytes of `line` that are not kept; `ends`: where in the buffer the closed lines end."""
        point = self._points[-1]
        if point.line != line:
            trail = self._behind(point)
            self._advance(trail, point.at, at, buffer, ends)
            point = _Point(at, line, trail)
            self._points.append(point)
        point.trail.feed(dropped)

    def cut(self, count: int, at: int, buffer: memoryview, ends: Int64s) -> list[tuple[int, str]]:
        """Move the base to the end of line count - 1, which is `at` in the buffer; give the marks on the way."""
        point = [p for p in self._points if p.line < count][-1]
        trail = self._behind(point)
        self._advance(trail, point.at, at, buffer, ends)
        later = [_Point(p.at - at, p.line - count, p.trail) for p in self._points if p.line >= count]
        self._points = [_Point(0, -1, trail), *later]
        marks = sorted(item for item in self._marks.items() if item[0] <= trail.position)
        self._marks = {where: mark for where, mark in self._marks.items() if where > trail.position}
        return marks

    def _behind(self, point: _Point) -> Trail:
        """Go on from a point whose line is over; the line's end gets a mark."""
        trail = point.trail.copy()
        if point.line >= 0:
            self._mark(trail)
        return trail

    def _advance(self, trail: Trail, base: int, to: int, buffer: memoryview, ends: Int64s) -> None:
        """Hash the buffer from `base` to `to`, leaving marks at line ends."""
        while True:
            i = int(np.searchsorted(ends, base + mark_step(trail.position, trail.first)))
            if i >= len(ends) or ends[i] > to:
                break
            trail.feed(buffer[base : int(ends[i])])
            base = int(ends[i])
            self._mark(trail)
        trail.feed(buffer[base:to])

    def _mark(self, trail: Trail) -> None:
        self._marks[trail.position] = trail.hex()[:_MARK_DIGITS]
