"""The compactor beside a stream: what it replaces stays for the grace that was asked for."""

import multiprocessing
import os
from pathlib import Path

import pytest

from connectors.lake import Lake, compact
from pipeline.stream_compact import compact_once
from tests.connectors.lake_rows import add


@pytest.mark.parametrize(("grace_s", "left"), [(0.0, 1), (86_400.0, 5)])
def test_replaced_files_stay_for_the_grace_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grace_s: float, left: int
) -> None:
    lake = Lake.create(tmp_path / "lake")
    for start in range(0, 50, 10):
        add(lake.chain("kafka-a"), start, start + 10)
    assert compact(lake, older_than_s=0).segments == 4
    ours, theirs = multiprocessing.Pipe(duplex=False)
    monkeypatch.setattr(os, "nice", lambda by: 0)  # this process goes on to run other tests
    compact_once(lake.root, theirs, grace_s)
    failure, cpu_s = ours.recv()
    assert (failure, cpu_s > 0) == ("", True)
    assert len(list(lake.root.glob("events/landing/kafka-a/*.parquet"))) == left
