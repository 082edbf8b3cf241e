"""What is checked of an answer before it counts."""

import pytest

from classifiers.evidence import weighty
from classifiers.tiny import Tiny
from classifiers.verify import fault, words
from schemas.registry import Kind

KIND = Kind("a" * 16, "sshd", "Failed password for <*> from <*> port <*>")


@pytest.mark.parametrize(
    ("label", "span", "told"),
    [
        ("auth.login_failure", "Failed password", None),
        ("auth.login_failure", "password for <*> from", None),
        ("auth.login_failure", "sshd", "does not stand in the line"),
        ("auth.login_failure", "or", "does not stand in the line"),
        ("auth.login_failure", "ss", "does not stand in the line"),
        ("auth.login_failure", "ailed password", "does not stand in the line"),
        ("auth.login_failure", "Failed pass", "does not stand in the line"),
        ("unknown", "", None),
        ("unknown", None, None),
        ("auth.login_failed", "Failed password", "did you mean 'auth.login_failure'"),
        (None, "Failed password", "not a leaf"),
        ("auth.login_failure", "failed password", "does not stand in the line"),
        ("auth.login_failure", "<*>", "no evidence"),
        ("auth.login_failure", "", "no evidence"),
        ("auth.login_failure", ["Failed"], "no evidence"),
    ],
)
def test_a_label_is_of_the_taxonomy_and_rests_on_words_of_the_line(
    label: object, span: object, told: str | None
) -> None:
    found = fault(KIND, label, span)
    assert (found is None) if told is None else (told in str(found))


@pytest.mark.parametrize(
    ("template", "span", "stands"),
    [
        ("status=disk_full on <*>", "disk", True),
        ("status=disk_full on <*>", "full on", True),
        ("error for more or less", "or", True),
        ("ошибка диска <*>", "диск", False),
        ("ディスクがいっぱいです", "いっぱい", True),
        ("磁盘已满 <*>", "已满", True),
    ],
)
def test_evidence_is_whole_words_and_any_piece_where_a_script_has_no_blanks(
    template: str, span: str, stands: bool
) -> None:
    assert (fault(Kind("b" * 16, "", template), "storage.capacity", span) is None) is stands


def test_words_are_constant_letters_of_any_alphabet() -> None:
    assert words("Failed <*> пароль x 7 <*4xx> ab9cd") == ["Failed", "пароль", "ab", "cd"]


def test_the_words_that_weigh_most_stand_in_the_line_and_the_answer_leans_on_them() -> None:
    tiny = Tiny.load()
    found = weighty(tiny, KIND, "auth.login_failure")
    assert {one.word for one in found} <= set(KIND.template.split())
    assert "password" in [one.word for one in found[:2]] or "Failed" in [one.word for one in found[:2]]
    assert [one.without for one in found] == sorted(one.without for one in found)
    assert weighty(tiny, Kind("b" * 16, "", "<*> <*>"), "app.info") == []
    assert len(weighty(tiny, Kind("c" * 16, "", "disk full " * 6_000), "storage.capacity")) <= 5
