"""A program for the lake's tests: processes that write one chain, or publish kinds, and are killed at bad moments.

Run as `python -m tests.connectors.lake_writers append|publish|tear LAKE END SEED`. It forks its writers, and forks one
again that was killed; `tear` has the first of them damage segments and repair the lake while the others append.
"""

import contextlib
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.lake import GapError, Lake, TornError, commit, repair
from tests.connectors.lake_rows import kinds, rows

WRITERS = 6


def skipped(position: int) -> bool:
    """Every seventh position holds nothing, as a Kafka marker does."""
    return position % 7 == 3


def deadly(call: Callable[..., Any], dice: random.Random) -> Callable[..., Any]:
    """The call, but one time in 16 the process is killed before it, one time in 16 after it."""

    def may_die(*args: Any, **kwargs: Any) -> Any:
        when = dice.randrange(16)
        if when == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*args, **kwargs)
        if when == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return may_die


def append(root: Path, end: int, dice: random.Random) -> None:
    """Append random cuts, some of them older than the tail, until the chain has reached `end`."""
    while True:
        with contextlib.suppress(TornError, GapError):  # only where repair is at work
            chain = Lake.open(root).chain("kafka-a")
            while (tail := chain.end() or 0) < end:
                start = max(0, tail - dice.randrange(40))
                stop = min(end, tail + dice.randrange(1, 120))
                there = [p for p in range(start, stop) if not skipped(p)]
                chain.append(rows("kafka-a", there), start, stop, {"skips": {"marker": stop - start - len(there)}})
            return


def tear(root: Path, end: int, dice: random.Random) -> None:
    """The first writer damages a segment and repairs the lake, ten times; the others append."""
    if os.environ["WRITER"] != "0":
        append(root, end, dice)
        return
    for _ in range(10):
        there = sorted((root / "events/landing").glob("kafka-a/*.parquet"))
        if there:
            os.truncate(dice.choice(there), 99)
        repair(root)


def publish(root: Path, end: int, _: random.Random) -> None:
    """Publish the kinds of this writer that the registry lacks, one a file."""
    lake = Lake.open(root)
    mine = [f"{os.environ['WRITER']}-{n}" for n in range(end)]
    known = set(lake.kinds().column("key").to_pylist())
    for key in [key for key in mine if key not in known]:
        lake.publish(kinds(key))


def fork(number: int, what: str, root: Path, end: int, luck: random.Random) -> int:
    """Start a writer; its process id."""
    pid = os.fork()
    if pid == 0:
        os.environ["WRITER"] = str(number)
        commit.os.link = deadly(os.link, luck)
        commit.os.fsync = deadly(os.fsync, luck)
        {"append": append, "publish": publish, "tear": tear}[what](root, end, luck)
        os._exit(0)
    return pid


def main() -> None:
    """Keep the writers running until each has ended by itself; print how often one was killed."""
    what, root, end, dice = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), random.Random(int(sys.argv[4]))
    running = {fork(n, what, root, end, random.Random(dice.random())): n for n in range(WRITERS)}
    killed = 0
    while running:
        pid, status = os.wait()
        number = running.pop(pid)
        if os.WIFSIGNALED(status):
            killed += 1
            running[fork(number, what, root, end, random.Random(dice.random()))] = number
        elif os.WEXITSTATUS(status):
            sys.exit(f"writer {number} failed")
    print(killed)


if __name__ == "__main__":
    main()
