"""Write syslog files for the benches: the kinds of `kinds.txt`, a heavy tail, eighty hosts, days of busy time.

One seed gives one file, byte for byte, and the same messages in every format. Lines are put together in blocks, as
numbers of parts (`<34>`, `Jun  2 18:00:00 `, `web03 `, `Accepted publickey for deploy from `, `192.0.2.7` ...) in
one table, which Arrow then copies out in one go: about a microsecond a line.
"""

import argparse
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tests.bench.kinds import Ints, kinds
from tests.bench.values import DAY, HOSTS, pools

FORMATS = ("rfc3164", "rfc5424", "iso", "mix")
BLOCK = 32_768
LINES_A_SECOND = 40.0
"""On average over a day: a million lines are seven hours, twenty millions six days."""

_BRACE = re.compile(r"\{([a-z0-9]+)\}")
_QUALITY = ' - [timeQuality tzKnown="1" isSynced="1" syncAccuracy="512500"] '
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "or", "il")]


class Parts:
    """The table of parts: texts by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def one(self, text: str) -> int:
        """Number of a text that stays."""
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]

    def many(self, texts: list[str]) -> tuple[int, int]:
        """Numbers [first, first + count) of texts to draw from."""
        self.texts += texts
        return len(self.texts) - len(texts), len(texts)


@dataclass(frozen=True)
class Drawn:
    """One block before it is spelt out: (n,) kind, host, pid and microseconds; `tail`: texts of this block alone,
    numbered from `base` on; `body`: (n, w) parts of the messages, -1 where there is none.
    """

    kind: Ints
    host: Ints
    us: Ints
    pid: Ints
    body: Ints
    tail: list[str]


class Mill:
    """Draws lines from a seed.

    Args:
        novelty: share of lines of a kind never seen before: invented words and a number.
    """

    def __init__(self, seed: int = 7, novelty: float = 0.0) -> None:
        self.kinds, self.seed, self.novelty = kinds(), seed, novelty
        self._parts = Parts()
        self._body, self._pools = self._bodies()
        one, many = self._parts.one, self._parts.many
        self._pri, self._three = many([f"<{i}>" for i in range(192)])[0], many([f"{i:03d}" for i in range(1000)])[0]
        self._hosts = many([f"{host} " for host in HOSTS])[0]
        self._apps = many([p.name for p in self.kinds.programs])[0]
        self._pids = many([str(i) for i in range(400, 40_400)])[0]
        self._homes = np.array(
            [np.resize(sorted(p.hosts, key=lambda h: (h % 10, h)), len(HOSTS)) for p in self.kinds.programs]
        )
        self._words = {w: one(w) for w in ("", "1 ", "+00:00 ", "[", "]: ", ": ", " ", "-", " - - ", _QUALITY)}
        self._base = len(self._parts.texts)
        self._table = pa.array(self._parts.texts, pa.string())

    def _bodies(self) -> tuple[Ints, Ints]:
        """(k, w) parts of each kind, -1: none, below: the pool -2 - number; and each pool's first part and count."""
        values = pools(self.seed)
        names = list(values)
        pools_ = [self._parts.many(values[name]) for name in names]
        rows = []
        for text in self.kinds.texts:
            row: list[int] = []
            for piece in _BRACE.split(text):
                row.append(-2 - names.index(piece) if len(row) % 2 else self._parts.one(piece))
            rows.append([*row, self._parts.one("\n")])
        width = max(map(len, rows))
        return np.array([row + [-1] * (width - len(row)) for row in rows]), np.array(pools_)

    def blocks(self, lines: int) -> Iterator[Drawn]:
        """Draw `lines` lines in blocks; the first blocks are the same whatever `lines` is."""
        us = int(DAY.timestamp() * 1e6)
        for number in range(-(-lines // BLOCK)):
            rng = np.random.default_rng([self.seed, 1 + number])
            block = self._draw(rng, us, number)
            us = int(block.us[-1])
            n = min(BLOCK, lines - number * BLOCK)
            yield Drawn(block.kind[:n], block.host[:n], block.us[:n], block.pid[:n], block.body[:n], block.tail)

    def _draw(self, rng: np.random.Generator, us: int, number: int) -> Drawn:
        kind = rng.choice(len(self.kinds.shares), BLOCK, p=self.kinds.shares)
        program = self.kinds.of[kind]
        host = self._homes[program, (rng.random(BLOCK) ** 1.5 * len(HOSTS)).astype(np.int64)]
        forks = np.array([p.pids == "fork" for p in self.kinds.programs])
        pid = np.where(forks[program], rng.integers(0, 40_000, BLOCK), (host * 977 + program * 211) % 40_000)
        body = self._body[kind]
        open_ = np.nonzero(body < -1)
        first, count = self._pools[-2 - body[open_]].T
        body[open_] = first + (rng.random(len(first)) ** 1.5 * count).astype(np.int64)
        tail = self._invent(rng, body, number) if self.novelty else []
        return Drawn(kind, host, us + _gaps(rng, us), pid, body, tail)

    def _invent(self, rng: np.random.Generator, body: Ints, number: int) -> list[str]:
        """Put messages of invented words in place of some; two of the words spell the line's number."""
        rows = np.flatnonzero(rng.random(BLOCK) < self.novelty)
        body[rows] = -1
        body[rows, 0] = self._base + np.arange(len(rows))
        body[rows, 1] = self._parts.one("\n")
        return [_invented(rng, number * BLOCK + int(row)) for row in rows]

    def spell(self, block: Drawn, heads: Ints, seconds: list[str]) -> pa.Buffer:
        """Write a block out: heads and bodies side by side, one copy of all parts."""
        table = pa.concat_arrays([self._table, pa.array(block.tail, pa.string()), pa.array(seconds, pa.string())])
        both = np.concatenate((heads, block.body), axis=1)
        return table.take(pa.array(both[both >= 0])).buffers()[2]

    def heads(self, block: Drawn, form: str) -> tuple[Ints, list[str]]:
        """Choose the parts of a block's headers.

        Args:
            form: one of FORMATS (in a mix each host has its own), or `messages`: no headers.
        Returns:
            (n, w) parts, -1 where there is none; the texts numbered behind those of the block's tail.
        """
        if form == "messages":
            return np.empty((len(block.kind), 0), np.int64), []
        base = self._base + len(block.tail)
        distinct, which = np.unique(block.us // 1_000_000, return_inverse=True)
        moments = [datetime.fromtimestamp(int(s), UTC) for s in distinct]
        seconds = [f"{m:%b} {m.day:2d} {m:%H:%M:%S} " for m in moments] + [f"{m:%Y-%m-%dT%H:%M:%S}." for m in moments]
        old, new = base + which, base + len(moments) + which
        shapes = {
            "rfc3164": self._rfc3164(block, old),
            "rfc5424": self._rfc5424(block, new),
            "iso": self._iso(block, new),
        }
        if form != "mix":
            return shapes[form], seconds
        heads = np.full((len(block.kind), max(s.shape[1] for s in shapes.values())), -1)
        for number, shape in enumerate(shapes.values()):
            own = block.host % 3 == number
            heads[own, : shape.shape[1]] = shape[own]
        return heads, seconds

    def _rfc3164(self, block: Drawn, second: Ints) -> Ints:
        """As rsyslog forwards: `<PRI>Mmm dd hh:mm:ss host tag: `."""
        return np.column_stack((self._pri + self.kinds.pri[block.kind], second, *self._tag(block)))

    def _iso(self, block: Drawn, second: Ints) -> Ints:
        """As rsyslog writes files: `2025-06-02T18:00:00.123456+00:00 host tag: `."""
        return np.column_stack((*self._micros(block, second), *self._tag(block)))

    def _rfc5424(self, block: Drawn, second: Ints) -> Ints:
        """As rsyslog forwards in the new form; one process in eight says how good its clock is."""
        word, bare, app = self._words, self._bare(block), self._apps + self.kinds.of[block.kind]
        one, blank = (np.full(len(bare), word[w]) for w in ("1 ", " "))
        pid = np.where(bare, word["-"], self._pids + block.pid)
        data = np.where(block.pid % 8 == 0, word[_QUALITY], word[" - - "])
        pri, host = self._pri + self.kinds.pri[block.kind], self._hosts + block.host
        return np.column_stack((pri, one, *self._micros(block, second), host, app, blank, pid, data))

    def _micros(self, block: Drawn, second: Ints) -> list[Ints]:
        micros = block.us % 1_000_000
        zone = np.full(len(micros), self._words["+00:00 "])
        return [second, self._three + micros // 1000, self._three + micros % 1000, zone]

    def _bare(self, block: Drawn) -> npt.NDArray[np.bool_]:
        bare = np.array([p.pids == "bare" for p in self.kinds.programs], np.bool_)
        return bare[self.kinds.of[block.kind]]

    def _tag(self, block: Drawn) -> list[Ints]:
        """`host app[pid]: `, or `host app: `."""
        word, bare = self._words, self._bare(block)
        return [
            self._hosts + block.host, self._apps + self.kinds.of[block.kind],
            np.where(bare, word[""], word["["]), np.where(bare, word[""], self._pids + block.pid),
            np.where(bare, word[": "], word["]: "]),
        ]  # fmt: skip


def _gaps(rng: np.random.Generator, us: int) -> Ints:
    """(BLOCK,) microseconds since the block before: busy by day, quiet by night, in bursts of some hundred lines."""
    hour = us / 3.6e9 % 24
    rate = LINES_A_SECOND * (1 + 0.6 * np.sin((hour - 8) / 24 * 2 * np.pi))
    bursts = np.repeat(rng.lognormal(-0.5, 1, BLOCK // 256), 256)
    return np.cumsum(rng.exponential(1e6 / rate, BLOCK) * bursts).astype(np.int64)


def _invented(rng: np.random.Generator, line: int) -> str:
    """A message nobody has seen: invented words, one hole."""
    words = ["".join(_SYLLABLES[i] for i in rng.integers(0, len(_SYLLABLES), 3)) for _ in range(6)]
    while line:
        line, syllable = divmod(line, len(_SYLLABLES))
        words[0] += _SYLLABLES[syllable]
    return f"{words[0]} {words[1]} {words[2]} {rng.integers(1, 9999)} {' '.join(words[3:])}"


def write(path: Path, lines: int, form: str, *, seed: int = 7, novelty: float = 0.0) -> Path:
    """Write a file of `lines` lines, last changed a minute after its last stamp, as a log that was closed."""
    mill = Mill(seed, novelty)
    us = 0
    with path.open("wb") as file:
        for block in mill.blocks(lines):
            file.write(mill.spell(block, *mill.heads(block, form)))
            us = int(block.us[-1])
    changed = (datetime.fromtimestamp(us / 1e6, UTC) + timedelta(minutes=1)).timestamp()
    os.utime(path, (changed, changed))
    return path


def main() -> None:
    """Write one file: `python -m tests.bench.lines 1000000 mix FILE`."""
    ask = argparse.ArgumentParser(description=main.__doc__)
    ask.add_argument("lines", type=int)
    ask.add_argument("format", choices=[*FORMATS, "messages"])
    ask.add_argument("file", type=Path)
    ask.add_argument("--novelty", type=float, default=0.0)
    ask.add_argument("--seed", type=int, default=7)
    args = ask.parse_args()
    write(args.file, args.lines, args.format, seed=args.seed, novelty=args.novelty)


if __name__ == "__main__":
    main()
