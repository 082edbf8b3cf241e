"""Compaction: sealed segments of landing become day files sorted by time; small day files become larger ones.

Each step is one record (switch.py): before it, what was made is nobody's; after it, what was replaced is. Killed at
any moment, a step is undone or done. What was replaced is removed by a later call, when no reader can need it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.lake import sweep
from connectors.lake.compactions import whole_record
from connectors.lake.merging import merge, mergeable
from connectors.lake.settings import GRACE_S
from connectors.lake.step import Step
from connectors.lake.store import Lake
from connectors.lake.switch import alone, switch
from connectors.lake.taking import age_s, choose, size_of, take, takeable

OLDER_THAN_S = 900.0
"""Segments wait so long for company, unless many are there."""
MANY, MUCH = 256, 32 << 20
"""So many sealed segments, or so many bytes of them, are compacted at once."""
NEWEST_AFTER_S = 86_400.0
"""A chain's newest segment is left in landing until the chain has been at rest for so long: then it is at its end."""
MOST_BYTES = 48 << 20
"""Read by one call: a million rows of 50 bytes sort in 350 MB, three million need over a gigabyte; the next goes on."""
WHOLE_EVERY = 100
"""A record that says everything is written after so many."""


@dataclass
class Compacted:
    """What a call did.

    Attributes:
        segments, rows: taken from landing.
        merged: compacted files that became larger ones.
        made: files made, relative to events/.
        removed: files removed whose time had come.
        more: there is more to be done; call again.
        refused: sources whose segments do not hold what their footers say; `verify` tells more.
    """

    segments: int = 0
    rows: int = 0
    merged: int = 0
    made: list[str] = field(default_factory=list)
    removed: int = 0
    more: bool = False
    refused: list[str] = field(default_factory=list)


def compact(
    lake: Lake,
    *,
    older_than_s: float = OLDER_THAN_S,
    newest_after_s: float = NEWEST_AFTER_S,
    grace_s: float = GRACE_S,
    now: datetime | None = None,
    most_bytes: int = MOST_BYTES,
    memory: str = "128MB",
    threads: int = 1,
) -> Compacted:
    """Do one round: take segments, merge small files, remove what was replaced `grace_s` ago. Often there is nothing.

    To be called every minute or so. Of two at once, one does nothing. Needs under 500 MB.

    Args:
        older_than_s: take segments when one has waited so long, or when many are there; 0: at once.
        newest_after_s: take the newest segment of a chain that has been at rest for so long; always left else.
        now: time of the clock unless given.
        most_bytes: bound on what is read by this call.
        memory, threads: of the sort; what does not fit goes to the lake's staging folder.

    Raises:
        LakeError: a file cannot be read, or the file system refused; nothing is half done.
    """
    now = now or datetime.now(UTC)
    done = Compacted()
    with alone(lake, wait_s=0.0) as free:
        if not free:
            return done
        step = Step(lake, now, memory, threads, lake.kinds())
        left = most_bytes - _take(step, done, older_than_s, newest_after_s, most_bytes)
        _merge(step, done, left)
        _sum_up(lake, now)
        done.removed = sweep.sweep(lake, now=now, grace_s=grace_s)
    return done


def _take(step: Step, done: Compacted, older_than_s: float, newest_after_s: float, most: int) -> int:
    """Compact segments of landing if it is time; give the bytes read."""
    found = takeable(step.lake, step.now, newest_after_s)
    sizes = {s.path: size_of(s.path) for run in found.values() for s in run}
    oldest = max((age_s(run[0], step.now) for run in found.values()), default=-1.0)
    if not sizes or (oldest < older_than_s and len(sizes) < MANY and sum(sizes.values()) < MUCH):
        return 0
    chosen, read = choose(found, sizes, step.now, most)
    made, done.refused = take(step, chosen)
    taken = [s for source, run in chosen.items() if source not in done.refused for s in run]
    if made is not None:
        done.segments, done.rows, done.made = len(taken), sum(s.rows for s in taken), made
        done.more = len(taken) < len(sizes)
    return read


def _merge(step: Step, done: Compacted, left: int) -> None:
    """Merge the small files of days, a record a day, as far as the bound allows."""
    for files in mergeable(step.lake.compacted().files.values(), step.now):
        size = sum(file.bytes for file in files)
        if size > left:
            done.more = True
            return
        left -= size
        made = merge(step, files)
        if made is not None:
            done.merged += len(files)
            done.made += made


def _sum_up(lake: Lake, now: datetime) -> None:
    """Write a record that says everything, now and then."""
    state = lake.compacted()
    if state.sequence - state.whole >= WHOLE_EVERY:
        switch(lake, whole_record(state), now=now, inputs={})
