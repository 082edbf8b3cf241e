"""Models are in memory while they are used, and no longer."""

import gc
import json
import pickle
import shutil
import weakref
from pathlib import Path

import pytest

from classifiers import serving
from classifiers.card import CARD, MODELS, ModelError, identity, read_card
from classifiers.plan import plan_of, served, tiny_of
from classifiers.serving import IDLE_S, Lazy
from schemas.registry import Kind

FAILED = Kind("a" * 16, "sshd", "Failed password for <*> from <*>")


class Heavy:
    made = 0

    def __init__(self) -> None:
        Heavy.made += 1


def test_nothing_is_loaded_before_it_is_asked_for_and_then_once() -> None:
    Heavy.made, lazy = 0, Lazy(Heavy)
    assert (lazy.loaded, Heavy.made) == (False, 0)
    assert lazy.get() is lazy.get()
    assert (lazy.loaded, Heavy.made) == (True, 1)


def test_what_is_idle_is_let_go_of_and_its_memory_with_it() -> None:
    clock = [0.0]
    lazy = Lazy(Heavy, now=lambda: clock[0])
    gone = weakref.ref(lazy.get())
    clock[0] = IDLE_S - 1
    lazy.get()
    clock[0] = 2 * IDLE_S - 2
    assert not lazy.rest()
    assert lazy.loaded
    clock[0] = 2 * IDLE_S - 1
    assert serving.rest() >= 1
    gc.collect()
    assert (lazy.loaded, gone()) == (False, None)
    assert isinstance(lazy.get(), Heavy)


def test_a_stage_knows_its_name_labels_and_version_without_its_model_and_answers_with_it() -> None:
    stage, floor = tiny_of()
    stage.lazy._held = None
    assert (stage.name, len(stage.labels), stage.model[:5], 0 < floor < 1) == ("tiny", 55, "tiny:", True)
    assert not stage.lazy.loaded
    [verdict] = stage.classify([FAILED])
    assert verdict is not None
    assert (verdict.label, verdict.model) == ("auth.login_failure", stage.model)
    assert pickle.loads(pickle.dumps(stage)).classify([FAILED]) == [verdict]


@pytest.mark.parametrize(("name", "told"), [("weight_of_tiny", 0.95), ("temperature", 3.0), ("floor", 0.5)])
def test_a_model_calibrated_anew_is_another_model_and_its_exit_scores_do_not_hold(
    tmp_path: Path, name: str, told: float
) -> None:
    shutil.copytree(MODELS, tmp_path / "models")
    before = plan_of(root=tmp_path / "models")
    card = read_card(tmp_path / "models" / "large")
    (tmp_path / "models" / "large" / CARD).write_text(json.dumps(card | {name: told, "scores": "are no part of it"}))
    after = plan_of(root=tmp_path / "models")
    assert before.models()["large"] != after.models()["large"]
    assert before.models()["tiny"] == after.models()["tiny"]
    assert before.score is not None
    assert "large" in before.score.fitting([(s.name, s.model) for s in before.stages], before.score.near)
    assert after.score is None or "large" not in after.score.fitting(
        [(s.name, s.model) for s in after.stages], after.score.near
    )


def test_what_a_card_tells_beside_is_no_part_of_its_identity() -> None:
    card = read_card(MODELS / "large")
    assert identity(card) == identity(card | {"scores_unseen_programs": {}, "training": {}})


def test_a_stage_that_is_not_there_is_left_out_and_that_is_told(tmp_path: Path) -> None:
    stage, _ = tiny_of()
    (tmp_path / "tiny").symlink_to(Path(serving.__file__).parent / "models" / "tiny")
    plan = plan_of(root=tmp_path)
    assert [one.name for one in plan.stages] == ["tiny"]
    assert plan.left_out["small"] == "not there; `dioptre train small` makes it"
    assert set(plan.left_out) == {"small", "large", "exits"}
    assert plan.models() == {"tiny": stage.model}


def test_the_edge_is_tiny_alone() -> None:
    assert [stage.name for stage in plan_of(edge=True).stages] == ["tiny"]


def test_a_folder_without_a_card_is_told() -> None:
    with pytest.raises(ModelError, match="would be right"):
        served("tiny", Path("nowhere"))
