"""Spans: what is to be read, whatever the start policy, and whatever the broker has lost."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.kafka import policy as module
from connectors.kafka.errors import KafkaError
from connectors.kafka.partitions import Bounds, Partition
from connectors.kafka.policy import Policy, Span, spans

P = Partition("logs", 0, "kafka-c-t-0")
TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Broker:
    """Tells the bounds it is given, one after the other, and one offset for every time."""

    def __init__(self, at_time: int = 0, *later: Bounds) -> None:
        self.at_time, self.later, self.asked = at_time, list(later), 0

    def offsets_at(self, partitions: Iterable[Partition], when: datetime) -> dict[Partition, int]:
        assert when == TIME
        return dict.fromkeys(partitions, self.at_time)

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, Bounds]:
        self.asked += 1
        return dict.fromkeys(partitions, self.later.pop(0) if len(self.later) > 1 else self.later[0])


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.0)


def one(bounds: Bounds, end: int | None, policy: Policy | None = None, broker: Any = None, p: Partition = P) -> Any:
    found = spans({p: bounds}, {p: end}, policy or Policy(), broker or Broker(0, bounds))
    return found[0] if found else None


def test_a_source_without_a_chain_begins_at_the_begin_of_the_log() -> None:
    assert one(Bounds(0, 10), None) == Span(P, 0, 0, 10, "")


def test_what_the_broker_deleted_before_the_first_run_is_before_the_start() -> None:
    assert one(Bounds(4, 10), None) == Span(P, 0, 4, 10, "before_start")


def test_latest_binds_the_start_at_once_and_reads_nothing() -> None:
    assert one(Bounds(0, 10), None, Policy("latest")) == Span(P, 0, 10, 10, "before_start")


def test_latest_means_the_end_when_the_client_first_looked() -> None:
    assert one(Bounds(0, 10, seen=7), None, Policy("latest")) == Span(P, 0, 7, 10, "before_start")
    assert one(Bounds(0, 10, seen=0), None, Policy("latest")) == Span(P, 0, 0, 10, "")


def test_a_partition_that_appeared_while_reading_is_read_whole_whatever_the_start() -> None:
    fresh = replace(P, fresh=True)
    for policy in (Policy("latest"), Policy(TIME)):
        assert one(Bounds(0, 10), None, policy, Broker(9), fresh) == Span(fresh, 0, 0, 10, "")


def test_a_time_begins_at_the_first_record_so_late() -> None:
    assert one(Bounds(0, 10), None, Policy(TIME), Broker(6)) == Span(P, 0, 6, 10, "before_start")
    assert one(Bounds(0, 10), None, Policy(TIME), Broker(10)) == Span(P, 0, 10, 10, "before_start")


def test_the_start_policy_is_not_asked_once_there_is_a_chain() -> None:
    for policy in (Policy("latest"), Policy(TIME)):
        assert one(Bounds(0, 10), 3, policy) == Span(P, 3, 3, 10, "")
        assert one(Bounds(0, 10), 0, policy) == Span(P, 0, 0, 10, "")


@pytest.mark.parametrize(("bounds", "end"), [(Bounds(0, 0), None), (Bounds(0, 10), 10), (Bounds(0, 0), 0)])
def test_a_partition_without_anything_new_is_left_out(bounds: Bounds, end: int | None) -> None:
    assert one(bounds, end) is None


def test_expired_records_stop_the_job_and_say_which() -> None:
    with pytest.raises(KafkaError, match=r"logs/0: 5 records, offsets 3 to 7, .*on_loss") as error:
        one(Bounds(8, 10), 3)
    assert error.value.permanent


def test_expired_records_are_counted_where_the_policy_is_to_go_on() -> None:
    assert one(Bounds(8, 10), 3, Policy(on_loss="continue")) == Span(P, 3, 8, 10, "expired")


def test_a_log_that_expired_whole_is_bound_up_to_its_begin() -> None:
    assert one(Bounds(8, 8), 3, Policy(on_loss="continue")) == Span(P, 3, 8, 8, "expired")
    assert one(Bounds(8, 8), None) == Span(P, 0, 8, 8, "before_start")


def test_a_log_that_lost_its_end_stops_the_job_and_says_what_was_read() -> None:
    with pytest.raises(KafkaError, match=r"log ends at 5, 9 was read") as error:
        one(Bounds(0, 5), 9)
    assert error.value.permanent


def test_a_log_that_lost_its_end_is_read_on_once_it_has_grown_again() -> None:
    on = Policy(on_loss="continue")
    assert one(Bounds(0, 5), 9, on) is None
    assert one(Bounds(0, 12), 9, on) == Span(P, 9, 9, 12, "")


def test_a_broker_that_has_just_taken_over_is_asked_again_before_it_is_believed() -> None:
    broker = Broker(0, Bounds(0, 5), Bounds(0, 12))
    assert one(Bounds(0, 5), 9, Policy(), broker) == Span(P, 9, 9, 12, "")
    assert broker.asked == 2


def test_spans_come_in_the_order_of_the_bounds() -> None:
    many = [replace(P, number=n, source=f"kafka-c-t-{n}") for n in (2, 0, 1)]
    found = spans(dict.fromkeys(many, Bounds(0, 1)), {}, Policy(), Broker())
    assert [s.partition.number for s in found] == [2, 0, 1]


@pytest.mark.parametrize("settings", [{"start": "newest"}, {"start": datetime(2026, 1, 1)}, {"on_loss": "ignore"}])
def test_a_policy_that_says_nothing_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(KafkaError) as error:
        Policy(**settings)
    assert error.value.permanent
