"""A line that goes on with the one before it does so however the file is cut into batches."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from archives_kit import MemoryLake, put

from connectors.archives import find, plan, read
from connectors.formats.parse import parse
from pipeline.job import Job

TRACES = [
    b"Nov 20 11:14:15 app1 shop[7]: order %d failed\n"
    b"Traceback (most recent call last):\n"
    b'  File "shop.py", line %d, in pay\n'
    b"ValueError: no card %d\n"
    b"Nov 20 11:14:16 app1 shop[7]: next %d\n",
    b"2026-11-20 11:14:17,123 ERROR pay: order %d failed\n"
    b"java.lang.IllegalStateException: no card %d\n"
    b"\tat com.shop.Pay(Pay.java:%d)\n"
    b"Caused by: java.io.IOException: closed %d\n",
    b"no header, no stamp %d\n  indented %d\n\nError: all by itself %d\n{\n}%d\n",
]
DATA = b"".join(TRACES[n % 3] % (n, n, n, n) for n in range(300))


def rows(path: Path, batch_rows: int, batch_bytes: int = 1 << 20) -> list[dict[str, object]]:
    labeller = Job(lake=None).labeller()
    [r] = plan(find([str(path)]).archives, MemoryLake().chain, 1 << 30).reads
    batches = [labeller.label(parse(b)).events for b in read(r, batch_rows=batch_rows, batch_bytes=batch_bytes)]
    assert all(batch.num_rows <= batch_rows for batch in batches)
    return pa.Table.from_batches([batch.replace_schema_metadata(None) for batch in batches]).to_pylist()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(tmp_path_factory.mktemp("files") / "shop.log", DATA)


@pytest.fixture(scope="module")
def whole(path: Path) -> list[dict[str, object]]:
    return rows(path, 100_000)


@pytest.mark.parametrize("batch_rows", [7, 64, 65])
def test_the_rows_are_the_same_however_many_lines_a_batch_holds(
    path: Path, whole: list[dict[str, object]], batch_rows: int
) -> None:
    assert rows(path, batch_rows) == whole
    assert sum(row["ts_quality"] == "inherited" for row in whole) == 600
    assert datetime(2026, 11, 20, 11, 14, 17, 123_000, UTC) in {row["ts"] for row in whole}


@pytest.mark.parametrize("batch_bytes", [1000, 4096, 5003])
def test_the_rows_are_the_same_however_many_bytes_a_batch_holds(
    path: Path, whole: list[dict[str, object]], batch_bytes: int
) -> None:
    assert rows(path, 100_000, batch_bytes) == whole


def runs(path: Path, lake: MemoryLake, range_size: int) -> list[dict[str, object]]:
    """The rows of what a run of a backfill adds, as it would store them."""
    labeller, added = Job(lake=None).labeller(), []
    for r in plan(find([str(path)]).archives, lake.chain, range_size).reads:
        for batch in read(r, batch_rows=50, lake_chain=lake.chain):
            lake.append(batch, range_size)
            added += labeller.label(parse(batch)).events.to_pylist()
    return added


@pytest.mark.parametrize("codec", ["plain", "gzip"])
@pytest.mark.parametrize("range_size", [997, 5000])
def test_a_line_at_the_border_of_a_range_goes_on_with_one_of_the_range_before(
    tmp_path: Path, whole: list[dict[str, object]], range_size: int, codec: str
) -> None:
    added = runs(put(tmp_path / "shop.log", DATA, codec), MemoryLake(), range_size)
    assert sorted(added, key=lambda row: row["source_offset"]) == whole  # type: ignore[arg-type,return-value]


def test_a_line_written_after_a_run_goes_on_with_one_that_the_lake_has(
    tmp_path: Path, whole: list[dict[str, object]]
) -> None:
    ends = [at + 1 for at in range(len(DATA)) if DATA[at : at + 1] == b"\n"]
    lake, added = MemoryLake(), []
    for end in [*ends[2:400:3], len(DATA)]:
        added += runs(put(tmp_path / "shop.log", DATA[:end]), lake, 1 << 30)
    assert added == whole
