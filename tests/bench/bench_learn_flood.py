"""What a flood of junk kinds does to the good lines among it, in the processes that a stream runs in.

A worker parses, labels and commits with what a stream's worker keeps, refreshing what it knows as that does; the
learner is the stream's own process. Only the lines come from a generator in the worker, whose time is not counted.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

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


@dataclass(frozen=True)
class Phase:
    """What a worker took for good lines, and the junk among them; `cpu_s` and `wall_s` without making up the lines."""

    good: int
    junk: int
    cpu_s: float
    wall_s: float

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
    """Be the worker: take (good lines to skip, good lines, first junk, junk) at a word; tell what it took."""
    from pipeline.kept import kept
    from pipeline.transforms import commit

    mine, at = kept(job), 0
    while (asked := pipe.recv()) is not None:
        skip, good, first, many = asked
        cpu = wall = 0.0
        for lines in _mixed(skip, good, first, many):
            batch = records(lines, at)
            began, clock = time.process_time(), time.monotonic()
            commit(mine.lake, mine.label(job.parse(batch)))
            cpu, wall = cpu + time.process_time() - began, wall + time.monotonic() - clock
            at += len(lines)
        pipe.send(Phase(good, many, cpu, wall))


def _mixed(seed: int, good: int, first: int, many: int) -> Iterator[list[str]]:
    """Yield batches of good lines with as much junk in each as makes it come out even."""
    done = sent = 0
    for block in blocks(good, seed):
        done += len(block)
        until = many * done // good
        block = block + [junk(first + i) for i in range(sent, until)]
        sent = until
        for start in range(0, len(block), TAKEN):
            yield block[start : start + TAKEN]


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
        for seed, times, first, many in turns(kinds, third // 2):
            pipe.send((seed, times * third, first, many))
            phase = _wait(pipe, lambda: _look(learning, looks, worker.pid))
            phases.append((phase, sum(looks.learner_s.values())))
        pipe.send(None)
        worker.join()
    finally:
        learning.kill()
        worker.kill()
    yield from _told(phases, looks, job, kinds, third)


def turns(kinds: int, more: int) -> list[tuple[int, int, int, int]]:
    """Give (seed, thirds of the good lines, first junk, junk) of each phase.

    Warming up, before, the flood, after; then `more` junk in one third and in two, which parts what a good line among
    junk costs from what the junk costs.
    """
    return [
        (6, 1, 0, 0), (7, 1, 0, 0), (8, 1, 0, kinds), (9, 1, 0, 0),
        (10, 1, kinds, more), (11, 2, kinds + more, more),
    ]  # fmt: skip


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
    (before, _), (during, _), (after, _), (one, _), (two, _) = phases[1:]
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
    among = good / max(two.cpu_s - one.cpu_s, 1e-9)
    yield least(
        part, "among junk: good lines a CPU-second that they cost, to before", among / before.per_cpu_s, "", GOAL
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
