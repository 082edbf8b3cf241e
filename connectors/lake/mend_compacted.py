"""Mend the compacted part of a lake: records made anew from their copies, files that are lost counted as such."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.lake import commit
from connectors.lake.check_compacted import counts
from connectors.lake.compactions import DayFile, read_exactly
from connectors.lake.layout import EVENTS, LOST, LakeError, TornError, copy_name, record_name, record_number
from connectors.lake.sorting import TOLD, counts_in, files_list, sorter
from connectors.lake.step import Step
from connectors.lake.store import Lake
from connectors.lake.switch import signature, switch

MEMORY, THREADS = "128MB", 1
"""Of the sorts of a person's command."""


def step_now(lake: Lake, now: datetime | None = None) -> Step:
    """Give the tools of a step, as of now."""
    return Step(lake, now or datetime.now(UTC), MEMORY, THREADS, lake.kinds())


def restore(root: Path, where: str) -> None:
    """Write a record anew from its copy, or its copy from the record."""
    path = root / where
    number = record_number(path.name)
    assert number is not None
    for one, other in (
        (record_name(number), copy_name(number)),
        (copy_name(number), record_name(number)),
    ):
        try:
            read_exactly(path.with_name(one))
        except TornError:
            continue
        commit.replace(root, path.with_name(one).read_bytes(), path.with_name(other))
        return


def count_as_lost(lake: Lake, names: Sequence[str]) -> None:
    """Write the record by which files hold nothing any more; their positions become skips, so the lake adds up again.

    Raises:
        LakeError: a compaction came between.
    """
    state = lake.compacted()
    gone = set(names) & state.files.keys()
    have = counts(lake.root, (file for name, file in state.files.items() if name not in gone))
    changed: dict[str, Any] = {}
    for source, known in state.ranges.items():
        lost = {name: getattr(known, name) - have.get(source, Counter())[name] for name in TOLD}
        if any(lost.values()):
            changed[source] = {name: -n for name, n in lost.items()} | {"skips": {LOST: lost["positions"]}}
    record = {"why": LOST, "replaced": sorted(gone), "changed": changed}
    if gone and switch(lake, record, now=datetime.now(UTC), inputs={}) is None:
        raise LakeError(f"{lake.root}: a compaction came between; run the same command again")


def forget_compacted(lake: Lake, source: str, aside: Path) -> None:
    """Take a source out of all day files, its rows into one file in the folder `aside`.

    Raises:
        LakeError: a file cannot be read or written, or a compaction came between.
    """
    state = lake.compacted()
    if source not in state.ranges:
        return
    held = [file for file in state.files.values() if source in counts_in(lake.root / EVENTS / file.name)]
    step = step_now(lake)
    if held:
        _put_aside(step, [lake.root / EVENTS / file.name for file in held], source, aside)
    first, *rest = _by_day(held) or [[]]
    for files in rest:
        _without(step, files, source, {})
    _without(step, first, source, {"forgot": [source]}, changed=False)


def _by_day(files: Sequence[DayFile]) -> list[list[DayFile]]:
    days: dict[str, list[DayFile]] = {}
    for file in files:
        days.setdefault(file.day, []).append(file)
    return list(days.values())


def _put_aside(step: Step, paths: Sequence[Path], source: str, aside: Path) -> None:
    """Write the rows of a source into one file in quarantine/."""
    commit.make_folder(aside)
    with sorter(step.lake.root, memory=MEMORY, threads=THREADS) as con:
        target = str(aside / "compacted.parquet").replace("'", "''")
        rows = (
            f"SELECT * FROM read_parquet({files_list(paths)}) WHERE source = '{source}' ORDER BY source_offset, ordinal"
        )
        con.execute(f"COPY ({rows}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def _without(
    step: Step, files: Sequence[DayFile], source: str, record: dict[str, Any], *, changed: bool = True
) -> None:
    """Make files anew without the rows of a source."""
    paths = [step.lake.root / EVENTS / file.name for file in files]
    before = signature(paths)
    had = counts(step.lake.root, iter(files)).get(source, Counter())
    made = step.sort(paths, f"e.source <> '{source}'") if paths else step.nothing()
    told: dict[str, Any] = {"why": "forget", "replaced": [file.name for file in files], **record}
    if changed:
        told["changed"] = {source: {name: -n for name, n in had.items()} | {"skips": {"forgotten": had["positions"]}}}
    if not step.switch(told, made, before):
        raise LakeError(f"{step.lake.root}: a compaction came between; run the same command again")
