"""The switch: one record, created if absent, by which files that were made take the place of others."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.lake import commit
from connectors.lake.compactions import State
from connectors.lake.layout import COMPACTIONS, EVENTS, FORMAT_VERSION, LakeError, copy_name, record_name
from connectors.lake.store import Lake

Signature = Mapping[Path, tuple[int, int, int]]
"""Files as they were when they were read: inode, time of the last change, size."""

_EVERY_S = 0.1


@contextlib.contextmanager
def alone(lake: Lake, *, wait_s: float) -> Iterator[bool]:
    """Hold the compactions of a lake; False: another process still does after `wait_s`.

    It only spares work: two at once are harmless, one of them finds its switch refused. The hold ends with the process.
    """
    with commit.told(lake.root / COMPACTIONS, "open"):
        commit.make_folder(lake.root / COMPACTIONS)
        handle = os.open(lake.root / COMPACTIONS, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _locked(handle, time.monotonic() + wait_s)
    finally:
        os.close(handle)


def _locked(handle: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_EVERY_S)
        except OSError:
            return True  # a file system without flock
        else:
            return True


@contextlib.contextmanager
def hold(lake: Lake, doing: str) -> Iterator[None]:
    """Hold the compactions of a lake for a person's command.

    Raises:
        LakeError: another compaction takes longer than a minute.
    """
    with alone(lake, wait_s=60.0) as free:
        if not free:
            raise LakeError(f"{lake.root}: cannot {doing}: a compaction is at work; run the same command again")
        yield


def signature(paths: Sequence[Path]) -> Signature:
    """Note how files are now; to be asked before they are read."""
    with commit.told(paths[0].parent if paths else Path(), "read"):
        return {path: _signed(path) for path in paths}


def switch(lake: Lake, record: Mapping[str, Any], *, now: datetime, inputs: Signature) -> int | None:
    """Write the next record, unless what it rests on has changed.

    Args:
        record: `took`, `replaced`, `made`, `changed`, `forgot` as compactions.State reads them.
        inputs: the files that were read for it: they must be as they were, or nothing is switched.

    Returns:
        its number; None: another compaction, erasure or repair came first.
    """
    made = [lake.root / EVENTS / file["name"] for file in record.get("made", ())]
    while True:
        state = lake.compacted()
        if not _rests(lake, state, record):
            return None
        number = state.sequence + 1
        told = {"format_version": FORMAT_VERSION, "sequence": number, "at": now.isoformat(), **record}
        final = lake.root / COMPACTIONS / record_name(number)

        def still(number: int = number) -> bool:
            here = all(path.exists() for path in made) and all(_signed(p) == s for p, s in inputs.items())
            return here and lake.compacted().sequence == number - 1

        data = json.dumps(told, separators=(",", ":"), default=str).encode()
        if commit.create(lake.root, data, final, still=still):
            commit.create(lake.root, data, final.with_name(copy_name(number)))
            return number
        if lake.compacted().sequence == number - 1 and not final.exists():
            return None


def _rests(lake: Lake, state: State, record: Mapping[str, Any]) -> bool:
    """Say whether a record still fits: what it took is right behind what is compacted, what it replaced is there."""
    for source, told in record.get("took", {}).items():
        known = state.ranges.get(source)
        if told["start"] != (known.end if known else lake.origin(source)):
            return False
    known_sources = {*state.ranges, *record.get("took", {})}
    return state.files.keys() >= set(record.get("replaced", ())) and known_sources >= set(record.get("changed", {}))


def _signed(path: Path) -> tuple[int, int, int]:
    """Give what tells a file from another of its name; zeros if it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return status.st_ino, status.st_mtime_ns, status.st_size
