"""What a stream counts, and what Prometheus and the probes are told of it."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.kafka import Bounds, Partition
from connectors.lake import Lake, verify
from pipeline.committed import Committed
from pipeline.health import Health, ListenError, unready
from pipeline.job import Job
from pipeline.kept import Kept
from pipeline.metrics import exposition
from pipeline.stream_totals import Totals
from pipeline.stream_words import State
from pipeline.transforms import commit
from schemas.events import RECORDS

PARTITION = Partition("logs", 0, "kafka-c-t-0")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def records(start: int, lines: list[bytes | None], skips: dict[str, int] | None = None) -> pa.RecordBatch:
    """A batch as Kafka's reader makes them; the skipped positions come first."""
    first = start + sum((skips or {}).values())
    rows = [
        {"raw": line, "source_offset": first + i, "observed_ts": NOON, "truncated": False}
        for i, line in enumerate(lines)
    ]
    told = {
        "source": PARTITION.source, "start": str(start), "end": str(first + len(lines)), "name": str(PARTITION),
        "topic": PARTITION.topic, "alone": "1", "skips": json.dumps(skips or {}),
    }  # fmt: skip
    return pa.RecordBatch.from_pylist(rows, schema=RECORDS.with_metadata(told))


def written(kept: Kept, batch: pa.RecordBatch) -> Committed:
    return commit(kept.lake, kept.label(kept.job.parse(batch)), kept.job.run)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(Job(Lake.create(tmp_path / "lake").root, run="r1"))


def sample(text: bytes, name: str, **labels: str) -> float:
    """Add up the samples of a name whose labels hold these."""
    return sum(
        s.value
        for family in text_string_to_metric_families(text.decode())
        for s in family.samples
        if s.name == name and labels.items() <= s.labels.items()
    )


LINES: list[list[bytes | None]] = [
    [b"<34>1 2026-01-31T12:00:00Z h a - - - one thing", b"", None, b"<34>1 2026-01-31T12:00:00Z h a - - - one thing"],
    [b"\x00\x01\x02\x03\x04", b"<34>1 2026-01-31T12:00:00Z h b - - - another one"],
]


def test_the_metrics_are_what_the_lake_holds(kept: Kept) -> None:
    totals = Totals("r1", 0.0)
    totals.committed(written(kept, records(0, LINES[0], {"before_start": 5})), 1.0)
    totals.committed(written(kept, records(9, LINES[1])), 2.0)
    text = exposition(totals, 2.0, {})
    held = verify(kept.lake).total
    assert held.end is None or held.missing == 0
    assert sample(text, "dioptre_lines_total", outcome="event") == held.events == totals.events
    assert sample(text, "dioptre_lines_total", outcome="reject") == held.rejects == totals.rejected
    assert sample(text, "dioptre_lines_total", outcome="skip") == sum(held.skips.values()) == 6
    assert sample(text, "dioptre_events_total") == held.events
    assert sample(text, "dioptre_rejects_total") == held.rejects
    assert sample(text, "dioptre_skipped_total", reason="tombstone") == 1
    assert sample(text, "dioptre_segments_total") == held.segments == 2


def test_a_line_is_counted_under_the_names_of_its_topic_and_chain(kept: Kept) -> None:
    totals = Totals("r1", 0.0)
    totals.committed(written(kept, records(0, LINES[0])), 1.0)
    labels = {"source": PARTITION.source, "topic": "logs", "partition": "0", "outcome": "event"}
    assert sample(exposition(totals, 1.0, {}), "dioptre_lines_total", **labels) == 2


def test_what_a_worker_wrote_and_did_not_live_to_tell_is_counted_once(kept: Kept) -> None:
    totals = Totals("r1", 0.0)
    totals.committed(written(kept, records(0, LINES[0])), 1.0)
    written(kept, records(4, LINES[1]))
    for _ in range(2):
        totals.recount(kept.lake, [PARTITION])
    assert totals.events + totals.rejected == verify(kept.lake).total.events + verify(kept.lake).total.rejects
    assert totals.segments == 2


def test_what_another_job_wrote_is_not_counted_as_ours(kept: Kept) -> None:
    other = Kept(Job(kept.lake.root, run="r2"))
    totals = Totals("r1", 0.0)
    totals.committed(written(kept, records(0, LINES[0])), 1.0)
    written(other, records(4, LINES[1]))
    totals.recount(kept.lake, [PARTITION])
    assert totals.segments == 1


def test_a_race_lost_in_part_counts_only_what_was_written(kept: Kept) -> None:
    other = Kept(Job(kept.lake.root, run="r2"))
    whole = records(0, [*LINES[0][:2], *LINES[1]])
    written(other, records(0, LINES[0][:2]))
    totals = Totals("r1", 0.0)
    totals.committed(written(kept, whole), 1.0)
    assert (totals.events, totals.rejected, totals.segments) == (1, 1, 1)
    assert verify(kept.lake).ok


def state(first: int, end: int, reached: int, waiting: str = "", **seconds: float) -> State:
    return State({PARTITION: Bounds(first, end)}, {PARTITION: reached}, waiting, seconds)


def test_lag_counts_what_the_broker_still_has(kept: Kept) -> None:
    totals = Totals("r1", 0.0)
    totals.heard(0, State({PARTITION: Bounds(10, 30)}, {}, "", {}), 1.0)
    assert totals.lag() == {PARTITION: 20}
    totals.heard(0, state(10, 30, 25), 2.0)
    assert sample(exposition(totals, 2.0, {}), "dioptre_lag_records", topic="logs", partition="0") == 5


def test_a_worker_that_still_tells_of_a_partition_that_is_gone_makes_no_lag() -> None:
    totals, late = Totals("r", 0.0), State({PARTITION: Bounds(0, 30)}, {}, "", {})
    totals.heard(0, late, 1.0)
    totals.only([])
    totals.heard(0, late, 2.0)
    assert totals.lag() == {}
    assert totals.commit_age(100.0) == 0.0
    totals.only([PARTITION])
    totals.heard(0, late, 3.0)
    assert totals.lag() == {PARTITION: 30}


def test_the_age_of_a_commit_is_told_only_while_something_waits() -> None:
    totals = Totals("r1", 0.0)
    totals.heard(0, state(0, 10, 10), 5.0)
    assert totals.commit_age(100.0) == 0.0
    totals.heard(0, state(0, 20, 10), 101.0)
    assert totals.commit_age(103.0) == 2.0
    totals.committed(Committed(PARTITION.source, "logs/0", 10, 15, 0, 0, 0, 0, ()), 104.0)
    assert totals.commit_age(105.0) == 1.0


def test_the_seconds_of_a_worker_that_died_are_kept() -> None:
    totals = Totals("r1", 0.0)
    totals.heard(0, state(0, 1, 1, read=2.0), 1.0)
    totals.heard(0, state(0, 1, 1, read=3.0), 2.0)
    totals.gone(0)
    totals.heard(0, state(0, 1, 1, read=0.5), 3.0)
    assert totals.seconds["read"] == 3.5


@pytest.mark.parametrize(
    ("told", "at", "reason"),
    [
        (None, 1.0, "starting"),
        (state(0, 10, 10), 500.0, ""),
        (state(0, 10, 5), 20.0, ""),
        (state(0, 10, 5), 40.0, "no commit for 39 s while 5 records wait"),
        (state(0, 10, 10, waiting="no broker answers"), 2.0, "waiting: no broker answers"),
    ],
)
def test_a_stream_is_ready_when_it_is_connected_and_commits(told: State | None, at: float, reason: str) -> None:
    totals = Totals("r1", 0.0)
    if told:
        totals.heard(0, told, 1.0)
    assert unready(totals, at, flush_s=5.0).startswith(reason)
    assert bool(unready(totals, at, flush_s=5.0)) == bool(reason)


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def served(totals: Totals) -> Health:
    def processes() -> dict[str, Any]:
        import os

        return {"supervisor": os.getpid(), "worker-0": 1 << 30}

    return Health("127.0.0.1:0", totals, flush_s=5.0, processes=processes, now=lambda: 2.0)


def test_probes_and_metrics_are_served() -> None:
    totals = Totals("r1", 0.0)
    with served(totals) as health:
        assert get(health.port, "/healthz") == (200, b"alive\n")
        assert get(health.port, "/readyz")[0] == 503
        totals.heard(0, state(0, 10, 10), 1.0)
        assert get(health.port, "/readyz") == (200, b"ready\n")
        status, text = get(health.port, "/metrics?x=1")
        assert get(health.port, "/")[0] == 404
    assert status == 200
    assert sample(text, "dioptre_process_resident_memory_bytes", process="supervisor") > 1 << 20
    assert sample(text, "dioptre_process_open_fds", process="supervisor") > 2
    assert sample(text, "dioptre_process_open_fds", process="worker-0") == 0  # gone: nothing to tell


def test_a_port_that_is_taken_is_told_in_a_line() -> None:
    with served(Totals("r1", 0.0)) as health, pytest.raises(ListenError, match=r"cannot listen there: .* in use; give"):
        Health(f"127.0.0.1:{health.port}", Totals("r", 0.0), flush_s=5, processes=dict, now=lambda: 0.0)
