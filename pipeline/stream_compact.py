"""Compacts the lake beside a running stream: now and then, in a process of its own that nobody waits for."""

import os
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from classifiers.ledger import Ledger
from pipeline.stream_cpu import cpu_of
from schemas.ledger import COMPACT

NICENESS = 10
"""Lower priority than whoever reads and writes."""

AT_MOST_S = 300.0
"""A compaction that finds more to be done goes on for so long; then a new process does."""


class Compactor:
    """Starts a compaction every so many seconds, unless one still runs.

    Args:
        every_s: 0: never.
        grace_s: how long replaced files stay.
        ledger: takes what compactions have taken.
    """

    def __init__(self, lake: Path, every_s: float, now: float, *, grace_s: float, ledger: Ledger | None = None) -> None:
        self._ledger = ledger or Ledger()
        self._lake, self._every_s, self._next, self._grace_s = lake, every_s, now + every_s, grace_s
        self._process: Any = None
        self._pipe: Any = None

    def look(self, now: float) -> str | None:
        """Start or end what is due; gives why the last one failed, if it did."""
        failure = self._end() if self._process is not None and not self._process.is_alive() else None
        if self._every_s and self._process is None and now >= self._next:
            self._next = now + self._every_s
            self._start()
        return failure

    def pid(self) -> int | None:
        """Give the process id of the compaction that runs."""
        process = self._process
        return None if process is None else int(process.pid)

    def kill(self) -> None:
        """End a compaction that runs; what it has not finished was never seen by anybody."""
        if self._process is not None:
            self._ledger.add(COMPACT, cpu_s=cpu_of(self._process.pid))
            self._process.kill()
            self._end()

    def _start(self) -> None:
        context = get_context("forkserver")
        self._pipe, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=compact_once, args=(self._lake, theirs, self._grace_s), daemon=True)
        self._process.start()
        theirs.close()

    def _end(self) -> str | None:
        self._process.join()
        code, self._process = self._process.exitcode, None
        try:
            failure, cpu_s = self._pipe.recv()
            self._ledger.add(COMPACT, cpu_s=cpu_s)
            return str(failure) or None
        except (EOFError, OSError):
            return f"compaction ended with exit code {code}"
        finally:
            self._pipe.close()


def compact_once(lake: Path, pipe: Connection, grace_s: float) -> None:
    """Be the process: compact what is to be compacted; say "" or what went wrong, and the CPU-seconds it took."""
    from connectors.lake import Lake, LakeError, compact

    os.nice(NICENESS)
    until = time.monotonic() + AT_MOST_S
    try:
        while compact(Lake.open(lake), grace_s=grace_s).more and time.monotonic() < until:
            pass
        failure = ""
    except LakeError as error:
        failure = str(error)
    pipe.send((failure, time.process_time()))
