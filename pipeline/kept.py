"""What a process keeps between the runs of a graph: the lake, the models and what is known of kinds."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from classifiers.serving import rest
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.labelling import Labelled

_LOCK = threading.Lock()
_KEPT: "list[Kept]" = []


class Kept:
    """A lake opened and a labeller made, for all threads of this process that work on a job.

    Args:
        now: the clock, in seconds, by which the registry is looked at every `job.refresh_s`.

    Raises:
        LakeError: there is no lake.
    """

    def __init__(self, job: Job, now: Callable[[], float] = time.monotonic) -> None:
        assert job.lake is not None
        self.job, self.lake, self._now = job, Lake.open(job.lake), now
        self.identity = _identity(job.lake)
        self._lock = threading.Lock()
        self._looked = now()
        self._sequence = self.lake.registry_stamp()[0]
        self.labeller = job.labeller(self.lake.kinds())

    def label(self, parsed: pa.RecordBatch) -> Labelled:
        """Label a batch of the schema PARSED by what the lake's registry said at most `refresh_s` ago."""
        with self._lock:
            if self.job.refresh_s and self._now() - self._looked >= self.job.refresh_s:
                self._refresh()
            return self.labeller.label(parsed)

    def _refresh(self) -> None:
        """Take over what was published since the last look; only registry files not seen yet are read.

        Models that nobody has asked for long are let go of meanwhile.
        """
        self._looked = self._now()
        rest()
        self._sequence, published = self.lake.published(self._sequence)
        for kinds in published:
            self.labeller.refresh(kinds)


def kept(job: Job) -> Kept:
    """Give what this process keeps for a job; made at the first call, and anew for another job or another lake."""
    with _LOCK:
        if not _KEPT or _KEPT[0].job != job or _KEPT[0].identity != _identity(job.lake):
            _KEPT[:] = [Kept(job)]
        return _KEPT[0]


def _identity(lake: Path | None) -> object:
    """Tell a lake from one that was made later in its place."""
    if lake is None or not (lake / "lake.json").exists():
        return None
    made = (lake / "lake.json").stat()
    return made.st_ino, made.st_mtime_ns
