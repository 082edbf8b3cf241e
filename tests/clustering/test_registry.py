"""The registry: what it learns, what the lake's word does to it, and its bound."""

import pyarrow as pa

from clustering.registry import Registry
from schemas.registry import KINDS, Kind, Verdict

TINY = Verdict("app.info", 0.9, "tiny", "tiny:1")


def kind(n: int) -> Kind:
    return Kind(f"{n:016x}", "app", f"text {n}")


def row(n: int, label: str, stage: str = "person") -> dict[str, object]:
    return {
        "key": f"{n:016x}", "template_id": "t", "template": "x", "app": "", "label": label, "confidence": 1.0, "stage": stage,
        "model": "", "settled": True, "cert_id": None, "example": "", "first_seen": 0, "source": "s", "source_offset": 0,
    }  # fmt: skip


def test_a_kind_is_learnt_once() -> None:
    registry = Registry()
    registry.learn([(kind(1), TINY)])
    registry.learn([(kind(1), Verdict("app.error", 0.1, "tiny", "tiny:2"))])
    found = registry.find([kind(1), kind(2)])
    assert found[0] is not None
    assert found[0].verdict == TINY
    assert found[1] is None


def test_the_lakes_word_replaces_what_was_learnt() -> None:
    registry = Registry()
    registry.learn([(kind(1), TINY)])
    registry.refresh(pa.Table.from_pylist([row(1, "web.access")], KINDS))
    (found,) = registry.find([kind(1)])
    assert found is not None
    assert (found.verdict.label, found.verdict.stage, found.template_id) == ("web.access", "person", "t")


def test_what_a_person_said_gives_way_to_a_person_or_an_undo_alone() -> None:
    def after(stage: str, set_by: str) -> tuple[str, str]:
        registry = Registry()
        registry.refresh(pa.Table.from_pylist([row(1, "web.access")], KINDS))
        change = row(1, "app.error", stage) | {"set_by": set_by, "template_id": "merged"}
        registry.refresh(pa.Table.from_pylist([change], KINDS))
        (found,) = registry.find([kind(1)])
        assert found is not None
        return found.verdict.label, found.template_id

    assert after("large", "learn") == after("rule", "rule") == ("web.access", "merged")
    assert after("person", "bob") == after("tiny", "undo") == ("app.error", "merged")


def test_beyond_its_bound_it_remembers_nothing_new() -> None:
    registry = Registry(most=2)
    registry.learn((kind(n), TINY) for n in range(100))
    assert len(registry) == 2
