"""The worker processes of a backfill: each with its share of the archives, started, listened to, stopped."""

import gc
import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from multiprocessing import connection
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Self, cast

from connectors import archives
from connectors.lake import LakeError
from connectors.scratch import Scratch
from pipeline.draining import start_forkserver
from pipeline.job import Job

PRELOADED = [
    "pipeline.quiet",
    "pipeline.lean",
    "pipeline.worker",
    "clustering.kernels.door",
    "connectors.formats.kernels.door",
    "pipeline.frozen",
]
"""The modules that worker processes start with; imported once, in this order, before they fork."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LAST_WORDS_S = 30


class WorkerError(Exception):
    """A worker process failed; `trace` holds its traceback if it was a bug."""

    def __init__(self, message: str, trace: str | None = None) -> None:
        super().__init__(message)
        self.trace = trace


class Team:
    """Worker processes, at work while the block runs.

    They are forked from this process, which first imports what they need, so that nothing is imported twice and
    their memory is shared. Where that is not safe (other threads run here, or other systems than Linux) a fork
    server, a process of its own, is forked from instead. Workers are deaf to SIGTERM and Ctrl-C: a signal to the
    whole group must not end them in the midst of a segment.

    Args:
        workers: at most so many processes.
        options: Beam's.

    Raises:
        BeamOptionError: an option that Beam does not know.
    """

    def __init__(self, job: Job, reads: Sequence[archives.Read], workers: int, options: Sequence[str] = ()) -> None:
        self._job, self._options = job, list(options)
        self._shares = share(reads, workers)
        self._pipes: dict[Any, Any] = {}
        self._scratch = Scratch()

    def __enter__(self) -> Self:
        self._scratch.__enter__()
        try:
            if self._options:
                _check(self._options)
            if self._shares:
                self._start()
        except BaseException:
            self._scratch.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pipes:
            self._halt.set()
        for process in self._pipes.values():
            process.join(timeout=_LAST_WORDS_S)
        self._scratch.__exit__(kind, error, trace)

    def pids(self) -> list[int]:
        """Give the ids of the processes."""
        return [process.pid for process in self._pipes.values()]

    def listen(self, stop: threading.Event) -> Iterator[tuple[str, Any]]:
        """Yield words from all workers until each is done; the first error stops the others and is raised.

        Args:
            stop: set it to stop after the segments at hand.

        Raises:
            LakeError: the lake cannot be written.
            WorkerError: a process died, or met a bug.
        """
        failed: Exception | None = None
        left = dict(self._pipes)
        while left:
            if stop.is_set() or failed is not None:
                self._halt.set()
            for pipe in connection.wait(list(left), timeout=0.2):
                what, value = _hear(cast(connection.Connection, pipe), left[pipe])
                if what in ("done", "error"):
                    left.pop(pipe)
                    failed = failed or value
                else:
                    yield what, value
        if failed is not None:
            raise failed

    def _start(self) -> None:
        """Start a process a share; signals that come meanwhile wait, so that none meets a worker that still hears."""
        context = _context()
        self._halt = context.Event()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            for reads in self._shares:
                ours, theirs = context.Pipe(duplex=False)
                given = (self._job, reads, self._options, theirs, self._halt, self._scratch.path)
                process = context.Process(target=_work, args=given, daemon=True)  # type: ignore[attr-defined]
                process.start()
                theirs.close()
                self._pipes[ours] = process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def share(reads: Sequence[archives.Read], workers: int) -> list[list[archives.Read]]:
    """Share reads among workers, largest first to whoever has least; within a share the order stays."""
    loads = [0] * max(1, min(workers, len(reads)))
    shares: list[list[int]] = [[] for _ in loads]
    sizes = [max(1, r.archive.size // r.parts) for r in reads]
    for i in sorted(range(len(reads)), key=lambda i: -sizes[i]):
        least = loads.index(min(loads))
        loads[least] += sizes[i]
        shares[least].append(i)
    return [[reads[i] for i in sorted(own)] for own in shares if own]


def _context() -> BaseContext:
    """Make ready whatever workers are forked from; garbage is not looked for while modules are loaded."""
    if sys.platform != "linux" or threading.active_count() > 1:
        start_forkserver(PRELOADED)
        return multiprocessing.get_context("forkserver")
    gc.disable()
    try:
        for name in PRELOADED:
            import_module(name)
    finally:
        gc.enable()
    return multiprocessing.get_context("fork")


def _check(options: Sequence[str]) -> None:
    import_module("pipeline.quiet")
    import_module("pipeline.lean")
    from pipeline.beam_options import BACKFILL, checked

    checked(options, BACKFILL)


def _work(*args: Any) -> None:
    """Be a worker, deaf to signals. Beam is imported only here."""
    for which in _SIGNALS:
        signal.signal(which, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    from pipeline import worker

    worker.run(*args)


def _hear(pipe: connection.Connection, process: Any) -> tuple[str, Any]:
    """Receive a word; a death, and what a worker says in its last moment, come as errors."""
    try:
        what, value = pipe.recv()
    except (EOFError, OSError):
        process.join(timeout=_LAST_WORDS_S)
        told = f"a worker process ended with exit code {process.exitcode}; run the same command again to go on"
        return "error", WorkerError(told)
    if what == "error":
        return "error", LakeError(value[0]) if value[1] is None else WorkerError(*value)
    return what, value
