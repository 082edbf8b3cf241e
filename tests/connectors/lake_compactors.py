"""A program for the lake's tests: writers and compactors on one chain, killed at bad moments, none held by another.

Run as `python -m tests.connectors.lake_compactors LAKE END SEED`. Two processes append, two compact and remove what was
replaced at once, one is a writer that sleeps between what it saw and what it writes. Whoever is killed is forked again.
"""

import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from connectors.lake import Lake, LakeError, commit, compact, compacting
from tests.connectors.lake_rows import add, rows
from tests.connectors.lake_writers import deadly, skipped


def squeeze(root: Path, end: int, dice: random.Random) -> None:
    """Compact until the chain has reached its end, as often as it goes, whoever else does."""
    compacting.alone = lambda *_, **__: contextlib.nullcontext(True)  # type: ignore[assignment]
    Path.rename = deadly(Path.rename, dice)  # type: ignore[method-assign]
    Path.unlink = deadly(Path.unlink, dice)  # type: ignore[method-assign]
    while True:
        lake = Lake.open(root)
        over = (lake.chain("kafka-a").end() or 0) >= end
        with contextlib.suppress(LakeError):  # a file that the other one has just removed
            compact(lake, older_than_s=0, grace_s=0, most_bytes=dice.randrange(20_000, 300_000))
        if over:
            return


def sleep(root: Path, end: int, dice: random.Random) -> None:
    """Append what was the tail long ago: a name that compaction has freed meanwhile."""
    chain = Lake.open(root).chain("kafka-a")
    while (tail := chain.end() or 0) < end:
        link = os.link

        def late(*args: Any, link: Any = link, **how: Any) -> None:
            time.sleep(dice.random() * 0.3)
            link(*args, **how)

        commit.os.link = late  # type: ignore[assignment]
        add(chain, tail, min(end, tail + 3))
        commit.os.link = link
        time.sleep(0.05)


def append(root: Path, end: int, dice: random.Random) -> None:
    """Append small cuts, some of them older than the tail, at the pace of the compactions."""
    lake = Lake.open(root)
    chain = lake.chain("kafka-a")
    while (tail := chain.end() or 0) < end:
        start, stop = max(0, tail - dice.randrange(40)), min(end, tail + dice.randrange(1, 30))
        there = [p for p in range(start, stop) if not skipped(p)]
        chain.append(rows("kafka-a", there), start, stop, {"skips": {"marker": stop - start - len(there)}})
        number, until = lake.compacted().sequence, time.monotonic() + 0.3
        while tail % 5 == 0 and lake.compacted().sequence == number and time.monotonic() < until:
            time.sleep(0.02)


DO = (append, append, squeeze, squeeze, sleep)


def fork(number: int, root: Path, end: int, luck: random.Random) -> int:
    """Start one; its process id."""
    pid = os.fork()
    if pid == 0:
        os.environ["WRITER"] = str(number)
        if DO[number] is not sleep:
            commit.os.link = deadly(os.link, luck)
            commit.os.fsync = deadly(os.fsync, luck)
        DO[number](root, end, luck)
        os._exit(0)
    return pid


def main() -> None:
    """Keep them running until each has ended by itself; print how often one was killed."""
    root, end, dice = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    running = {fork(n, root, end, random.Random(dice.random())): n for n in range(len(DO))}
    killed = 0
    while running:
        pid, status = os.wait()
        number = running.pop(pid)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            killed += 1
            running[fork(number, root, end, random.Random(dice.random()))] = number
        elif status:
            sys.exit(f"process {number} failed")
    print(killed)


if __name__ == "__main__":
    main()
