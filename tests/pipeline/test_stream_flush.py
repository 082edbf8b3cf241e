"""When a stream writes: after some seconds, or at once when there is enough; by a clock that the test moves."""

from pipeline.stream_flush import Flush
from pipeline.stream_share import share


def flush() -> Flush[str]:
    return Flush(after_s=5.0, rows=1000, size=100_000)


def test_nothing_is_due_while_nothing_waits() -> None:
    one = flush()
    one.see("a", 0, now=0.0)
    assert one.due(now=100.0) == []


def test_a_record_waits_no_longer_than_it_may() -> None:
    one = flush()
    one.see("a", 1, now=0.0)
    one.see("a", 7, now=4.0)
    assert one.due(now=4.9) == []
    assert one.due(now=5.0) == ["a"]


def test_when_one_is_due_all_that_wait_are_written_with_it() -> None:
    one = flush()
    one.see("a", 1, now=0.0)
    one.see("b", 1, now=4.0)
    one.see("c", 0, now=4.0)
    assert one.due(now=5.0) == ["a", "b"]


def test_a_full_partition_is_written_at_once_and_by_itself() -> None:
    one = flush()
    one.see("quiet", 3, now=0.0)
    one.see("busy", 1000, now=0.0)
    assert one.due(now=0.0) == ["busy"]


def test_bytes_fill_a_partition_too_once_its_records_have_been_seen() -> None:
    one = flush()
    one.see("a", 600, now=0.0)
    assert one.due(now=0.0) == []
    one.measure("a", rows=10, size=2_000)
    assert one.due(now=0.0) == ["a"]


def test_what_was_written_begins_to_wait_anew() -> None:
    one = flush()
    one.see("a", 5, now=0.0)
    one.written("a")
    one.see("a", 2, now=6.0)
    assert one.due(now=10.9) == []
    assert one.due(now=11.0) == ["a"]


def test_what_was_written_by_another_job_is_no_longer_waited_for() -> None:
    one = flush()
    one.see("a", 5, now=0.0)
    one.see("a", 0, now=1.0)
    assert one.due(now=60.0) == []


def test_small_traffic_makes_one_segment_a_partition_and_flush() -> None:
    one, segments, waiting = flush(), 0, 0
    for tick in range(600):  # a minute in tenths of a second, ten records in each
        waiting += 10
        one.see("a", waiting, now=tick / 10)
        if one.due(now=tick / 10):
            segments, waiting = segments + 1, 0
            one.written("a")
    assert segments == 11  # 5 s, and a tenth until the next record is seen


def test_what_a_run_takes_is_part_of_the_wait_but_never_more_than_half_of_it() -> None:
    one = flush()
    for _ in range(20):
        one.took(1.0)
    one.see("a", 1, now=0.0)
    assert one.due(now=3.9) == []
    assert one.due(now=4.1) == ["a"]
    for _ in range(20):
        one.took(60.0)
    assert one.due(now=2.4) == []
    assert one.due(now=2.5) == ["a"]


def test_the_time_until_the_next_flush_is_known() -> None:
    one = flush()
    assert one.next_due(now=0.0) == 5.0
    one.see("a", 1, now=0.0)
    one.see("b", 1, now=3.0)
    assert one.next_due(now=3.5) == 1.5


def test_partitions_are_shared_evenly() -> None:
    shared = share(list(range(8)), 3)
    assert sorted(sum(1 for w in shared.values() if w == worker) for worker in range(3)) == [2, 3, 3]


def test_a_partition_stays_where_it_is_and_a_new_one_goes_to_whoever_has_fewest() -> None:
    before = share(["a", "b", "c"], 2)
    after = share(["x", "a", "b", "c"], 2, before)
    assert {p: after[p] for p in ("a", "b", "c")} == before
    assert after["x"] == 1


def test_what_a_partition_that_is_gone_leaves_free_is_filled() -> None:
    before = share(["a", "b", "c", "d"], 2)
    assert share(["b", "d", "e", "f"], 2, before) == {"b": 1, "d": 1, "e": 0, "f": 0}


def test_a_worker_more_takes_only_what_is_new() -> None:
    before = share(["a", "b"], 1)
    assert share(["a", "b", "c", "d"], 2, before) == {"a": 0, "b": 0, "c": 1, "d": 1}
