"""Compactors, writers and readers at once, some of them killed: each position is there once, at every moment."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from connectors.catalog import Session
from connectors.lake import Lake, compact, repair, verify
from tests.connectors.lake_rows import add
from tests.connectors.test_lake_compact import asked

HOUSE = Path(__file__).parents[2]


def test_killed_compactors_beside_writers_fresh_and_stale_leave_each_position_once(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    command = [sys.executable, "-m", "tests.connectors.lake_compactors", str(tmp_path), "400", "3"]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
    told = verify(lake)
    assert (told.ok, told.total.missing) == (True, 0), told.findings
    assert lake.compacted().sequence > 2
    compact(lake, older_than_s=0, newest_after_s=0, grace_s=-1)
    assert lake.base("kafka-a") == 400
    query = "SELECT count(*) AS n, count(DISTINCT source_offset) AS d, bool_and(message = 'line ' || source_offset) AS same FROM events"
    assert asked(lake, query) == [{"n": told.total.positions, "d": told.total.positions, "same": True}]
    repair(lake)  # whoever is killed right behind the switch leaves a record without its copy
    assert verify(lake, deep=True).findings == []


def test_four_readers_beside_segments_and_compactions_see_no_error_and_no_count_falls(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    for source in ("kafka-a", "kafka-b", "kafka-c"):
        add(lake.chain(source), 0, 10)
    over, failures, asked_often = threading.Event(), list[str](), [0] * 4

    def read(number: int) -> None:
        seen = 0
        try:
            with Session(Lake.open(tmp_path), threads=1) as session:
                while not over.is_set():
                    one = session.run("SELECT count(*) AS n, count(DISTINCT (source, source_offset)) AS d FROM events")
                    n, d = one["n"][0].as_py(), one["d"][0].as_py()
                    if n < seen or n != d:
                        failures.append(f"{seen} before, now {n}, {d} of them different")
                    seen, asked_often[number] = n, asked_often[number] + 1
        except Exception as error:
            failures.append(repr(error))

    readers = [threading.Thread(target=read, args=(i,)) for i in range(4)]
    for reader in readers:
        reader.start()
    until, at = time.monotonic() + 2, 10
    while time.monotonic() < until or ((min(asked_often) < 6 or lake.compacted().sequence < 4) and not failures):
        for source in ("kafka-a", "kafka-b", "kafka-c"):
            add(lake.chain(source), at, at + 5)
        at += 5
        time.sleep(0.1)
        if at % 20 == 0:
            compact(lake, older_than_s=0, grace_s=5)
    over.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert lake.compacted().sequence > 2
    assert asked(lake, "SELECT count(*) AS n FROM events") == [{"n": 3 * at}]
