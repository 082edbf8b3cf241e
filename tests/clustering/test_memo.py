"""A memory that a flood cannot fill."""

from clustering.memo import Memo


def test_what_is_met_again_outlives_a_flood_of_what_is_met_once() -> None:
    memo: Memo[str, int] = Memo(10)
    memo.put("good", 1)
    assert memo.get("good") == 1
    for i in range(1_000):
        assert memo.get(f"junk {i}") is None
        memo.put(f"junk {i}", i)
    assert memo.get("good") == 1
    assert len(memo) <= 20


def test_a_flood_that_repeats_itself_stays_within_the_bound_too() -> None:
    memo: Memo[int, int] = Memo(10)
    for i in range(1_000):
        memo.put(i, i)
        assert memo.get(i) == i
    assert len(memo) <= 20
