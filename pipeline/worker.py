"""One process of a backfill: runs the graph over its share of the archives, and tells of each commit."""

import contextlib
import ctypes
import os
import tempfile
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from classifiers.ledger import METER
from connectors import archives
from connectors.archives import ArchiveError
from connectors.lake import LakeError
from pipeline.causes import causes
from pipeline.job import Job
from pipeline.transforms import Commit, Label, Parse, Read

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_MOST_KEPT = 1 << 30

_CHANNEL: dict[str, Any] = {}
"""The pipe to the main process and its stop event: they cannot be pickled into the graph."""


def build(p: beam.Pipeline, job: Job, reads: Sequence[archives.Read]) -> None:
    """Put the graph of a backfill together."""
    source = p | "Archives" >> beam.Create(list(reads), reshuffle=False) | "Read" >> Read(job, stopped)
    committed = source.records | "Parse" >> Parse(job) | "Label" >> Label(job) | "Commit" >> Commit(job)
    committed | "Tell commits" >> beam.Map(lambda c: tell("committed", c))
    source.outcomes | "Tell outcomes" >> beam.Map(lambda o: tell("outcome", o))


def stopped() -> bool:
    """Tell whether the main process asked to stop after the segment at hand, or is gone."""
    return bool(_CHANNEL["deaf"] or _CHANNEL["stop"].is_set() or os.getppid() != _CHANNEL["parent"])


def tell(what: str, value: object) -> None:
    """Send word to the main process; if it is gone, stop after this segment."""
    try:
        _CHANNEL["pipe"].send((what, value))
    except (BrokenPipeError, OSError):
        _CHANNEL["deaf"] = True


def run(
    job: Job, reads: Sequence[archives.Read], options: Sequence[str], pipe: Connection, stop: Event, scratch: Path
) -> None:
    """Be a worker: the target of a process. Errors travel as words; a bug brings its traceback along.

    Args:
        scratch: where Beam's temporary files go.
    """
    _keep_memory()
    tempfile.tempdir = str(scratch)
    METER.begin(from_start=True)
    _CHANNEL.update(pipe=pipe, stop=stop, deaf=False, parent=os.getppid())
    try:
        with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(list(options))) as p:
            build(p, job, reads)
        _tell_cost()
        tell("done", None)
    except BaseException as error:
        _tell_cost()
        told = known_cause(error)
        tell("error", (str(told), None) if told else (str(error), traceback.format_exc()))


def _tell_cost() -> None:
    """Tell what the stages of this process did and took."""
    tell("cpu", METER.settle())
    tell("ledger", METER.drain())


def _keep_memory() -> None:
    """Let the C library keep freed memory for the next batch, which needs as much; given back it comes in zeroed pages.

    Takes .2 us off a line, and adds 15 MB. Where the C library is not glibc, nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for which in _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD:
            library.mallopt(which, _MOST_KEPT)


def known_cause(error: BaseException) -> Exception | None:
    """Find the error of ours that Beam has wrapped, if that is what it is."""
    for seen in causes(error):
        if isinstance(seen, LakeError | ArchiveError):
            return seen
        inner = [a for a in seen.args if isinstance(a, LakeError | ArchiveError)]
        if inner:
            return inner[0]
    return None
