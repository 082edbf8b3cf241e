"""Check what is compacted: the records, the files they tell of, and that both add up to the same for each source."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from connectors.lake import sweep
from connectors.lake.check_segment import Finding
from connectors.lake.compactions import DayFile, State, read_exactly, read_record
from connectors.lake.layout import COMPACTIONS, EVENTS, LANDING, LOST, TornError, copy_name, record_name
from connectors.lake.marks import read_proof
from connectors.lake.settings import GRACE_S
from connectors.lake.sorting import TOLD, counts_in
from connectors.lake.store import Lake

_AGAIN = "`dioptre lake repair` counts its positions as lost; `dioptre lake forget SOURCE` has them read again"
_COMPACT = "`dioptre lake compact` removes what nobody reads any more"


def check(lake: Lake, *, deep: bool) -> tuple[State, list[Finding]]:
    """Check the compacted part of a lake; give what holds as far as it can be told."""
    findings = list(_records(lake))
    try:
        state = lake.compacted()
    except TornError:
        return State(), findings
    for file in state.files.values():
        findings += _file(lake.root, file, deep=deep)
    if not any(f.severity == "error" for f in findings):
        findings += _sums(lake.root, state)
    findings += _proofs(lake, state)
    findings += _lost(state)
    findings += _waiting(lake, state)
    return state, findings


def _records(lake: Lake) -> Iterator[Finding]:
    """Name records that are missing or damaged, from the last that says everything on."""
    numbers = lake.compactions().numbers()
    for number in range(max(numbers, default=0), 0, -1):
        path = lake.root / COMPACTIONS / record_name(number)
        where, copied = f"{COMPACTIONS}/{path.name}", path.with_name(copy_name(number)).exists()
        try:
            record = read_record(path)
        except TornError as error:
            what = str(error).removeprefix(f"{path}: ").partition("; ")[0]
            yield Finding("error", where, what, "restore a copy of the file: without it nothing in the lake is read")
            continue
        try:
            read_exactly(path)
        except TornError as error:
            what = str(error).removeprefix(f"{path}: ").partition("; ")[0]
            yield Finding("error", where, what, "`dioptre lake repair` makes it anew from its copy", "restore")
        if not copied:
            yield Finding("info", where, "has no copy", "`dioptre lake repair` makes one", "restore")
        if record.get("whole"):
            return


def _file(root: Path, file: DayFile, *, deep: bool) -> Iterator[Finding]:
    """Name a day file that is gone, cut, or not the one that was made."""
    path = root / EVENTS / file.name
    if fault := _fault(path, file, deep=deep):
        yield Finding("error", f"{EVENTS}/{file.name}", f"{fault} ({file.rows} rows)", _AGAIN, "lost")


def _fault(path: Path, file: DayFile, *, deep: bool) -> str | None:
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return f"torn: it has {size} bytes, {file.bytes} were written"
        if pq.read_metadata(path).num_rows != file.rows:
            return f"torn: it has {pq.read_metadata(path).num_rows} rows, {file.rows} were written"
        counts_in(path)
        if deep:
            with path.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                    return "damaged: its bytes are not those that were written"
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"torn or unreadable: {str(error).splitlines()[0]}"
    return None


def counts(root: Path, files: Iterator[DayFile]) -> dict[str, Counter[str]]:
    """Add up what the footers of day files say of each source."""
    found: dict[str, Counter[str]] = {}
    for file in files:
        for source, told in counts_in(root / EVENTS / file.name).items():
            found.setdefault(source, Counter()).update(told)
    return found


def _sums(root: Path, state: State) -> Iterator[Finding]:
    """Name the sources whose rows in day files are not as many as the records say."""
    found = counts(root, iter(state.files.values()))
    for source in sorted({*found, *state.ranges}):
        known, have = state.ranges.get(source), found.get(source, Counter())
        for name in TOLD:
            told = getattr(known, name) if known else 0
            if told != have[name]:
                what = f"its records say {told} {name} of {source}, its files hold {have[name]}"
                yield Finding("error", COMPACTIONS, what, "restore a copy of what was changed by hand")
        if known and known.end - known.start != known.positions + sum(known.skips.values()):
            what = f"[{known.start}, {known.end}) of {source} is not positions + skips"
            yield Finding("error", COMPACTIONS, what, "restore a copy of what was changed by hand")


def _proofs(lake: Lake, state: State) -> Iterator[Finding]:
    for name in sorted({proof for known in state.ranges.values() for proof in known.proofs}):
        try:
            read_proof.__wrapped__(str(lake.root / COMPACTIONS), name)  # anew: what is remembered proves nothing
        except TornError as error:
            what = str(error).removeprefix(f"{lake.root / COMPACTIONS / name}: ").partition("; ")[0]
            yield Finding("error", f"{COMPACTIONS}/{name}", what, "restore a copy: it tells files from one another")


def _lost(state: State) -> Iterator[Finding]:
    for source, known in sorted(state.ranges.items()):
        if known.skips.get(LOST):
            what = f"{known.skips[LOST]} positions were lost with a compacted file"
            yield Finding(
                "info", source, what, f"`dioptre lake forget {source}` has them read again, if they are there"
            )


def _waiting(lake: Lake, state: State) -> Iterator[Finding]:
    """Name what was replaced long ago and still lies there, and files in day folders that no record tells of."""
    late = lake.compactions().since(datetime.now(UTC) - timedelta(seconds=GRACE_S))
    took = {source for record in late for source in record.get("took", {})}
    for source in state.ranges:
        left = [] if source in took else sweep.replaced(lake, state, source)
        if left:
            what = f"{len(left)} files before {state.ranges[source].end}, where landing begins, should have gone"
            yield Finding("info", f"{LANDING}/{source}", what, _COMPACT)
    kept = {name for record in late for name in record.get("replaced", ())}
    for path in sweep.orphans(lake, state):
        name = f"{path.parent.name}/{path.name}"
        if name not in kept:
            age = f"{(time.time() - path.stat().st_mtime) / 60:.0f} min old" if path.exists() else "gone by now"
            yield Finding("info", f"{EVENTS}/{name}", f"no compaction tells of it, so nobody reads it; {age}", _COMPACT)
