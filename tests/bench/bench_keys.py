"""Count kinds: how many a million lines hold, and what share of the lines the hundred largest have.

Of generated lines, of sample_data/logs, and of the development half of Loghub-2k where it lies beside the project.
`python -m tests.bench.bench_keys --help`.
"""

import argparse
import csv
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from clustering.keys import Keyed, Keys
from connectors import archives
from connectors.formats.parse import parse
from connectors.lake import Lake
from pipeline.backfill import plan
from schemas.events import TS_QUALITIES, WORD
from tests.bench.lines import write
from tests.bench.report import Row, told

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_data" / "logs"
LOGHUB = ROOT.parent / "shared" / "data" / "loghub2k"
LARGEST = 100
_INHERITED = TS_QUALITIES.index("inherited")


def of_archives(spec: Path) -> Counter[str]:
    """Lines by key, of everything below a folder, or of a file; continuations and rejects have no kind of their own."""
    keys, counts = Keys(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as folder:
        lake = Lake.create(Path(folder))
        for read in plan(lake, [str(spec)]).plan.reads:
            for records in archives.read(read, lake_chain=lake.chain):
                parsed = parse(records)
                keyed = keys.of(parsed.column("app"), parsed.column("message"))
                alone = parsed.column("reject_reason").is_null().to_numpy(zero_copy_only=False)
                _add(counts, keyed, alone & (parsed.column("ts_quality").indices.to_numpy() != _INHERITED))
    return counts


def of_messages(messages: list[str]) -> Counter[str]:
    """Lines by key, of messages without a program."""
    counts = Counter[str]()
    _add(counts, Keys().of(pa.nulls(len(messages), WORD), pa.array(messages)), np.ones(len(messages), np.bool_))
    return counts


def _add(counts: Counter[str], keyed: Keyed, rows: "np.typing.NDArray[np.bool_]") -> None:
    for kind, n in zip(keyed.kinds, np.bincount(keyed.codes[rows], minlength=len(keyed.kinds)).tolist(), strict=True):
        if n:
            counts[kind.key] += n


def rows(name: str, counts: Counter[str]) -> list[Row]:
    """What is told of one set of lines."""
    lines = counts.total()
    largest = sum(n for _, n in counts.most_common(LARGEST))
    return [
        Row(name, f"{name}: kinds in {lines:,} lines", len(counts), "kinds"),
        Row(name, f"{name}: lines in the {LARGEST} largest", 100 * largest / max(lines, 1), "%"),
        Row(name, f"{name}: kinds of one line", sum(n == 1 for n in counts.values()), "kinds"),
    ]


def generated(lines: int) -> list[Row]:
    """A file of the bench's own lines in three formats mixed."""
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as folder:
        return rows("generated", of_archives(write(Path(folder) / "mix.log", lines, "mix")))


def loghub() -> Iterator[Row]:
    """The eight files, contents without headers."""
    for path in sorted(LOGHUB.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            read = list(csv.DictReader(file))
        kinds, events = of_messages([r["content"] for r in read]), len({r["event_id"] for r in read})
        what = f"Loghub-2k {path.stem}: kinds in {len(read):,} lines (people found {events} events)"
        yield Row("loghub", what, len(kinds), "kinds")


def main() -> None:
    """Count and tell."""
    ask = argparse.ArgumentParser(prog="python -m tests.bench.bench_keys", description=__doc__)
    ask.add_argument("--lines", type=int, default=1_000_000, help="generated ones")
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    args = ask.parse_args()
    out = generated(args.lines)
    if SAMPLES.is_dir() and any(SAMPLES.iterdir()):
        out += rows("sample_data/logs", of_archives(SAMPLES))
    else:
        print(f"left out: no logs in {SAMPLES.relative_to(ROOT)}", file=sys.stderr)
    if LOGHUB.is_dir():
        out += loghub()
    else:
        print("left out: Loghub-2k, no ../shared/data/loghub2k beside the project", file=sys.stderr)
    print(told(out, args.json))


if __name__ == "__main__":
    main()
