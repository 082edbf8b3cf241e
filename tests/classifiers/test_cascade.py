from collections.abc import Sequence

import pytest

from classifiers.cascade import Cascade, has_word
from classifiers.hf import HuggingFace
from schemas.policy import Policy
from schemas.registry import Kind, Verdict


class Says:
    """Answers every kind whose template holds `word`; counts what it was asked."""

    def __init__(self, word: str, label: str, confidence: float, name: str) -> None:
        self.word, self.label, self.confidence, self.name = word, label, confidence, name
        self.asked: list[str] = []

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        self.asked += [kind.template for kind in kinds]
        verdict = Verdict(self.label, self.confidence, self.name, f"{self.name}:1")
        return [verdict if self.word in kind.template else None for kind in kinds]


def kind(template: str) -> Kind:
    return Kind("0" * 16, "app", template)


def test_a_kind_the_first_stage_answers_never_reaches_the_second() -> None:
    cheap, dear = Says("disk", "storage.device", 1.0, "cheap"), Says("", "app.info", 0.9, "dear")
    verdicts = Cascade([cheap, dear], floor=0.5).classify([kind("disk gone"), kind("hello"), kind("disk back")])
    assert [v.stage for v in verdicts] == ["cheap", "dear", "cheap"]
    assert dear.asked == ["hello"]


def test_below_the_floor_the_label_is_unknown_and_the_best_guess_leaves_its_confidence() -> None:
    stages = [Says("", "app.info", 0.3, "a"), Says("", "app.error", 0.4, "b"), Says("", "app.info", 0.2, "c")]
    verdict = Cascade(stages, floor=0.5).classify([kind("hello")])[0]
    assert verdict == Verdict("unknown", 0.4, "none", "b:1")


def test_a_verdict_at_the_floor_is_an_answer() -> None:
    verdict = Cascade([Says("", "app.info", 0.5, "a")], floor=0.5).classify([kind("hello")])[0]
    assert (verdict.label, verdict.stage) == ("app.info", "a")


@pytest.mark.parametrize("template", ["", "<*>", "<*> <*4xx> <*>", "-- 17 ==", "<*nonzero>"])
def test_a_kind_without_a_constant_word_is_asked_of_nobody(template: str) -> None:
    eager = Says("", "app.info", 1.0, "eager")
    verdict = Cascade([eager], floor=0.0).classify([kind(template)])[0]
    assert verdict == Verdict("unknown", 0.0, "none", "")
    assert eager.asked == []


def test_words_of_any_alphabet_are_words() -> None:
    assert has_word("<*> ошибка")
    assert has_word("エラー <*>")
    assert not has_word("<*ab> _")


def test_no_stage_at_all_leaves_every_kind_unknown() -> None:
    assert [v.label for v in Cascade([], floor=0.5).classify([kind("hello"), kind("disk")])] == ["unknown", "unknown"]


def test_a_label_outside_the_taxonomy_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"stage odd.*'auth\.login_failed'.*did you mean 'auth\.login_failure'"):
        Cascade([Says("", "auth.login_failed", 1.0, "odd")], floor=0.5).classify([kind("hello")])


def test_a_stage_that_answers_too_few_is_refused_by_name() -> None:
    class Short(Says):
        def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
            return []

    with pytest.raises(ValueError, match="stage short: 0 answers to 1 kinds"):
        Cascade([Short("", "app.info", 1.0, "short")], floor=0.5).classify([kind("hello")])


@pytest.mark.parametrize("policy", [None, Policy.uncertified({"leaf": {}, "domain": {}})])
@pytest.mark.parametrize("logit", [float("inf"), float("nan")])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_model_without_a_number_for_a_kind_has_no_answer(logit: float, policy: Policy | None) -> None:
    strange = HuggingFace(("app.info", "app.error"), "hf:1", lambda _: [logit, 0.0])
    one = Cascade([Says("", "app.info", 0.3, "cheap"), strange], floor=0.2 if policy else 0.5)
    verdict = one.classify([kind("hello")], policy)[0]
    assert (verdict.stage, verdict.confidence) == ("cheap" if policy else "none", 0.3)
    assert one.tally.by_stage()["large"].exits == 0


@pytest.mark.parametrize("confidence", [-0.1, 1.5, float("inf")])
def test_a_confidence_outside_its_range_is_refused_by_name(confidence: float) -> None:
    with pytest.raises(ValueError, match=rf"stage odd, kind 0+: confidence {confidence}: not in \[0, 1\]"):
        Cascade([Says("", "app.info", confidence, "odd")], floor=0.5).classify([kind("hello")])


def test_a_floor_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"floor = 1\.4: not in \[0, 1\]"):
        Cascade([], floor=1.4)
