"""What is erased is in no file of the lake any more, and every position is still counted."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.lake import Erased, Lake, LakeError, commit, erase, forget, verify
from connectors.lake.certificates import Certificates
from tests.connectors.lake_rows import NOON, add, kinds, novel, rows
from tests.connectors.test_lake_compact import asked, squeeze

ALICE = "message LIKE '%alice%'"


def put(lake: Lake, source: str, offset: int, **change: Any) -> None:
    lake.chain(source).append(rows(source, [offset], **change), offset, offset + 1, {"prefix": f"hash to {offset + 1}"})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Alice in a compacted file, in one replaced but still there, in landing, in a reject, in examples and a template."""
    lake = Lake.create(tmp_path / "lake")
    for i in range(6):
        put(
            lake,
            "kafka-a",
            i,
            message=f"login of {'alice' if i % 3 == 1 else 'bob'} {i}",
            ts=NOON - timedelta(days=i % 2),
        )
    squeeze(lake)
    put(lake, "kafka-a", 6, message="bye alice")
    put(lake, "kafka-a", 7, message="bye bob")
    put(lake, "kafka-b", 0, message="", raw=b"\xffalice", reject_reason="binary", key=None)
    add(lake.chain("kafka-b"), 1, 4)
    lake.note_novel(novel("k1", example="login of alice 1", source="kafka-a", source_offset=1))
    lake.note_novel(novel("k2", example="line 1", source="kafka-b", source_offset=1))
    lake.note_novel(novel("k3", example="by <user>", source="kafka-a", source_offset=6))
    lake.publish(kinds("k4", example="bye", template="bye alice <*>"))
    assert verify(lake, deep=True).ok
    return lake


def everything(lake: Lake) -> bytes:
    """All bytes of the lake, Parquet files with their rows in plain."""
    found = []
    for path in lake.root.rglob("*"):
        if path.suffix == ".parquet":
            found.append(repr(pq.ParquetFile(path).read().to_pylist()).encode())
        elif path.is_file() and path.suffix != ".duckdb":
            found.append(path.read_bytes())
    return b"".join(found)


def test_what_is_erased_is_nowhere_in_the_lake_and_each_position_is_still_counted(lake: Lake) -> None:
    assert b"alice" in everything(lake)
    done = erase(lake, f"{ALICE} OR contains(CAST(raw AS VARCHAR), 'alice')")
    assert (done.events, done.rejects, done.positions, done.kinds) == (3, 1, 4, 3)
    assert b"alice" not in everything(lake)
    told = verify(lake, deep=True)
    assert (told.ok, told.total.missing, told.total.skips) == (True, 0, {"erased": 4})
    assert (told.total.events, told.total.rejects) == (8, 0)
    assert asked(lake, "SELECT count(*) AS n FROM events_raw") == [{"n": 8}]
    chain = Lake.open(lake.root).chain("kafka-a")
    assert (chain.end(), chain.prefix(), chain.first()) == (8, "hash to 8", 0)
    assert add(chain, 0, 8).rows_written == 0


def test_what_was_drawn_says_nothing_of_it_any_more_and_its_verdict_stands(lake: Lake) -> None:
    journal = Certificates(lake.root)
    common = {"at": NOON, "ordinal": 0, "template_id": "t", "app": "a", "label": "auth.session", "cert_id": "c"}
    common |= {"inclusion": 0.1, "event": "drawn", "source": "kafka-a"}
    journal.note_audits([
        common | {"audit_id": "by place", "source_offset": 1, "message": "login of <user>", "wrong": True},
        common | {"audit_id": "by text", "source_offset": 99, "message": "hello alice", "wrong": False},
        common | {"audit_id": "other", "source_offset": 0, "message": "login of bob"},
    ])  # fmt: skip
    drawn = {"cert_set": "s", "template_id": "t", "app": "a", "inclusion": 0.1, "population": 3, "seed": 1}
    texts = {"k4": "bye <*>", "k9": "hi alice <*>", "k8": "hi bob <*>"}  # k4 is erased by its template of today
    journal.note_draw([
        drawn | {"rank": i, "key": key, "template": text, "drawn_at": NOON}
        for i, (key, text) in enumerate(texts.items())
    ])  # fmt: skip
    alice = f"{ALICE} OR contains(CAST(raw AS VARCHAR), 'alice')"
    assert erase(lake, alice, dry_run=True).drawn == 4
    assert erase(lake, alice).drawn == 4
    assert b"alice" not in everything(lake)
    told = Certificates(lake.root)
    assert [(r["message"], r["wrong"]) for r in told.audits().to_pylist()] == [
        ("<erased>", True), ("<erased>", False), ("login of bob", None),
    ]  # fmt: skip
    assert told.draws()["template"].to_pylist() == ["<erased>", "<erased>", "hi bob <*>"]
    assert erase(lake, ALICE) == Erased()
    assert erase(lake, "app = 'a' AND message LIKE '%bob%'").drawn == 2


def test_a_second_erasure_finds_nothing(lake: Lake) -> None:
    erase(lake, ALICE)
    assert erase(lake, ALICE) == Erased()


def test_a_dry_run_tells_what_would_go_and_touches_nothing(lake: Lake) -> None:
    before = {p: p.stat().st_mtime_ns for p in lake.root.rglob("*") if p.is_file()}
    told = erase(lake, ALICE, dry_run=True)
    assert {p: p.stat().st_mtime_ns for p in lake.root.rglob("*") if p.is_file()} == before
    assert erase(lake, ALICE) == told
    assert (told.events, told.positions, told.files, told.kinds) == (3, 3, 3, 3)


def test_what_is_left_of_a_kind_is_its_key_and_label(lake: Lake) -> None:
    erase(lake, ALICE)
    told = {row["key"]: (row["example"], row["template"], row["label"]) for row in lake.kinds().to_pylist()}
    assert told == {
        "k1": ("<erased>", "line <*>", "auth.failure"),
        "k2": ("line 1", "line <*>", "auth.failure"),
        "k3": ("<erased>", "line <*>", "auth.failure"),
        "k4": ("<erased>", "<erased>", "auth.failure"),
    }


def test_whoever_remembers_the_kinds_takes_over_the_erased_ones(lake: Lake) -> None:
    remembering = Lake.open(lake.root)
    remembering.kinds()
    erase(lake, ALICE)
    assert "alice" not in str(remembering.kinds().to_pylist())


def test_a_record_goes_with_all_its_events(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    chain = lake.chain("kafka-a")
    two = enumerate(("alice", "bob"))
    parts = [rows("kafka-a", [0], ordinal=i, message=m, ts=NOON + timedelta(days=i)) for i, m in two]
    chain.append(pa.concat_batches(parts), 0, 1, {})
    add(chain, 1, 3)
    squeeze(lake)
    assert erase(lake, "message = 'alice'").events == 2
    assert asked(lake, "SELECT count(*) AS n FROM events_raw") == [{"n": 2}]
    assert verify(lake, deep=True).total.skips == {"erased": 1}


def test_labels_and_templates_of_today_may_stand_in_the_condition(lake: Lake) -> None:
    lake.publish(kinds("0123456789abcdef", label="network.dns", template="login of <*>"))
    assert (
        erase(lake, "label = 'network.dns' AND template LIKE 'login%' AND source = 'kafka-b'", dry_run=True).events == 3
    )


@pytest.mark.parametrize("where", ["mesage = 'x'", "1; DROP TABLE x", "", "sum(1) > 0"])
def test_what_is_no_condition_is_refused_before_anything_is_read(lake: Lake, where: str) -> None:
    with pytest.raises(LakeError):
        erase(lake, where)
    assert asked(lake, "SELECT count(*) AS n FROM events_raw") == [{"n": 12}]


def test_an_erasure_that_was_killed_anywhere_is_finished_by_the_next(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, budget = commit.sync_folder, 0

    def limited(folder: Path) -> None:
        nonlocal budget
        budget -= 1
        if budget < 0:
            raise KeyboardInterrupt
        real(folder)

    monkeypatch.setattr(commit, "sync_folder", limited)
    for allowed in range(0, 40, 2):
        budget = allowed
        try:
            erase(lake, ALICE)
            break
        except KeyboardInterrupt:
            budget = 1000
            assert verify(lake).total.missing == 0
    assert allowed > 4
    assert asked(lake, f"SELECT count(*) AS n FROM events_raw WHERE {ALICE}") == [{"n": 0}]
    assert b"alice" not in everything(lake).replace(b"\\xffalice", b"")
    assert verify(lake, deep=True).ok


def test_a_compaction_after_an_erasure_of_landing_finds_rows_and_footers_equal(lake: Lake) -> None:
    known = Lake.open(lake.root)
    assert known.chain("kafka-a").end() == 8
    erase(lake, ALICE)
    done = squeeze(known)
    assert (done.refused, done.segments) == ([], 3)
    assert lake.base("kafka-a") == 7
    forget(lake, "kafka-a")
    assert verify(lake, deep=True).ok


def test_a_writer_beside_erasures_and_compactions_loses_and_doubles_nothing(lake: Lake) -> None:
    over, failures = threading.Event(), list[BaseException]()

    def write() -> None:
        chain = lake.chain("kafka-c")
        try:
            while not over.is_set():
                at = chain.end() or 0
                there = [rows("kafka-c", [p], message="alice" if p % 3 else "bob") for p in range(at, at + 4)]
                chain.append(pa.concat_batches(there), at, at + 4, {})
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(3):
        erase(Lake.open(lake.root), ALICE)
        squeeze(Lake.open(lake.root))
    over.set()
    writer.join()
    erase(lake, ALICE)
    assert failures == []
    told = verify(lake, deep=True)
    assert (told.ok, told.total.missing) == (True, 0)
    end = lake.chain("kafka-c").end() or 0
    assert end > 8
    query = "SELECT count(*) AS n, count(DISTINCT source_offset) AS d FROM events WHERE source = 'kafka-c'"
    assert asked(lake, query) == [{"n": len(range(0, end, 3)), "d": len(range(0, end, 3))}]
