"""What an engine keeps of a Kafka source: offsets claimed in order and never cut, partitions known for good."""

import pytest
from apache_beam.io.restriction_trackers import OffsetRange

from connectors.kafka.partitions import Partition
from connectors.kafka.restrictions import Known, Offsets, UnboundedOffsets, Watched

P = Partition("logs", 0, "kafka-c-t-0")


def test_a_partition_is_cut_by_nobody_but_its_source() -> None:
    tracker = Offsets({P: 10}).create_tracker(OffsetRange(0, 10))
    assert tracker.try_claim(3)
    assert tracker.try_split(0.5) is None
    done, left = tracker.try_split(0)
    assert (done, left) == (OffsetRange(0, 4), OffsetRange(4, 10))
    assert not tracker.try_claim(5)


def test_bounded_offsets_end_at_the_stop_and_unbounded_ones_never() -> None:
    bounded, unbounded = Offsets({P: 10}), UnboundedOffsets()
    assert bounded.initial_restriction(P) == OffsetRange(0, 10)
    assert bounded.create_tracker(OffsetRange(0, 10)).is_bounded()
    assert not unbounded.create_tracker(unbounded.initial_restriction(P)).is_bounded()


def test_a_partition_without_a_stop_is_done_before_it_begins() -> None:
    offsets = Offsets({})
    tracker = offsets.create_tracker(offsets.initial_restriction(P))
    tracker.check_done()


def test_what_was_given_out_stays_known_over_a_checkpoint() -> None:
    watched = Watched()
    tracker = watched.create_tracker(watched.initial_restriction("topics"))
    assert tracker.try_claim(["a", "b"])
    done, left = tracker.try_split(0)
    assert (done.done, left) == (True, Known(frozenset("ab")))
    tracker.check_done()
    assert not tracker.try_claim(["c"])
    again = watched.create_tracker(left)
    assert again.current_restriction().known == {"a", "b"}
    with pytest.raises(ValueError, match="still looked for"):
        again.check_done()


def test_the_watch_ends_when_no_more_are_wanted() -> None:
    tracker = Watched().create_tracker(Known(frozenset("a")))
    assert tracker.try_claim(None)
    tracker.check_done()
    assert tracker.try_split(0) is None
