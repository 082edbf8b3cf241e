"""Archives and the lake itself: chains that real segments make, holes that repair leaves, two runs at once."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.archives import Outcome, find, in_step, plan, read
from connectors.lake import Lake
from tests.connectors.archives_kit import drive, put
from tests.connectors.lake_rows import ask, rows

RANGE = 20_000


def some_lines(n: int, seed: int = 0) -> bytes:
    rnd = random.Random(seed)
    return b"# opened\n" + b"".join(b"%d %s\n" % (i, rnd.randbytes(rnd.randrange(30)).hex().encode()) for i in range(n))


def starts(data: bytes) -> list[int]:
    return [0, *(i + 1 for i, byte in enumerate(data[:-1]) if byte == ord("\n"))]


def commit(lake: Lake, batch: pa.RecordBatch) -> None:
    """Append a batch as the pipeline does: metadata into the footer, a row for each record."""
    told = {k.decode(): v.decode() for k, v in batch.schema.metadata.items()}
    start, end = int(told.pop("start")), int(told.pop("end"))
    footer = told | {key: json.loads(told[key]) for key in ("skips", "marks")}
    chain = lake.chain(told["source"])
    if in_step(chain, start, told["before"]):
        chain.append(rows(told["source"], batch.column("source_offset").to_pylist()), start, end, footer)


def backfill(lake: Lake, path: Path) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for r in plan(find([str(path)]).archives, lake.chain, lake.range_size).reads:
        for batch in drive(read(r, batch_rows=100, lake_chain=lake.chain), outcomes):
            commit(lake, batch)
    return outcomes


def offsets(lake: Lake) -> list[int]:
    """All positions in the lake, by family and offset."""
    told = "SELECT source_offset FROM events ORDER BY split_part(source, '.', 1), source_offset"
    return [offset for (offset,) in ask(lake.root, told)]


def test_a_file_that_grows_and_is_compressed_stands_in_the_lake_once(tmp_path: Path) -> None:
    data, lake = some_lines(2000), Lake.create(tmp_path / "lake", range_size=RANGE)
    backfill(lake, put(tmp_path / "a", data[: data.index(b"\n", 30_000) + 1]))
    backfill(lake, put(tmp_path / "a", data))
    assert offsets(lake) == starts(data)
    again = plan(find([str(put(tmp_path / "b", data, "xz"))]).archives, Lake.open(lake.root).chain, RANGE)
    assert (again.reads, [d.why for d in again.done]) == ([], ["read before"])


@pytest.mark.parametrize("codec", ["plain", "gzip"])
def test_holes_that_repair_leaves_are_read_again(tmp_path: Path, codec: str) -> None:
    data, path = some_lines(2000), tmp_path / "a"
    put(path, data, codec)
    backfill(Lake.create(tmp_path / "lake", range_size=RANGE), path)
    for lost in ([1], [0], [2, 5], [-1]):
        files = sorted((tmp_path / "lake/events/landing").glob("file-*/*.parquet"))
        for i in lost:
            files[i].unlink()
        lake = Lake.open(tmp_path / "lake")
        assert offsets(lake) != starts(data)
        backfill(lake, path)
        assert offsets(lake) == starts(data)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("alike", [True, False])
def test_two_runs_that_take_turns_at_random_store_each_content_once(tmp_path: Path, seed: int, alike: bool) -> None:
    datas, rnd = [some_lines(500, 1), some_lines(500, 1 if alike else 2)], random.Random(seed)
    Lake.create(tmp_path / "lake")
    lakes = [Lake.open(tmp_path / "lake") for _ in datas]
    runs: list[tuple[Lake, Any, list[pa.RecordBatch]]] = []
    for i, (data, lake) in enumerate(zip(datas, lakes, strict=True)):
        [r] = plan(find([str(put(tmp_path / str(i), data))]).archives, lake.chain, lake.range_size).reads
        runs.append((lake, read(r, batch_rows=rnd.choice([40, 100, 200]), lake_chain=lake.chain), []))
    while runs:
        lake, reader, held = run = rnd.choice(runs)
        if held:
            commit(lake, held.pop())
        elif (batch := next(reader, None)) is not None:
            held.append(batch)
        else:
            runs.remove(run)
    assert offsets(lakes[0]) == [offset for data in (datas[:1] if alike else datas) for offset in starts(data)] or (
        offsets(lakes[0]) == [offset for data in reversed(datas) for offset in starts(data)]
    )
