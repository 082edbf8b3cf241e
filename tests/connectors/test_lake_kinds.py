"""The fold of novel and registry is the same whatever the order, loses nothing, and is quick."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.lake import Lake
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
