"""What every stage promises, asked of each of them."""

import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.cascade import Cascade
from classifiers.rules import Rules
from classifiers.stage import Stage
from classifiers.tiny import Tiny
from schemas.registry import Kind
from schemas.taxonomy import taxonomy

RULES = """
- match: (?i)failed
  label: auth.login_failure
- app: ^cron
  match: .
  label: service.job_run
"""
STAGES: dict[str, Callable[[], Stage]] = {"rules": lambda: Rules(RULES), "tiny": Tiny.load}
TEXTS = [
    "Failed password for root from <*> port <*> ssh2",
    "",
    "   ",
    "<*>",
    "<*4xx> <*>",
    "Ошибка аутентификации пользователя",
    "ディスクがいっぱいです",
    "\x00\x01\x1e\udcff <*",
    "OutOfMemoryError: %LINK-3-UPDOWN nf_conntrack",
    "x" * 65_536,
    "disk full " * 6_500,
]
KINDS = [Kind(f"{i:016x}", app, text) for i, (text, app) in enumerate((t, a) for t in TEXTS for a in ("", "cron", "é"))]


@pytest.fixture(params=list(STAGES))
def stage(request: pytest.FixtureRequest) -> Stage:
    return STAGES[request.param]()


def test_a_stage_answers_once_for_each_kind_with_a_label_of_the_taxonomy(stage: Stage) -> None:
    verdicts = stage.classify(KINDS)
    assert len(verdicts) == len(KINDS)
    assert all(v is None or (v.label in taxonomy() and 0 <= v.confidence <= 1) for v in verdicts)
    assert all(v is None or (v.stage == stage.name and v.model) for v in verdicts)


def test_a_batch_gives_what_single_kinds_give_in_the_same_order(stage: Stage) -> None:
    for together, kind in zip(stage.classify(KINDS), KINDS, strict=True):
        alone = stage.classify([kind])[0]
        assert (together is None) == (alone is None)
        if together and alone:
            assert together.label == alone.label
            assert together.confidence == pytest.approx(alone.confidence, abs=1e-6)


def test_a_stage_answers_no_kinds_with_no_verdicts(stage: Stage) -> None:
    assert list(stage.classify([])) == []


def test_a_stage_leaves_its_input_unchanged(stage: Stage) -> None:
    before = copy.deepcopy(KINDS)
    stage.classify(KINDS)
    assert before == KINDS


def test_a_stage_comes_back_whole_from_a_pickle(stage: Stage) -> None:
    again = pickle.loads(pickle.dumps(stage))
    assert again.classify(KINDS[:9]) == stage.classify(KINDS[:9])


ANY = st.builds(Kind, st.just("0" * 16), st.text(max_size=40), st.text(st.characters(), max_size=200))
LOADED = {name: make() for name, make in STAGES.items()}


@pytest.mark.parametrize("name", list(STAGES))
@settings(max_examples=60, deadline=None)
@given(kinds=st.lists(ANY, max_size=5))
def test_no_text_makes_a_stage_raise(name: str, kinds: list[Kind]) -> None:
    verdicts = LOADED[name].classify(kinds)
    assert [v is None or v.label in taxonomy() for v in verdicts] == [True] * len(kinds)


def test_the_cascade_takes_every_stage_as_it_is() -> None:
    verdicts = Cascade([make() for make in STAGES.values()], floor=0.0).classify(KINDS[:1])
    assert (verdicts[0].stage, verdicts[0].label) == ("rule", "auth.login_failure")
