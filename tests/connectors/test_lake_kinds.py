"""The fold of novel and registry is the same whatever the order, loses nothing, and is quick."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.lake import Lake, verify
from connectors.lake.kinds import novel_name
from schemas.registry import KINDS
from tests.connectors.lake_rows import NOON, kinds, novel


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path)


def known(lake: Lake) -> dict[str, str]:
    return {row["key"]: row["label"] for row in lake.kinds().to_pylist()}


def test_a_new_lake_knows_no_kind(lake: Lake) -> None:
    assert (lake.kinds().num_rows, lake.kinds().schema, lake.registry_stamp()) == (0, kinds().schema, (0, 0))


def test_of_two_notes_the_first_seen_wins_whichever_came_first(lake: Lake) -> None:
    early = novel("k", label="early", first_seen=NOON)
    late = novel("k", label="late", first_seen=NOON + timedelta(seconds=1))
    for order in ((early, late), (late, early)):
        for note in order:
            lake.note_novel(note)
        assert known(lake) == known(Lake.open(lake.root)) == {"k": "early"}


def test_the_registry_wins_over_novel_and_the_later_over_the_earlier(lake: Lake) -> None:
    lake.note_novel(novel("a", "b", "c", label="noted"))
    assert lake.publish(kinds("b", "c", label="first")) == 1
    assert known(lake) == {"a": "noted", "b": "first", "c": "first"}
    assert lake.publish(kinds("c", label="second")) == 2
    lake.note_novel(novel("c", label="noted again", first_seen=NOON - timedelta(days=1)))
    expected = {"a": "noted", "b": "first", "c": "second"}
    assert known(lake) == known(Lake.open(lake.root)) == expected
    assert lake.registry_stamp() == (2, 2)


def test_a_note_is_named_by_its_content_and_made_once(lake: Lake) -> None:
    assert lake.note_novel(novel("a")) == lake.note_novel(novel("a")) != lake.note_novel(novel("b"))
    assert lake.note_novel(novel()) is None
    assert lake.registry_stamp() == (0, 2)


def test_a_torn_note_is_left_out_and_mended_when_noted_again(lake: Lake) -> None:
    path = lake.note_novel(novel("a"))
    assert path is not None
    lake.note_novel(novel("b"))
    os.truncate(path, 100)
    assert known(Lake.open(lake.root)) == {"b": "auth.failure"}
    assert lake.note_novel(novel("a")) == path
    assert sorted(known(Lake.open(lake.root))) == ["a", "b"]


def test_what_was_moved_away_is_no_longer_known(lake: Lake) -> None:
    lake.publish(kinds("a"))
    lake.publish(kinds("b"))
    assert sorted(known(lake)) == ["a", "b"]
    (lake.root / "registry/0000000002.parquet").unlink()
    assert sorted(known(lake)) == ["a"]


def test_publishing_nothing_or_a_key_twice_or_other_columns_writes_nothing(lake: Lake) -> None:
    lake.publish(kinds("a"))
    assert lake.publish(kinds()) == 1
    with pytest.raises(ValueError, match="a key stands twice"):
        lake.publish(kinds("a", "a"))
    with pytest.raises(ValueError, match="not the columns of KINDS"):
        lake.publish(kinds("a").drop_columns(["label"]))
    assert lake.registry_stamp() == (1, 0)


def holds(lake: Lake) -> tuple[str, str, str | None]:
    (row,) = Lake.open(lake.root).kinds().to_pylist()
    assert lake.kinds().to_pylist() == [row]
    return row["label"], row["stage"], row["set_by"]


def test_a_persons_label_holds_against_all_machines_until_it_is_undone(lake: Lake) -> None:
    lake.note_novel(novel("k", label="app.info", set_by="inline"))
    lake.publish(kinds("k", label="web.access", stage="person", set_by="ann"))
    lake.publish(kinds("k", label="app.error", stage="large", set_by="learn"))
    assert holds(lake) == ("web.access", "person", "ann")
    lake.publish(kinds("k", label="auth.session", stage="person", set_by="bob"))
    assert holds(lake) == ("auth.session", "person", "bob")
    lake.publish(kinds("k", label="web.access", stage="person", set_by="undo"))
    lake.publish(kinds("k", label="app.error", stage="large", set_by="learn"))
    assert holds(lake) == ("web.access", "person", "undo")
    lake.publish(kinds("k", label="app.info", set_by="undo"))
    assert holds(lake) == ("app.info", "tiny", "undo")
    lake.publish(kinds("k", label="auth.session", stage="person", set_by="learn"))  # it had folded before the undo
    assert holds(lake) == ("app.info", "tiny", "undo")
    lake.publish(kinds("k", label="app.error", stage="large", set_by="learn"))
    assert holds(lake) == ("app.error", "large", "learn")


def test_the_template_is_that_of_the_latest_row_whoever_holds_the_label(lake: Lake) -> None:
    lake.publish(kinds("k", label="web.access", stage="person", cluster_id="c1", muted=True, ordered="apart"))
    lake.publish(kinds("k", template_id="merged", merged_text="line <*> <*>", stage="large", set_by="learn"))
    (row,) = lake.kinds().to_pylist()
    told = {name: row[name] for name in ("label", "template_id", "merged_text", "cluster_id", "muted", "ordered")}
    assert list(told.values()) == ["web.access", "merged", "line <*> <*>", "c1", True, "apart"]


def test_what_is_published_says_when(lake: Lake) -> None:
    before = datetime.now(UTC)
    lake.publish(kinds("k", set_at=NOON))
    (row,) = lake.kinds().to_pylist()
    assert before <= row["set_at"] <= datetime.now(UTC)


def test_who_made_rows_from_what_no_longer_holds_folds_again(lake: Lake) -> None:
    assert lake.publish_after(0, kinds("k")) == 1
    assert lake.publish_after(0, kinds("k", label="late")) is None
    assert known(lake) == {"k": "auth.failure"}


def test_a_lake_without_the_later_columns_reads_as_one_that_tells_nothing_in_them(lake: Lake) -> None:
    early = KINDS.names[: KINDS.get_field_index("source_offset") + 1]
    pq.write_table(kinds("k").select(early), lake.root / "registry/0000000001.parquet")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, kinds("n").select(early).schema) as out:
        out.write_table(kinds("n").select(early))
    data = sink.getvalue().to_pybytes()
    (lake.root / "novel" / novel_name(data)).write_bytes(data)
    assert [(row["key"], row["set_by"], row["muted"]) for row in lake.kinds().to_pylist()] == [
        ("k", None, None),
        ("n", None, None),
    ]
    assert verify(lake).ok


def test_all_that_was_said_stays(lake: Lake) -> None:
    lake.note_novel(novel("k", label="noted"))
    lake.note_novel(novel("k", label="noted later", first_seen=NOON + timedelta(seconds=1)))
    for label in ("first", "second"):
        lake.publish(kinds("k", label=label))
    told = lake.history().select(["label", "_rank"]).to_pylist()
    assert [tuple(row.values()) for row in told] == [("second", 2), ("first", 1), ("noted", 0)]


def test_an_order_tells_nothing_of_the_label_and_a_machine_nothing_of_orders(lake: Lake) -> None:
    lake.note_novel(novel("k", set_by="inline"))
    lake.publish(kinds("k", stage="order", set_by="ann", label="web.access", muted=True, ordered="apart"))
    lake.publish(kinds("k", stage="large", set_by="learn", label="app.info", muted=False, ordered="written"))
    (row,) = lake.kinds().to_pylist()
    assert [row[name] for name in ("label", "stage", "set_by", "muted", "ordered")] == [
        "app.info", "large", "learn", True, "apart",
    ]  # fmt: skip
