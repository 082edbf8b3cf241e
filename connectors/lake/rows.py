"""Which rows of a batch go into a segment, and what the segment's footer says of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.lake.layout import FORMAT_VERSION
from schemas.events import SEGMENT
from schemas.taxonomy import domain_of

Positions = npt.NDArray[np.int64]


def check_batch(batch: pa.RecordBatch, source: str, start: int, end: int) -> Positions:
    """Check that a batch may stand for [start, end) of `source`; return its positions, one a row.

    Raises:
        ValueError: a bug of the caller: other columns, another source, an empty range, rows unordered or outside.
    """
    if not batch.schema.equals(SEGMENT):
        raise ValueError(f"{source}: not the columns of a segment: {_difference(batch.schema)}")
    if not 0 <= start < end:
        raise ValueError(f"{source}: [{start}, {end}) is no range of positions")
    told = set(batch.column("source").unique().to_pylist()) - {source}
    if told:
        raise ValueError(f"{source}: rows of another source: {sorted(map(str, told))[0]!r}")
    offsets: Positions = batch.column("source_offset").to_numpy()
    fault = disorder(offsets, batch.column("ordinal").to_numpy(), start, end)
    if fault:
        raise ValueError(f"{source}: {fault}")
    return offsets


def disorder(offsets: Positions, ordinals: npt.NDArray[np.int32], start: int, end: int) -> str | None:
    """Say what is wrong with the positions of rows: doubled, out of order, or outside [start, end); None if nothing."""
    if not len(offsets):
        return None
    step = np.diff(offsets)
    bad = np.flatnonzero((step < 0) | ((step == 0) & (np.diff(ordinals) <= 0)))
    if len(bad):
        here, after = int(offsets[bad[0]]), int(offsets[bad[0] + 1])
        doubled = f"position {here} is doubled"
        return doubled if here == after else f"position {after} stands after {here}"
    if offsets[0] < start or offsets[-1] >= end:
        outside = int(offsets[0]) if offsets[0] < start else int(offsets[-1])
        return f"position {outside} is outside [{start}, {end})"
    return None


def distinct(offsets: Positions) -> int:
    """Count the positions of ordered rows; one that holds several events counts once."""
    return int(np.count_nonzero(np.diff(offsets))) + 1 if len(offsets) else 0


def footer_of(
    rows: pa.RecordBatch, start: int, end: int, told: Mapping[str, Any], *, whole: bool, at_end: bool
) -> dict[str, Any]:
    """Make the footer of a segment.

    Args:
        rows: those of the segment, ordered, all in [start, end).
        start: the first position the segment stands for.
        end: the position after its last.
        told: what the caller knows of its batch (skips, prefix, name, ...); kept, the lake's own keys win.
        whole: the segment is the caller's whole batch, so its skips hold; else what is left is counted here.
        at_end: the segment ends where the batch ends, so its prefix hash holds; else nobody knows it.

    Raises:
        ValueError: end - start is not positions + skips: the caller has lost or invented positions.
    """
    positions = distinct(rows.column("source_offset").to_numpy())
    rejects = rows.num_rows - rows.column("reject_reason").null_count
    skips = {reason: int(n) for reason, n in (told.get("skips") or {}).items() if n}
    missing = end - start - positions
    domains = _by_domain(rows)
    stages = {stage: sum(parts.values()) for stage, parts in domains.items()}
    if whole and sum(skips.values()) != missing:
        raise ValueError(f"[{start}, {end}) is not {positions} positions + skips {skips}: {missing} should be skipped")
    return {
        **told,
        "format_version": FORMAT_VERSION,
        "start": start,
        "end": end,
        "events": rows.num_rows - rejects,
        "rejects": rejects,
        "reject_reasons": _by_reason(rows) if rejects else {},
        "stages": stages,
        "domains": domains,
        "positions": positions,
        "skips": skips if whole else _skips_of_part(skips, missing),
        "prefix": told.get("prefix") if at_end else None,
    }


def _by_reason(rows: pa.RecordBatch) -> dict[str, int]:
    """Count the rejects by reason."""
    counts = rows.column("reject_reason").drop_null().value_counts().to_pylist()
    return {count["values"]: count["counts"] for count in counts}


def _by_domain(rows: pa.RecordBatch) -> dict[str, dict[str, int]]:
    """Count the events by the stage that labelled them, then by the domain of the label."""
    event = rows.column("reject_reason").is_null().to_numpy(zero_copy_only=False)
    stages, labels = rows.column("stage"), rows.column("label_at_ingest")
    wide = max(1, len(labels.dictionary))
    both = stages.indices.to_numpy()[event].astype(np.int64) * wide + labels.indices.to_numpy()[event]
    names, leaves = stages.dictionary.to_pylist(), labels.dictionary.to_pylist()
    found: dict[str, dict[str, int]] = {}
    counts = np.bincount(both)
    for place in np.flatnonzero(counts).tolist():
        domains = found.setdefault(str(names[place // wide]), {})
        domain = domain_of(str(leaves[place % wide]))
        domains[domain] = domains.get(domain, 0) + int(counts[place])
    return found


def _skips_of_part(skips: dict[str, int], missing: int) -> dict[str, int]:
    """Count the skips of a part of a batch: by reason if the batch had only one, else as `part_of_batch`."""
    reason = next(iter(skips)) if len(skips) == 1 else "part_of_batch"
    return {reason: missing} if missing else {}


def _difference(schema: pa.Schema) -> str:
    """Name the first column that is not as the SEGMENT schema has it."""
    for name in dict.fromkeys([*SEGMENT.names, *schema.names]):
        ours = str(SEGMENT.field(name)) if name in SEGMENT.names else "no such column"
        theirs = str(schema.field(name)) if name in schema.names else "missing"
        if ours != theirs:
            return f"{name} is {theirs}, should be {ours}"
    return "the columns stand in another order"
