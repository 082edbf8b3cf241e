"""Run the twelve questions of deploy/sql on a lake of ten million events, and print what each takes.

    python -m tests.bench.bench_sql [--events N] [--lake FOLDER]

The lake is made first (about a minute), in a temporary folder unless one is named; a named one is kept and used again.
Wall time and CPU time of the second run of each (files cached), on two threads.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from connectors.catalog import Session
from connectors.lake import Lake
from tests.bench.sql_lake import make

QUESTIONS = sorted((Path(__file__).parents[2] / "deploy" / "sql").glob("[0-9]*.sql"))
LIMIT_S = 2.0


def main() -> int:
    """Print the table; 1 when a question takes longer than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--lake", type=Path)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dioptre-bench-") as aside:
        root = told.lake or Path(aside) / "lake"
        lake = Lake.open(root) if (root / "lake.json").exists() else make(root, told.events)
        with Session(lake, threads=2) as session:
            return _ask_all(session)


def _ask_all(session: Session) -> int:
    events = session.run("SELECT count(*) AS n FROM events")["n"][0].as_py()
    print(f"{events:,} events\n\nquestion                         wall s   CPU s    rows")
    slow = 0
    for path in QUESTIONS:
        session.run(path.read_text())
        wall, cpu = time.perf_counter(), time.process_time()
        rows = session.run(path.read_text()).num_rows
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        slow += wall >= LIMIT_S
        print(f"{path.stem:30} {wall:8.2f} {cpu:7.2f} {rows:7}", flush=True)
    print(f"\n{slow} of {len(QUESTIONS)} at or over {LIMIT_S:.0f} s")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
