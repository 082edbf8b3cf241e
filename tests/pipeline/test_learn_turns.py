"""Whose turn it is: a flood of one program's new kinds costs a pass a few, and keeps nobody waiting."""

from pathlib import Path

import pytest
from learn_kit import Last, learner, meet, new_lake, rows

from pipeline.learn_state import Item
from pipeline.learn_turns import FLOOD, SAMPLE, turns
from schemas.registry import Kind, Verdict

FRUIT = ["apple", "banana", "cherry", "damson", "elder", "fig", "grape", "hazel", "iris", "juniper", "kiwi", "lemon"]
WORDS = [f"{a}{b} {b}{a}{c}" for a in FRUIT[:4] for b in FRUIT[4:8] for c in FRUIT[8:]]


def items(app: str, n: int, since: int = 0) -> list[Item]:
    kinds = [Kind(f"{app}-{i:05}", app, f"text {i}") for i in range(n)]
    return [Item(kind.key, kind, (i,), since + i, Verdict("unknown", 0.4, "none", "")) for i, kind in enumerate(kinds)]


def apps(chosen: list[Item]) -> dict[str, int]:
    return {app: sum(item.kind.app == app for item in chosen) for app in sorted({item.kind.app for item in chosen})}


def test_of_a_flood_a_pass_takes_a_few_and_all_of_the_others() -> None:
    chosen = turns([*items("junk", 5_000), *items("sshd", 300, since=9_000)], {"sshd": 3}, 2_000)
    assert apps(chosen) == {"junk": SAMPLE, "sshd": 300}
    assert [item.kind.app for item in chosen[:300]] == ["sshd"] * 300


def test_a_program_with_as_many_settled_templates_does_not_flood() -> None:
    assert apps(turns(items("big", FLOOD + 500), {"big": FLOOD + 500}, 2_000)) == {"big": FLOOD + 500}
    assert apps(turns(items("new", FLOOD), {}, 2_000)) == {"new": FLOOD}


def test_several_floods_share_what_one_may_take() -> None:
    chosen = turns([*items("a", 3_000), *items("b", 3_000)], {}, 2_000)
    assert apps(chosen) == {"a": SAMPLE // 2, "b": SAMPLE // 2}


def test_programs_that_are_invented_by_the_thousand_flood_together() -> None:
    junk = [one for i in range(FLOOD + 1) for one in items(f"junk{i}", 1)]
    chosen = turns([*junk, *items("sshd", 20, since=9_000)], {"sshd": 3}, 2_000)
    assert apps(chosen)["sshd"] == 20
    assert len(chosen) == SAMPLE + 20


def test_the_choice_is_the_same_in_any_order_and_no_program_goes_before_its_turn() -> None:
    waiting = [*items("junk", 1_500), *items("a", 3), *items("b", 2)]
    chosen = turns(waiting, {}, 4)
    assert turns(waiting[::-1], {}, 4) == chosen
    assert [item.kind.key for item in chosen] == ["a-00000", "b-00000", "a-00001", "b-00001"]


def test_a_new_kind_of_another_program_is_labelled_in_the_very_next_pass_of_a_flood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.learn_turns.FLOOD", 20)
    monkeypatch.setattr("pipeline.learn_turns.SAMPLE", 5)
    lake = new_lake(tmp_path / "lake")
    meet(lake, [("noise", text) for text in WORDS])
    going = learner(lake, Last())
    first = going.once()
    assert (first.vectors, first.left > 20) == (5, True)
    late = meet(lake, [("named", "zone transfer from primary completed")], first=5_000)[0]
    second = going.once()
    assert rows(lake)[late]["settled"]
    assert second.vectors <= 6 + first.vectors
    assert sum(bool(row["settled"]) for row in rows(lake).values()) < len(WORDS)
    while going.once().left:
        pass
    assert all(row["settled"] for row in rows(lake).values())
