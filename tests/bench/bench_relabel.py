"""Relabel one kind with a million events: the very next query shows it, undo restores it. `python -m` this module."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.catalog import Session
from pipeline.curate import set_label
from pipeline.curate_undo import undo
from tests.bench.sql_lake import make

EVENTS = 1_000_000
COUNTS = "SELECT label, count(*) AS n FROM events GROUP BY 1"


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    print(f"{what:<34} {time.perf_counter() - wall:7.3f} s  {time.process_time() - cpu:7.3f} CPU-s")


def main() -> None:
    """Make a lake of one kind, relabel it, ask, undo, ask."""
    with tempfile.TemporaryDirectory() as folder:
        lake = make(Path(folder) / "lake", EVENTS, kinds=1)
        (row,) = lake.kinds().to_pylist()
        files = _files(lake.root)
        with Session(lake) as session:
            ask: Callable[[], list[dict[str, object]]] = lambda: session.run(COUNTS).to_pylist()  # noqa: E731
            with timed("query"):
                before = ask()
            new = "auth.session" if row["label"] != "auth.session" else "app.info"
            with timed("relabel"):
                set_label(lake, row["key"], new, by="bench", reason="measured")
            with timed("the very next query"):
                after = ask()
            with timed("undo"):
                undo(lake, None, by="bench")
            with timed("the very next query"):
                again = ask()
        assert after == [{"label": new, "n": EVENTS}], after
        assert again == before == [{"label": row["label"], "n": EVENTS}], again
        assert _files(lake.root) == files
        print(f"{EVENTS:,} events: {row['label']} -> {new} -> {row['label']}; no file of events was written")


def _files(root: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in (root / "events").rglob("*.parquet"))


if __name__ == "__main__":
    main()
