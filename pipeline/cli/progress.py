"""How far a job is: how many bytes its archives will give, and the bar on stderr that shows it."""

import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipeline.cli.options import OPTIONS
from pipeline.cli.output import bars_shown, human_bytes, logger, plural, progress

if TYPE_CHECKING:
    from connectors.archives import Archive

RATIOS = {"plain": 1.0, "gzip": 12.0, "bz2": 15.0, "xz": 18.0, "zstd": 12.0}
"""Decompressed to compressed bytes of logs, until the files of this very run tell better."""

LOG_EVERY_S = 30.0
"""Without a terminal a line of the log tells how far the job is, this often."""


class Volume:
    """Decompressed bytes expected and taken, archive by archive.

    Args:
        archives: what will be read.
        known: name -> bytes of it that need not be read.
    """

    def __init__(self, archives: Iterable["Archive"], known: Mapping[str, int] | None = None) -> None:
        self._archives = {archive.name: archive for archive in archives}
        self._taken = dict.fromkeys(self._archives, 0)
        self._known = dict(known or {})
        self._over: set[str] = set()

    @property
    def done(self) -> int:
        """Bytes taken so far."""
        return sum(self._taken.values())

    @property
    def guessed(self) -> bool:
        """True: an archive still to come is compressed, so the total is a guess."""
        return any(a.codec != "plain" for name, a in self._archives.items() if name not in self._over)

    @property
    def total(self) -> int:
        """Bytes expected in all, never fewer than were taken."""
        ratios = RATIOS | self._learnt()
        return sum(
            self._taken[name] if name in self._over else self._expected(name, ratios[archive.codec])
            for name, archive in self._archives.items()
        )

    def take(self, name: str, size: int) -> None:
        """Count bytes of an archive."""
        if name in self._taken:
            self._taken[name] += size

    def end(self, name: str) -> None:
        """Take an archive for read."""
        self._over.add(name)

    def _expected(self, name: str, ratio: float) -> int:
        whole = int(self._archives[name].size * ratio) - self._known.get(name, 0)
        return max(whole, self._taken[name] + 1)

    def _learnt(self) -> dict[str, float]:
        """Ratio of each codec among the archives that are over."""
        sizes: dict[str, list[int]] = {}
        for name in self._over & self._archives.keys():
            archive = self._archives[name]
            if archive.size and archive.codec != "plain":
                given = sizes.setdefault(archive.codec, [0, 0])
                given[0] += self._taken[name] + self._known.get(name, 0)
                given[1] += archive.size
        return {codec: given / size for codec, (given, size) in sizes.items()}


class Bar:
    """A bar on stderr while the block runs: bytes, share, rate, kinds, rejects, time left.

    Without a terminal it is a line of the log now and then, with -q nothing.
    """

    def __init__(self, volume: Volume, job: str) -> None:
        self._volume, self._job = volume, job
        self._began = self._logged = time.monotonic()
        self._bar = _progress() if bars_shown() else None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(self._job, total=None, told="", amount="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, lines: int, kinds: int, rejects: int) -> None:
        """Tell how far the job is."""
        now = time.monotonic()
        rate = lines / max(now - self._began, 0.001)
        if self._bar is not None:
            done, total = self._volume.done, self._volume.total
            about = "~" if self._volume.guessed else ""
            told = f"{rate:,.0f} lines/s  {plural(kinds, 'kind')}" + (
                f"  {plural(rejects, 'reject')}" if rejects else ""
            )
            amount = f"{human_bytes(done)} of {about}{human_bytes(total)}"
            self._bar.update(self._task, completed=done, total=total, told=told, amount=amount)
        elif not OPTIONS.quiet and now - self._logged >= LOG_EVERY_S:
            self._logged = now
            logger().info(
                self._job, bytes_done=self._volume.done, bytes_expected=self._volume.total, lines=lines, kinds=kinds,
                rejects=rejects, lines_per_s=round(rate),
            )  # fmt: skip


def _progress() -> "Progress":  # type: ignore[name-defined] # noqa: F821
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    return progress(
        TextColumn("{task.fields[amount]}"), BarColumn(bar_width=None), TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[told]}"), TimeRemainingColumn(compact=True),
    )  # fmt: skip
