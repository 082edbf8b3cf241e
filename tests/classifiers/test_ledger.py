"""The ledger's counting: hours, what is drained, and that a process's CPU-seconds are told once."""

import pytest

from classifiers.ledger import Ledger, Meter
from schemas.ledger import LEDGER, Coefficients


class Clock:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_what_is_added_in_an_hour_adds_up_and_the_next_hour_has_rows_of_its_own() -> None:
    clock = Clock()
    ledger = Ledger(clock)
    ledger.add("tiny", "auth", kinds=2, exits=2)
    clock.at = 3599
    ledger.add("tiny", "auth", kinds=1, escalations=1)
    clock.at = 3600
    ledger.add("tiny", "auth", kinds=5)
    rows = ledger.table("r", Coefficients()).to_pylist()
    assert [(r["hour"].hour, r["kinds"], r["exits"], r["escalations"]) for r in rows] == [(0, 3, 2, 1), (1, 5, 0, 0)]
    assert ledger.table("r", Coefficients()).num_rows == 0
    assert ledger.table("r", Coefficients()).schema == LEDGER


def test_what_one_process_drains_another_takes() -> None:
    one, other = Ledger(Clock()), Ledger(Clock())
    one.add("large", "web", kinds=3, cpu_s=0.25)
    other.add("large", "web", kinds=4)
    other.take(one.drain())
    assert one.drain() == []
    row = other.table("r", Coefficients()).to_pylist()[0]
    assert (row["kinds"], row["cpu_s"]) == (7, 0.25)


def test_a_count_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no such count 'kind'"):
        Ledger().add("tiny", kind=1)


def test_what_no_stage_took_of_a_process_is_the_rest_and_all_of_it_is_told_once() -> None:
    cpu, thread = Clock(), Clock()
    meter = Meter(Clock(), cpu, thread)
    cpu.at = 5.0
    with meter.by("cluster"):
        thread.at = 2.0
    assert meter.settle("learn") == 5.0
    cpu.at = 6.0
    assert meter.settle("learn") == 1.0
    spent = {row["stage"]: row["cpu_s"] for row in meter.table("r", Coefficients()).to_pylist()}
    assert spent == {"cluster": 2.0, "learn": 4.0}


def test_a_forked_process_counts_from_its_own_start() -> None:
    cpu = Clock()
    cpu.at = 9.0
    meter = Meter(Clock(), cpu, Clock())
    meter.add("tiny", kinds=7)
    cpu.at = 0.5
    meter.begin(from_start=True)
    assert meter.settle() == 0.5
    assert [row[1:] for row in meter.drain()] == [("pipeline", "", "cpu_s", 0.5)]


def test_the_events_of_a_segment_without_domains_still_count() -> None:
    ledger = Ledger(Clock())
    ledger.written({"tiny": 10, "none": 3}, {"tiny": {"auth": 4, "web": 6}})
    rows = ledger.table("r", Coefficients()).to_pylist()
    assert {(r["stage"], r["domain"]): r["events"] for r in rows} == {
        ("none", ""): 3, ("tiny", "auth"): 4, ("tiny", "web"): 6,
    }  # fmt: skip
