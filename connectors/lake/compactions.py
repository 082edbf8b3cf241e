"""compactions/<seq>.json: what each compaction took, replaced and made; their fold tells which files hold what now.

A record is created if absent under the next number, so of two at once one is first and the other looks again. Every
hundredth or so is a `whole` one, which says all that the records before it add up to; those may then go.
"""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from connectors.lake.layout import COMPACTIONS, TornError, copy_name, record_name, record_number

COUNTS = ("events", "rejects", "positions", "segments")
SUMS = ("skips", "reject_reasons", "stages")
"""Counts of a footer by name."""


@dataclass(frozen=True)
class Range:
    """The compacted part [start, end) of a source, summed over the footers of the segments that were taken.

    Attributes:
        name: of the file or partition, as the last footer told it.
        prefix: hash of the source's bytes up to `end`; None: not known.
        newest: stamp of its newest event, ISO 8601.
        proofs: files in compactions/ with the marks of the segments.
    """

    start: int
    end: int
    events: int = 0
    rejects: int = 0
    positions: int = 0
    segments: int = 0
    skips: Mapping[str, int] = field(default_factory=dict)
    reject_reasons: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    prefix: str | None = None
    newest: str | None = None
    proofs: tuple[str, ...] = ()

    def then(self, after: "Range") -> "Range":
        """Give the range that this one and the one right behind it make together."""
        counts: dict[str, Any] = {name: getattr(self, name) + getattr(after, name) for name in COUNTS}
        newest = max(filter(None, (self.newest, after.newest)), default=None)
        proofs = self.proofs + tuple(p for p in after.proofs if p not in self.proofs)
        counts |= {name: summed(getattr(self, name), getattr(after, name)) for name in SUMS}
        return replace(after, start=self.start, **counts, newest=newest, proofs=proofs)

    def changed(self, by: Mapping[str, Any]) -> "Range":
        """Give the range after rows of it went: `by` holds what is added to its counts."""
        counts: dict[str, Any] = {name: getattr(self, name) + int(by.get(name, 0)) for name in COUNTS}
        counts |= {name: summed(getattr(self, name), by.get(name, {})) for name in SUMS}
        return replace(self, **counts)


@dataclass(frozen=True)
class DayFile:
    """One compacted file. `name`: relative to events/; stamps are ISO 8601, `ingested` the latest ingest_ts."""

    name: str
    rows: int
    bytes: int
    sha256: str
    min_ts: str
    max_ts: str
    ingested: str

    @property
    def day(self) -> str:
        """The day of its rows, or `quarantine`."""
        return self.name.partition("/")[0].removeprefix("day=")


@dataclass(frozen=True)
class State:
    """What holds after record `sequence`: the compacted part of each source, the files by name."""

    sequence: int = 0
    whole: int = 0
    ranges: Mapping[str, Range] = field(default_factory=dict)
    files: Mapping[str, DayFile] = field(default_factory=dict)

    def after(self, record: Mapping[str, Any]) -> "State":
        """Give the state after one more record."""
        if record.get("whole"):
            ranges = {s: range_of(told) for s, told in record["ranges"].items()}
            return State(record["sequence"], record["sequence"], ranges, _files(record["files"]))
        ranges = {s: r for s, r in self.ranges.items() if s not in record.get("forgot", ())}
        for source, told in record.get("took", {}).items():
            ranges[source] = ranges[source].then(range_of(told)) if source in ranges else range_of(told)
        for source, told in record.get("changed", {}).items():
            ranges[source] = ranges[source].changed(told)
        gone = set(record.get("replaced", ()))
        files = {name: file for name, file in self.files.items() if name not in gone}
        return State(record["sequence"], self.whole, ranges, files | _files(record.get("made", [])))


def range_of(told: Mapping[str, Any]) -> Range:
    """Read a range as a record tells it."""
    return Range(**{**told, "proofs": tuple(told.get("proofs", ()))})


def _files(told: list[dict[str, Any]]) -> dict[str, DayFile]:
    return {file["name"]: DayFile(**file) for file in told}


def summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Add up counts by name; what becomes 0 is left out."""
    both = {name: one.get(name, 0) + other.get(name, 0) for name in (*one, *other)}
    return {name: n for name, n in both.items() if n}


def whole_record(state: State) -> dict[str, Any]:
    """Make the record that says all of a state."""
    ranges = {s: asdict(r) for s, r in state.ranges.items()}
    return {"why": "whole", "whole": True, "ranges": ranges, "files": [asdict(f) for f in state.files.values()]}


class Compactions:
    """The records of a lake. Safe among threads and processes; reads each record once."""

    def __init__(self, root: Path) -> None:
        self._folder = root / COMPACTIONS
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._state = State()

    def state(self) -> State:
        """Give what holds now; the same object as long as nothing changed.

        Raises:
            TornError: a record is missing or damaged; the message names it.
        """
        with self._lock:
            numbers = self.numbers()
            if numbers != self._seen:
                self._state = self._fold(numbers)
                self._seen = numbers
            return self._state

    def numbers(self) -> tuple[int, ...]:
        """List the numbers of the records that are there."""
        try:
            return tuple(sorted({n for e in os.scandir(self._folder) if (n := record_number(e.name)) is not None}))
        except FileNotFoundError:
            return ()

    def since(self, when: datetime) -> list[dict[str, Any]]:
        """Give the records made at `when` or later, newest first."""
        found = []
        for number in reversed(self.numbers()):
            record = read_record(self._folder / record_name(number))
            if datetime.fromisoformat(record["at"]) < when:
                break
            found.append(record)
        return found

    def _fold(self, numbers: tuple[int, ...]) -> State:
        """Add up the records from the last whole one on, or from what is known already."""
        known = self._state if self._state.sequence in numbers else State()
        late: list[dict[str, Any]] = []
        for expected in range(max(numbers, default=0), known.sequence, -1):
            late.append(read_record(self._folder / record_name(expected)))
            if late[-1].get("whole"):
                break
        state = known
        for record in reversed(late):
            state = state.after(record)
        return state


def read_record(path: Path) -> dict[str, Any]:
    """Read one record; where it is lost or torn, its copy.

    Raises:
        TornError: neither can be read.
    """
    try:
        return read_exactly(path)
    except TornError:
        try:
            return read_exactly(path.with_name(copy_name(int(path.stem))))
        except TornError:
            pass
        raise


def read_exactly(path: Path) -> dict[str, Any]:
    """Read one record, or one copy.

    Raises:
        TornError: it is missing, cannot be read, or is not what its name says.
    """
    try:
        status = path.stat()
    except OSError:
        return _read_record(str(path))
    return _read_record(str(path), status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _read_record(path: str, *_: int) -> dict[str, Any]:
    hint = "`dioptre lake verify` tells more"
    try:
        record: dict[str, Any] = json.loads(Path(path).read_bytes())
        if record["sequence"] != record_number(Path(path).name):
            raise ValueError(f"it says it is number {record['sequence']}")
        State().after({**record, "changed": {}})
        datetime.fromisoformat(record["at"])
    except FileNotFoundError:
        raise TornError(f"{path}: missing: later ones are there; {hint}") from None
    except OSError as error:
        raise TornError(f"{path}: unreadable: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TornError(f"{path}: torn: {str(error).splitlines()[0]}; {hint}") from error
    return record
