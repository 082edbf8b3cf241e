"""How fast a run went, and how much memory it took: a few samples over its time, for a picture."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

MOST = 120
"""Samples kept; when there are more, every other one goes, and they are taken half as often."""


SHARE = 0.002
"""Of the time, what samples may take: to tell PSS the kernel walks every page, 5 ms for 300 MiB."""


class Pace:
    """Samples (seconds since it began, lines, MiB).

    Args:
        pids: of the processes whose memory counts, beside this one.
        every_s: between samples, unless they would take more than SHARE of the time.
    """

    def __init__(
        self, pids: Iterable[int] = (), every_s: float = 1.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._pids, self._every_s, self._now = [os.getpid(), *pids], every_s, now
        self._began = now()
        self._next = self._began + every_s
        self.samples: list[tuple[float, int, float]] = []

    def look(self, lines: int, *, last: bool = False) -> None:
        """Take a sample if it is time, or if it is the last one."""
        now = self._now()
        if now < self._next and not last:
            return
        self.samples.append((round(now - self._began, 2), lines, round(memory_mib(self._pids), 1)))
        if len(self.samples) > MOST and not last:
            self.samples, self._every_s = self.samples[1::2], 2 * self._every_s
        took = self._now() - now
        self._next = now + max(self._every_s, took / SHARE)


def memory_mib(pids: Iterable[int]) -> float:
    """Add up the memory of processes, what they share counted once (Linux: PSS); 0 where nobody tells."""
    return sum(_pss_kib(pid) for pid in pids) / 1024


def _pss_kib(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:")), 0)
