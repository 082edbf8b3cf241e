"""Measure the whole backfill, bytes to labelled Parquet: speed beside Drain3, memory, scaling, stages, novelty.

Every figure but the stages is of the real command in a process of its own, all its processes counted, and every lake
is checked to hold each line once. `python -m tests.bench.bench_backfill --help`; see README.md here.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from connectors.lake import Lake
from tests.bench import drain
from tests.bench.lines import FORMATS, write
from tests.bench.processes import Used, run
from tests.bench.report import Row, least, most, told

GOAL_SPEED, GOAL_RATIO, GOAL_MEMORY_MB, GOAL_FLAT, GOAL_SCALING = 350_000, 2.5, 700, 1.25, 1.7
STAGES = Path(__file__).with_name("stages.py")
START_LINES, DRAIN_LINES = 1_000, 300_000
TIMES_LARGE = 4
"""The goal of speed is for archives of this many times `--lines`: ten million lines, 1.3 GB, by default."""
TURNS = 20_000_000
"""Of a loop that does nothing, timed before and after: how fast the machine is meanwhile."""
NOVELTIES = (0.0, 0.001, 0.01)


@dataclass
class Bench:
    """What the parts share: where to work, how much, and how often.

    Attributes:
        lines: of the smaller file of the speed part; scaling and novelty take half, memory four tenths and eight times
            as many.
        repeat: runs of a timed backfill; the median counts.
    """

    work: Path
    lines: int
    repeat: int
    venv: Path
    command: Path
    seen: dict[str, float] = field(default_factory=dict)

    def file(self, form: str, lines: int, *, seed: int = 7, novelty: float = 0.0) -> Path:
        """Write a file of lines, unless it is there."""
        path = self.work / f"{form}-{lines}-{seed}-{novelty}.log"
        if not path.exists():
            say(f"writing {lines:,} lines, {form}")
            write(path, lines, form, seed=seed, novelty=novelty)
        return path

    def backfill(self, files: list[Path], lines: int, *, workers: int = 1, watch_memory: bool = False) -> Used:
        """Backfill files of `lines` lines together into a new lake, and see that it holds every one."""
        lake = self.work / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        say(f"backfill of {lines:,} lines, {', '.join(f.name for f in files)}, {workers} worker(s)")
        command: list[str | Path] = [
            self.command,
            "backfill",
            *files,
            "--lake",
            lake,
            "--workers",
            str(workers),
            "--json",
        ]
        used = run(command, cwd=self.work, watch_memory=watch_memory)
        opened = Lake.open(lake)
        segments = [s for source in opened.sources() for s in opened.chain(source).segments()]
        rows, rejects = sum(s.rows for s in segments), sum(s.footer["rejects"] for s in segments)
        self.seen["kinds"] = opened.kinds().num_rows
        shutil.rmtree(lake)
        if (rows, rejects) != (lines, 0):
            raise RuntimeError(f"{files}: {lines} lines gave {rows} rows, {rejects} of them rejected")
        return used

    def timed(self, files: list[Path], lines: int, workers: int = 1) -> tuple[float, float]:
        """Median CPU-seconds and median wall seconds of a backfill."""
        runs = [self.backfill(files, lines, workers=workers) for _ in range(self.repeat)]
        return statistics.median(u.cpu_s for u in runs), statistics.median(u.wall_s for u in runs)

    @cached_property
    def start(self) -> tuple[float, float]:
        """CPU and wall seconds of a backfill of 1,000 lines: what starting costs."""
        path = self.file("mix", START_LINES)
        self.backfill([path], START_LINES)  # keeps the byte code of what is imported
        return self.timed([path], START_LINES)


def say(text: str) -> None:
    """Tell how far it is, on standard error."""
    print(f"... {text}", file=sys.stderr, flush=True)


def speed(bench: Bench) -> list[Row]:
    """Lines per CPU-second of the whole backfill, start and all: an archive of `lines`, and one TIMES_LARGE as large."""
    rows = [_reference("before"), Row("speed", "start of the command (1,000 lines)", bench.start[0], "CPU-s")]
    for form in FORMATS:
        cpu, _ = bench.timed([bench.file(form, bench.lines)], bench.lines)
        bench.seen[f"{form} cpu_s"] = cpu
        lines = bench.lines * TIMES_LARGE
        path = bench.file(form, lines)
        large = bench.backfill([path], lines).cpu_s
        bench.seen[form] = lines / large
        rows += [
            Row("speed", f"{form}: {bench.lines:,} lines", bench.lines / cpu, "lines/CPU-s"),
            least("speed", f"{form}: {lines:,} lines", lines / large, "lines/CPU-s", GOAL_SPEED),
            Row("speed", f"{form}: a line more", (lines - bench.lines) / (large - cpu), "lines/CPU-s"),
            Row("speed", f"{form}: {lines:,} lines, bytes", path.stat().st_size / 1e6 / large, "MB/CPU-s"),
        ]
        path.unlink()
    return [*rows, _reference("after")]


def _reference(when: str) -> Row:
    """Time an empty loop of Python in this process; what else the machine does meanwhile slows it, too."""
    began = time.process_time()
    for _ in range(TURNS):
        pass
    return Row("speed", f"reference, {when}: turns of an empty loop", TURNS / (time.process_time() - began), "/CPU-s")


def against_drain(bench: Bench) -> list[Row]:
    """Drain3 mining templates alone from the same messages, and how many times as fast the whole backfill is."""
    try:
        python = drain.setup(bench.venv)
    except subprocess.CalledProcessError:
        say(f"left out: Drain3 {drain.VERSION} could not be installed into {bench.venv}; see above")
        return []
    messages = bench.file("messages", min(DRAIN_LINES, bench.lines))
    rows = []
    for masks, what in (("key", "masks as our key"), ("readme", "its README's masks"), ("none", "no masks")):
        say(f"Drain3, {what}")
        said = json.loads(run([python, drain.__file__, messages, masks], cwd=bench.work).out)
        pace = said["lines"] / said["cpu_s"]
        rows.append(Row("drain", f"Drain3, {what} ({said['clusters']:,} clusters)", pace, "lines/CPU-s"))
        if masks == "key":
            same = pace
            alone = said["lines"] / (said["cpu_s"] - said["masking_s"])
    rows.append(Row("drain", "Drain3, those of our key, the masking left out", alone, "lines/CPU-s"))
    for form in (form for form in FORMATS if form in bench.seen):
        rows.append(
            least("drain", f"{form}: whole backfill / Drain3, same masks", bench.seen[form] / same, "x", GOAL_RATIO)
        )
    return rows


def memory(bench: Bench) -> list[Row]:
    """Highest memory of all processes together, for few and for many lines."""
    rows, peaks = [], []
    for lines in (bench.lines * 2 // 5, bench.lines * 8):
        path = bench.file("mix", lines, seed=11)
        used = bench.backfill([path], lines, watch_memory=True)
        path.unlink()
        peaks.append(used.pss_mb)
        rows.append(most("memory", f"{lines:,} lines: all processes, PSS", used.pss_mb, "MB", GOAL_MEMORY_MB))
        rows.append(Row("memory", f"{lines:,} lines: largest process, RSS", used.rss_mb, "MB"))
        rows.append(Row("memory", f"{lines:,} lines: wall clock", used.wall_s, "s"))
    return [*rows, most("memory", "many lines / few lines, PSS", peaks[1] / peaks[0], "x", GOAL_FLAT)]


def scaling(bench: Bench) -> list[Row]:
    """Two files of one size with one worker and with two, by the clock on the wall."""
    lines = bench.lines // 2 * 2
    files = [bench.file("mix", bench.lines // 2, seed=seed) for seed in (7, 8)]
    (cpu1, one), (cpu2, two) = (bench.timed(files, lines, workers) for workers in (1, 2))
    return [
        Row("scaling", "one process", lines / one, "lines/s"),
        Row("scaling", "two processes", lines / two, "lines/s"),
        least("scaling", "two processes / one, wall clock", one / two, "x", GOAL_SCALING),
        Row("scaling", "the same without the start", (one - bench.start[1]) / (two - bench.start[1]), "x"),
        Row("scaling", "CPU-seconds of two / one", cpu2 / cpu1, "x"),
    ]


def stages(bench: Bench) -> list[Row]:
    """CPU-microseconds a line by stage; `rest`: what the whole command takes beyond them."""
    path = bench.file("mix", bench.lines)
    whole = bench.seen.get("mix cpu_s") or bench.timed([path], bench.lines)[0]
    say("stage by stage")
    said = run([sys.executable, STAGES, path, bench.work / "staged"], cwd=bench.work)
    shutil.rmtree(bench.work / "staged")
    spent = json.loads(said.out)
    lines, extra = spent.pop("lines"), spent.pop("masks on") / spent.pop("masked")
    spent |= {
        "rest: start of Python": bench.start[0],
        "rest: Beam, processes": whole - sum(spent.values()) - bench.start[0],
    }
    named = {"mask": "mask (none by default)"}
    rows = [Row("stages", f"mix: {named.get(n, n)}", s / lines * 1e6, "us/line") for n, s in spent.items()]
    rows.append(Row("stages", "mix: whole command", whole / lines * 1e6, "us/line"))
    return [*rows, Row("stages", "beside: every [privacy] mask switched on", extra * 1e6, "us/line")]


def novelty(bench: Bench) -> list[Row]:
    """What lines of kinds never seen before cost: the tiny model, the memo, the notes in novel/."""
    rows, base, lines = [], 0.0, bench.lines // 2
    for share in NOVELTIES:
        cpu, _ = bench.timed([bench.file("mix", lines, novelty=share)], lines)
        base = base or cpu
        what = f"{share:.1%} new kinds ({int(bench.seen['kinds']):,} kinds)"
        rows.append(Row("novelty", what, cpu / lines * 1e6, "us/line"))
        if share:
            rows.append(Row("novelty", f"{share:.1%}: each new kind", (cpu - base) / (share * lines) * 1e6, "us"))
    return rows


PARTS: dict[str, Callable[[Bench], list[Row]]] = {
    "speed": speed, "drain": against_drain, "stages": stages, "novelty": novelty, "scaling": scaling, "memory": memory,
}  # fmt: skip


def main() -> None:
    """Run the parts asked for; the table is for standard output."""
    here = Path(sys.executable).with_name("dioptre")
    ask = argparse.ArgumentParser(prog="python -m tests.bench.bench_backfill", description=__doc__)
    ask.add_argument("--lines", type=int, default=2_500_000, help="of a file; see `Bench`")
    ask.add_argument("--repeat", type=int, default=3, help="runs of a timed backfill; the median counts")
    ask.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.add_argument("--work", type=Path, help="folder on the disk to measure on (default: a temporary one)")
    ask.add_argument(
        "--venv", type=Path, default=Path.home() / ".cache/dioptre-bench/drain3", help="Drain3's own environment"
    )
    ask.add_argument("--command", type=Path, default=here, help="another build's `dioptre`")
    args = ask.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work, prefix="dioptre-bench-") as work:
        bench = Bench(Path(work), args.lines, args.repeat, args.venv, args.command)
        rows = [row for name, part in PARTS.items() if name in args.only for row in part(bench)]
    print(told(rows, args.json))


if __name__ == "__main__":
    main()
