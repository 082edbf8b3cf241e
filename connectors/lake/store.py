"""A lake on disk: made or opened here; its chains, kinds and runs are reached through it."""

import threading
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.lake import commit, ledger, runs
from connectors.lake.chain import Chain
from connectors.lake.compactions import Compactions, State
from connectors.lake.kinds import Kinds
from connectors.lake.layout import (
    EMPTY,
    FOLDERS,
    FORMAT_VERSION,
    LANDING,
    QUARANTINE,
    RANGE_SIZE,
    SETTINGS,
    LakeError,
    is_source,
    origin,
    segment_start,
)
from connectors.lake.segments import encode, no_rows
from connectors.lake.settings import Settings, read_settings, settings_json
from schemas.ledger import Coefficients
from schemas.taxonomy import taxonomy


class Lake:
    """A lake. Holds no file open; survives pickling (it is opened again). Use `Lake.create` or `Lake.open`."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self.settings = settings
        self.range_size = settings.range_size
        self.taxonomy_hash = settings.taxonomy_hash
        self._kinds = Kinds(root)
        self._compactions = Compactions(root)
        self._chains: dict[str, Chain] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Lake.open, (self.root,)

    @staticmethod
    def create(root: Path, *, range_size: int = RANGE_SIZE) -> "Lake":
        """Make a lake, or open the one that is there (which keeps its own range size).

        Raises:
            LakeError: the folder holds something else, or cannot be written.
        """
        if not (root / SETTINGS).exists():
            _refuse_foreign(root)
            with commit.told(root, "make a lake"):
                for folder in FOLDERS:
                    commit.make_folder(root / folder)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            settings = Settings(FORMAT_VERSION, range_size, taxonomy().hash, now)
            commit.create(root, settings_json(settings), root / SETTINGS)
        lake = Lake.open(root)
        make_whole(root, read_settings(root))
        return lake

    @staticmethod
    def open(root: Path) -> "Lake":
        """Open a lake.

        Raises:
            LakeError: there is none, it is of another version, damaged, or may not be read.
        """
        return Lake(root.absolute(), read_settings(root))

    def sources(self) -> list[str]:
        """List the sources that have a chain, by name."""
        with commit.told(self.root / LANDING, "list"):
            folders = [f for f in (self.root / LANDING).iterdir() if is_source(f.name) and f.is_dir()]
            landed = {f.name for f in folders if any(segment_start(p.name) is not None for p in f.iterdir())}
        return sorted(landed | self.compacted().ranges.keys())

    def chain(self, source: str) -> Chain:
        """Give the chain of a source, begun or not; the same object each time.

        Raises:
            LakeError: `source` cannot name a chain.
        """
        with self._lock:
            if source not in self._chains:
                self._chains[source] = Chain(self.root, source, self.origin(source), self._compactions)
            return self._chains[source]

    def origin(self, source: str) -> int:
        """Give the position at which a source begins."""
        return origin(source, self.range_size)

    def compacted(self) -> State:
        """Give which files hold the compacted part of the lake, and how far it goes in each source.

        Raises:
            TornError: a record of a compaction is missing or damaged.
        """
        return self._compactions.state()

    def compactions(self) -> Compactions:
        """Give the records of what was compacted."""
        return self._compactions

    def base(self, source: str) -> int:
        """Give the position from which the landing files of a source count.

        The origin of the source. A compacted source's base is where its compacted files end: what landing holds
        before that is ignored by every reader and writer, all of whom ask here.
        """
        known = self.compacted().ranges.get(source)
        return known.end if known else self.origin(source)

    def note_novel(self, kinds: pa.RecordBatch) -> Path | None:
        """Remember kinds (KINDS schema) met for the first time; durable on return. None when there are none."""
        return self._kinds.note_novel(kinds)

    def kinds(self) -> pa.Table:
        """Give what is known of each kind (KINDS schema), one row a key, ordered by key.

        People's words win, then the registry's latest, else the novel note first seen (`folding`).
        """
        return self._kinds.fold()

    def history(self) -> pa.Table:
        """Give all that was ever said of kinds: KINDS and `_rank`, by key, then newest first."""
        return self._kinds.history()

    def publish(self, kinds: pa.Table) -> int:
        """Write the next registry file from `kinds` (KINDS schema, one row a key); give its sequence, from 1.

        `set_at` of all rows becomes now.
        """
        return self._kinds.publish(kinds)

    def publish_after(self, sequence: int, kinds: pa.Table) -> int | None:
        """Publish as `publish` does, unless the registry is no longer at `sequence`: then None, and fold again."""
        return self._kinds.publish_after(sequence, kinds)

    def published(self, after: int) -> tuple[int, list[pa.Table]]:
        """Give the newest registry sequence, and the registry files behind `after` (KINDS schema), oldest first."""
        return self._kinds.published(after)

    def registry_stamp(self) -> tuple[int, int]:
        """Give (newest registry sequence, number of novel files): when it is unchanged, so are the kinds."""
        return self._kinds.stamp()

    def record_run(self, run: dict[str, Any]) -> Path:
        """Write runs/<run_id>.json; `ends` (source -> chain end) lets verify see a lost newest segment."""
        return runs.record_run(self.root, run)

    def runs(self) -> list[dict[str, Any]]:
        """Read the runs, oldest record first; torn ones are left out (verify names them)."""
        return runs.read_runs(self.root)[0]

    def note_ledger(self, rows: pa.Table, coefficients: Coefficients) -> Path | None:
        """Write rows of the ledger (LEDGER schema) into a file of their own; None when there are none."""
        return ledger.note_ledger(self.root, rows, coefficients)

    def ledger(self) -> tuple[pa.Table, dict[str, Coefficients]]:
        """Read all of the ledger (LEDGER schema), and the sets of coefficients that its rows name."""
        return ledger.read_ledger(self.root), ledger.read_coefficients(self.root)

    def ledger_stamp(self) -> int:
        """Give a number that is unchanged while the ledger is."""
        return ledger.ledger_stamp(self.root)


def make_whole(root: Path, settings: Settings) -> list[str]:
    """Make the folders and the zero-row segment that are missing; give what was made, relative to the lake."""
    made = [folder for folder in FOLDERS if not (root / folder).is_dir()]
    with commit.told(root, "make a folder"):
        for folder in made:
            commit.make_folder(root / folder)
    if not (root / EMPTY).exists():
        footer = {"format_version": FORMAT_VERSION, "lake": asdict(settings)}
        commit.create(root, encode(no_rows(), footer), root / EMPTY)
        made.append(EMPTY)
    return made


def _refuse_foreign(root: Path) -> None:
    """Refuse to make a lake where something else lies; what a broken-off creation left is not something else."""
    if not root.exists():
        return
    if not root.is_dir():
        raise LakeError(f"{root}: not a folder; name a new or empty folder for the lake")
    ours = {folder.partition("/")[0] for folder in FOLDERS} | {QUARANTINE, "lost+found"}
    with commit.told(root, "make a lake"):
        foreign = sorted(path.name for path in root.iterdir() if path.name not in ours)
    if foreign:
        raise LakeError(f"{root}: not empty and not a lake (it holds {foreign[0]!r}); name a new or empty folder")
