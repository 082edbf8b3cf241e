"""What goes after a compaction: files that were replaced long enough ago, and files that no record tells of."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from connectors.lake.compactions import State
from connectors.lake.layout import (
    COMPACTIONS,
    EVENTS,
    LANDING,
    STAGING,
    is_source,
    record_number,
    segment_start,
)
from connectors.lake.store import Lake

LEFT_OVER_AFTER_S = 3600.0
"""Older files in staging belong to nobody who lives."""


def sweep(lake: Lake, *, now: datetime, grace_s: float, wait: bool = False) -> int:
    """Remove what has been replaced for `grace_s`; give the number of files.

    While a writer is at a name, nothing is removed, or it is waited for.

    The lake is held meanwhile, so that no writer that was stopped halfway finds a name free that it saw taken.
    """
    handle = os.open(lake.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return 0
        except OSError:
            pass  # a file system without flock: what a stopped writer makes later is ignored
        gone = list(_gone(lake, now, grace_s))
        for path in gone:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        _tidy(lake.root)
    finally:
        os.close(handle)
    return len(gone)


def replaced(lake: Lake, state: State, source: str) -> list[Path]:
    """List the landing files of a source whose rows are compacted."""
    known = state.ranges.get(source)
    end = known.end if known else -1
    return [path for path in _listed(lake.root / LANDING / source) if (segment_start(path.name) or 0) < end]


def orphans(lake: Lake, state: State) -> Iterator[Path]:
    """List the files in the folders of days that hold nothing any more, or never did."""
    for folder in _listed(lake.root / EVENTS):
        if folder.name.startswith("day=") and folder.is_dir():
            yield from (p for p in _listed(folder) if f"{folder.name}/{p.name}" not in state.files)


def _gone(lake: Lake, now: datetime, grace_s: float) -> Iterator[Path]:
    """List what is to be removed."""
    since = now - timedelta(seconds=grace_s)
    late = lake.compactions().since(since)
    state = lake.compacted()
    kept = {name for record in late for name in record.get("replaced", ())}
    took = {source: told["start"] for record in late for source, told in record.get("took", {}).items()}
    for source in state.ranges:
        first = took.get(source)
        for path in replaced(lake, state, source):
            if first is None or (segment_start(path.name) or 0) < first:
                yield path
    for path in orphans(lake, state):
        if f"{path.parent.name}/{path.name}" not in kept and _age_s(path) > grace_s:
            yield path
    for path in _listed(lake.root / COMPACTIONS):
        number = record_number(path.name)
        if number is not None and number < min([state.whole, *(record["sequence"] for record in late)]):
            yield path


def _tidy(root: Path) -> None:
    """Remove folders that have become empty, and what killed compactions left in staging."""
    for folder in _listed(root / LANDING) + _listed(root / EVENTS):
        if is_source(folder.name) or folder.name.startswith("day="):
            with contextlib.suppress(OSError):
                folder.rmdir()
    for left in _listed(root / STAGING):
        if left.suffix in (".spill", ".part") and _age_s(left) > LEFT_OVER_AFTER_S:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    """Give how long a file has been as it is; no time at all if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return -1.0


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
