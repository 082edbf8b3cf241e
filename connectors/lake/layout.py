"""Where things lie in a lake, what a source may be called, how a segment is named. Nothing here touches the disk."""

import hashlib
import re
from pathlib import Path

FORMAT_VERSION = 1
RANGE_SIZE = 128 << 20
"""Bytes of a file that make one chain, unless the lake was created with another size."""

LANDING = "events/landing"
STAGING = "staging"
"""Files being written. Outside events/, so that no glob of a reader ever meets half a file."""
NOVEL = "novel"
REGISTRY = "registry"
RUNS = "runs"
LEDGER_FOLDER = "ledger"
"""Made by whoever writes there first: older lakes have none."""
EVENTS = "events"
COMPACTIONS = "compactions"
QUARANTINE = "quarantine"
QUARANTINED_DAY = "quarantine"
"""Stands for the day in the folder of compacted events whose stamps cannot be right."""
SETTINGS = "lake.json"
EXPIRED, ERASED, LOST = "expired", "erased", "lost"
"""Why positions are skipped whose rows were there once."""
FOLDERS = (LANDING, STAGING, NOVEL, REGISTRY, "certificates", RUNS, COMPACTIONS)
EMPTY = f"{LANDING}/_empty/{0:020d}.parquet"
"""The permanent zero-row segment: it keeps a reader's glob from matching nothing. No source begins with `_`."""

_SOURCE = re.compile(r"[A-Za-z0-9-][A-Za-z0-9._-]{0,199}")
_SEGMENT = re.compile(r"([0-9]{20})\.parquet")
_RECORD = re.compile(r"([0-9]{10})\.(?:json|copy)")
_SEQUENCE = re.compile(r"([0-9]{10})\.parquet")
_FILE_RANGE = re.compile(r"file-[0-9a-f]{16}(?:-[0-9]+)?\.([0-9]{4,})")


class LakeError(Exception):
    """The lake cannot do this. The message is one line: what, where, and what would be right."""


class GapError(LakeError):
    """A batch begins beyond the end of its chain: the positions between would be lost."""


class VersionError(LakeError):
    """The lake is of a format version that this dioptre does not read, nor mend."""


class TornError(LakeError):
    """A file of the lake cannot be read, or is not what its name says."""


def is_source(name: str) -> bool:
    """Tell whether `name` can name a chain: [A-Za-z0-9._-], 1 to 200 characters, no `.` or `_` in front."""
    return _SOURCE.fullmatch(name) is not None


def origin(source: str, range_size: int) -> int:
    """Give the position at which a chain begins: range k of a file at k * range_size, all else at 0.

    The origin is in the name, so all writers agree on the first segment of a chain, and a lost one leaves a hole
    that is seen and filled.
    """
    match = _FILE_RANGE.fullmatch(source)
    return int(match[1]) * range_size if match else 0


def segment_name(start: int) -> str:
    """Name the segment that begins at `start`; names sort as positions do."""
    return f"{start:020d}.parquet"


def segment_start(name: str) -> int | None:
    """Read the first position from a segment's name; None when it is no segment's name."""
    match = _SEGMENT.fullmatch(name)
    return int(match[1]) if match else None


def sequence_name(sequence: int) -> str:
    """Name the registry file with this number."""
    return f"{sequence:010d}.parquet"


def sequence_of(name: str) -> int | None:
    """Read the number from a registry file's name; None when it is none."""
    match = _SEQUENCE.fullmatch(name)
    return int(match[1]) if match else None


def record_name(sequence: int) -> str:
    """Name the record of the compaction with this number."""
    return f"{sequence:010d}.json"


def copy_name(sequence: int) -> str:
    """Name the copy of a compaction's record: read where the record itself is lost or torn."""
    return f"{sequence:010d}.copy"


def record_number(name: str) -> int | None:
    """Read the number from the name of a compaction's record or its copy; None when it is neither."""
    match = _RECORD.fullmatch(name)
    return int(match[1]) if match else None


def proof_name(data: bytes) -> str:
    """Name a file of marks by its bytes."""
    return f"{hashlib.sha256(data).hexdigest()[:32]}.marks"


def chain_folder(root: Path, source: str) -> Path:
    """Give the folder of a chain.

    Raises:
        LakeError: `source` cannot name a chain.
    """
    if not is_source(source):
        raise LakeError(f"{source!r}: no name for a source; use 1 to 200 of A-Z a-z 0-9 . _ -, not . or _ in front")
    return root / LANDING / source
