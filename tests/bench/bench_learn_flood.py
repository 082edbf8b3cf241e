"""What a flood of junk kinds does to the good lines among it, in the processes that a stream runs in.

A worker parses, labels and commits with what a stream's worker keeps, refreshing what it knows and giving memory back
as that does; the learner is the stream's own process. Only the lines come from a generator in the worker, whose time is
not counted.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil

from connectors.lake import Lake, verify
from pipeline.job import Job
from pipeline.stream_learn import Learning
from tests.bench.learn_lines import blocks, junk, records
from tests.bench.report import Row, least, most

GOAL, GOAL_MIB = 0.8, 1024
REFRESH_S = 5.0
"""A worker looks this often for what was published."""
LOOK_S = 0.2
TAKEN = 65_536
"""Lines in a batch at most."""
PART = 16_384
"""Good lines, or junk, in a part of a batch that is taken by turns."""


@dataclass(frozen=True)
class Phase:
    """What a worker took for good lines, and the junk among them, without making up the lines.

    `batches`: of each the lines, good ones and junk, and CPU-seconds. `wall_s`: of all.
    """

    batches: list[tuple[int, int, float]]
    wall_s: float

    @property
    def good(self) -> int:
        """Good lines."""
        return sum(good for good, _, _ in self.batches)

    @property
    def junk(self) -> int:
        """Junk lines."""
        return sum(junk for _, junk, _ in self.batches)

    @property
    def cpu_s(self) -> float:
        """CPU-seconds."""
        return sum(cpu for _, _, cpu in self.batches)

    @property
    def per_cpu_s(self) -> float:
        """Good lines a CPU-second."""
        return self.good / self.cpu_s


@dataclass
class Looks:
    """MiB (PSS) of each process of the job, and CPU-seconds of the learner, as last and as highest seen."""

    peak: dict[str, float] = field(default_factory=dict)
    highest: float = 0.0
    learner_s: dict[int, float] = field(default_factory=dict)

    def look(self, pids: dict[str, int | None]) -> None:
        """Look at the processes as they are now; one that ends meanwhile is left out."""
        found: dict[str, float] = {}
        for name, pid in pids.items():
            try:
                process = psutil.Process(pid) if pid is not None else None
                if process is None:
                    continue
                found[name] = process.memory_full_info().pss / 2**20
                if name == "learner":
                    spent = process.cpu_times()
                    self.learner_s[process.pid] = spent.user + spent.system
            except psutil.Error:
                continue
        self.peak |= {name: max(mib, self.peak.get(name, 0.0)) for name, mib in found.items()}
        self.highest = max(self.highest, sum(found.values()))


def work(job: Job, pipe: Connection) -> None:
    """Be the worker: take a `Turn` at a word; tell what it took."""
    from pipeline.kept import kept
    from pipeline.stream_memory import Held, one_heap
    from pipeline.transforms import commit

    one_heap()
    mine, held, at = kept(job), Held(), 0
    while (asked := pipe.recv()) is not None:
        took, wall = list[tuple[int, int, float]](), 0.0
        for good, lines in by_turns(asked) if asked.by_turns else mixed(asked):
            batch = records(lines, at)
            began, clock = time.process_time(), time.monotonic()
            held.read(batch.nbytes)
            commit(mine.lake, mine.label(job.parse(batch)))
            if not asked.by_turns:  # it would fall on batches of the same sort again and again
                held.rest()
            took.append((good, len(lines) - good, time.process_time() - began))
            wall += time.monotonic() - clock
            at += len(lines)
        pipe.send(Phase(took, wall))


@dataclass(frozen=True)
class Turn:
    """What a worker is to take: good lines of a seed, and junk from the first on; `by_turns`: see there."""

    seed: int
    good: int
    first: int = 0
    junk: int = 0
    by_turns: bool = False


def mixed(turn: Turn) -> Iterator[tuple[int, list[str]]]:
    """Yield batches of good lines with as much junk in each as makes it come out even; how many are good, and all."""
    done = sent = 0
    for block in blocks(turn.good, turn.seed):
        done += len(block)
        until = turn.junk * done // turn.good
        lines = block + [junk(turn.first + i) for i in range(sent, until)]
        sent = until
        for start in range(0, len(lines), TAKEN):
            yield max(0, min(len(block) - start, TAKEN)), lines[start : start + TAKEN]


def by_turns(turn: Turn) -> Iterator[tuple[int, list[str]]]:
    """Yield four sorts of batches by turns: one part of good lines or two, without junk or with as much as a part.

    What the second part costs without junk and with it, so near to one another in time, is what is compared. Parts of
    this size make batches as a stream has them while it keeps up. In the larger ones of a backlog junk costs good lines
    more: with parts of 32,768 and of 65,536 .76 and .80 of the good lines a CPU-second were seen (one run each).
    """
    kept, sent, sort = list[str](), turn.first, 0
    for block in blocks(turn.good, turn.seed):
        kept += block
        while len(kept) >= 2 * PART:
            good, more = PART * (1 + sort % 2), PART * (sort // 2)
            yield good, kept[:good] + [junk(sent + i) for i in range(more)]
            kept, sent, sort = kept[good:], sent + more, (sort + 1) % 4


def flood(folder: Path, kinds: int, lines: int, learn_s: float) -> Iterator[Row]:
    """Mix junk kinds, each of them once, with good lines; measure before, meanwhile, after."""
    job = Job(Lake.create(folder / "flood").root, refresh_s=REFRESH_S)
    context = get_context("forkserver")
    pipe, theirs = context.Pipe()
    worker = context.Process(target=work, args=(job, theirs), daemon=True)
    worker.start()
    learning, looks, phases = Learning(job, learn_s, time.monotonic()), Looks(), []
    third = lines // 3
    try:
        for turn in turns(kinds, third):
            pipe.send(turn)
            phase = _wait(pipe, lambda: _look(learning, looks, worker.pid))
            phases.append((phase, sum(looks.learner_s.values())))
        pipe.send(None)
        worker.join()
    finally:
        learning.kill()
        worker.kill()
    yield from _told(phases, looks, job, kinds, third)


def turns(kinds: int, good: int) -> list[Turn]:
    """Give what the worker takes: warming up, before, the flood, after; then good lines and junk by turns."""
    return [
        Turn(6, good), Turn(7, good), Turn(8, good, 0, kinds), Turn(9, good),
        Turn(10, 12 * good, kinds, by_turns=True),
    ]  # fmt: skip


def second_part(batches: Sequence[tuple[int, int, float]]) -> tuple[float, float]:
    """Give what a good line of a second part costs, in seconds: without junk, and with it; medians of `by_turns`."""
    cost: dict[bool, list[float]] = {False: [], True: []}
    for (one, beside, a), (two, _, b) in zip(batches[::2], batches[1::2], strict=False):
        cost[beside > 0].append((b - a) / (two - one))
    return float(np.median(cost[False])), float(np.median(cost[True]))


def _look(learning: Learning, looks: Looks, worker: int | None) -> None:
    learning.look(time.monotonic())
    server = psutil.Process(worker).ppid() if worker is not None else None
    looks.look({"supervisor": psutil.Process().pid, "fork server": server, "worker": worker, "learner": learning.pid()})


def _wait(pipe: Connection, meanwhile: Callable[[], None]) -> Phase:
    """Do something now and then until the worker tells what it took."""
    while not pipe.poll(LOOK_S):
        meanwhile()
    phase: Phase = pipe.recv()
    meanwhile()
    return phase


def _told(phases: list[tuple[Phase, float]], looks: Looks, job: Job, kinds: int, good: int) -> Iterator[Row]:
    """Tell what was seen; the first phase warmed up."""
    assert job.lake is not None
    names = ("before", "meanwhile", "after")
    (before, _), (during, _), (after, _), (among, _) = phases[1:]
    part = f"a flood of {kinds:,} junk kinds among {good:,} good lines"
    lake = Lake.open(job.lake)
    yield Row(part, f"{part}: kinds remembered", lake.kinds().num_rows, "")
    for (phase, learner_s), (_, learnt), name in zip(phases[1:4], phases[:3], names, strict=True):
        yield Row(part, f"{name}: good lines a CPU-second of the worker", round(phase.per_cpu_s), "")
        yield Row(part, f"{name}: good lines a second", round(phase.good / phase.wall_s), "")
        yield Row(part, f"{name}: the learner", learner_s - learnt, "CPU-s")
    each = 1e6 * (during.cpu_s - during.good / before.per_cpu_s) / max(1, during.junk)
    yield Row(part, "a junk line costs the worker", each, "us CPU")
    yield Row(part, "a good line, before", 1e6 / before.per_cpu_s, "us CPU")
    yield Row(part, "meanwhile, were junk as cheap as good lines, to before", good / (good + kinds), "")
    yield Row(
        part, "meanwhile: good lines a CPU-second, junk's included, to before", during.per_cpu_s / before.per_cpu_s, ""
    )
    plain, beside = second_part(among.batches)
    yield Row(part, "by turns: a good line in a batch without junk", 1e6 * plain, "us CPU")
    yield Row(part, "by turns: a good line in a batch with junk", 1e6 * beside, "us CPU")
    yield least(
        part, "by turns: good lines a CPU-second that they cost, with junk to without", plain / beside, "", GOAL
    )
    either = (during.good + during.junk) / during.cpu_s / before.per_cpu_s
    yield Row(part, "meanwhile: lines of either sort a CPU-second, to before", either, "")
    yield least(part, "after: good lines a CPU-second, to before", after.per_cpu_s / before.per_cpu_s, "", GOAL)
    yield from (Row(part, f"highest memory, {name}", mib, "MiB") for name, mib in looks.peak.items())
    yield most(part, "highest memory, all processes together", looks.highest, "MiB", GOAL_MIB)
    checked = verify(lake.root)
    taken = sum(phase.good + phase.junk for phase, _ in phases)
    missing = abs(checked.total.events + checked.total.rejects - taken) + checked.total.missing
    yield most(part, "positions missing or doubled", missing, "", 0)
    yield most(part, "faults that `lake verify` finds", len(checked.findings), "", 0)


def add(ask: argparse.ArgumentParser) -> None:
    """Add the options of the flood."""
    ask.add_argument("--kinds", type=int, default=1_000_000, help="junk kinds of the flood")
    ask.add_argument("--learn-s", type=float, default=10.0, help="seconds between two passes of the learner in it")
