"""Check one segment file: its name, its footer, and the positions of its rows against what the footer claims."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.lake.layout import FORMAT_VERSION, TornError, segment_start
from connectors.lake.rows import disorder, distinct
from connectors.lake.segments import Segment, read_segment, stored_schema

Mend = Literal["", "quarantine", "remove", "rebuild", "restore", "lost"]
_CLAIMS = ("events", "rejects", "positions")
_AGAIN = "`dioptre lake repair` moves it to quarantine, the next backfill reads its positions again"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    `severity`: error (the lake's answers are wrong or a command would stop), warning, info. `where`: the file or
    folder, relative to the lake. `mend`: what repair does about it; "" nothing.
    """

    severity: Literal["error", "warning", "info"]
    where: str
    what: str
    hint: str
    mend: Mend = ""


def check_segment(root: Path, path: Path, *, deep: bool) -> tuple[Segment | None, list[Finding]]:
    """Check one segment.

    `deep` reads every column, with page checksums; else only positions and reject reasons are read.

    Returns:
        the segment, None when its footer says nothing that can be relied on; and what is wrong with it.
    """
    try:
        segment = read_segment(path)
        file = _open(path)
        faults = _footer_faults(segment, file) or _row_faults(segment, file, deep=deep)
    except TornError as error:
        refused = getattr(error.__cause__, "errno", None) is not None  # by the system, and not for what is in the file
        return None, [_bad(root, path, _after_path(error, path), "" if refused else "quarantine")]
    newer = segment.footer.get("format_version", FORMAT_VERSION) > FORMAT_VERSION
    return segment, [_bad(root, path, fault, "" if newer else "quarantine") for fault in faults]


def _footer_faults(segment: Segment, file: pq.ParquetFile) -> list[str]:
    """Say what is wrong with a footer on its own; then its rows need not be read."""
    told, source = segment.footer, segment.path.parent.name
    if told.get("format_version") != FORMAT_VERSION:
        return [f"format version {told.get('format_version')}, this dioptre reads {FORMAT_VERSION}"]
    if told.get("source") != source:
        return [f"lies in the chain of {source}, its footer says {told.get('source')}"]
    counts = [*(told.get("skips") or {}).values(), *(told.get(name) for name in _CLAIMS)]
    if not isinstance(told.get("skips"), dict) or not all(isinstance(n, int) for n in counts):
        return ["its footer lacks counts: events, rejects, positions or skips"]
    if not file.schema.equals(stored_schema()):
        return ["its columns are not those of a segment"]
    span, skipped = segment.end - segment.start, sum(told["skips"].values())
    if told["positions"] + skipped != span:
        return [f"its footer does not add up: end - start is {span}, positions {told['positions']} + skips {skipped}"]
    return []


def _row_faults(segment: Segment, file: pq.ParquetFile, *, deep: bool) -> list[str]:
    """Say what is wrong with the rows, by themselves and against the footer."""
    rows = _read(segment.path, file, deep=deep)
    offsets = rows.column("source_offset").to_numpy()
    fault = disorder(offsets, rows.column("ordinal").to_numpy(), segment.start, segment.end)
    rejects = rows.num_rows - rows.column("reject_reason").null_count
    counted = (rows.num_rows - rejects, rejects, distinct(np.sort(offsets)))
    wrong = [
        f"its footer says {segment.footer[name]} {name}, its rows are {n}"
        for name, n in zip(_CLAIMS, counted, strict=True)
        if segment.footer[name] != n
    ]
    return ([fault] if fault else []) + wrong


def _open(path: Path) -> pq.ParquetFile:
    with _as_torn(path):
        return pq.ParquetFile(path, page_checksum_verification=True)


def _read(path: Path, file: pq.ParquetFile, *, deep: bool) -> pa.Table:
    columns = None if deep else ["source_offset", "ordinal", "reject_reason"]
    with _as_torn(path), file:
        return file.read(columns=columns, use_threads=False)


@contextlib.contextmanager
def _as_torn(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise TornError(f"{path}: torn or unreadable: {str(error).splitlines()[0]}") from error


def _bad(root: Path, path: Path, what: str, mend: Mend) -> Finding:
    start = segment_start(path.name)
    hint = _AGAIN if mend else "it is left as it is; mend what is said, then verify again"
    return Finding("error", str(path.relative_to(root)), f"{what} (begins at {start})", hint, mend)


def _after_path(error: Any, path: Path) -> str:
    """Take the path off a message, since a finding tells where by itself."""
    return str(error).removeprefix(f"{path}: ")
