"""The form of a key: what is variable by its looks alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.survivors import MASK
from clustering.templates_forms import form_of, speaks
from tests.clustering.templates_kit import TEXTS, kind

FORMS = {
    "opened /var/log/app/main.log for appending": "opened <*> for appending",
    "cannot stat config.yaml in this place": "cannot stat <*> in this place",
    "path=/srv/data is gone for good": "path=<*> is gone for good",
    r"cannot load C:\Windows\cbs.dll at all": "cannot load <*> at all",
    "reverse lookup of mail.example.org failed": "reverse lookup of <*> failed",
    "class org.example.net.Server is deprecated": "class org.example.net.Server is deprecated",
    "connection from 10.1.1.1 () at Fri Jun 17 07:07:00 2005": "connection from <*> at <*>",
    "[Mon Nov 23 02:11:07 2026] [notice] caught signal": "<*> [notice] caught signal",
    "may <*> succeed at once": "may <*> succeed at once",
    "sent 12 bytes (1.2 KB) to the peer": "sent <*> to the peer",
    "sent 12 to the peer": "sent <*> to the peer",
    "INFO [RMCommunicator Allocator] asked for work": "INFO <*> asked for work",
    "[main] WARN asked for work": "<*> WARN asked for work",
    "nodes n1 <ok> n2 <ok> n3 <ok> are inconsistent": "nodes <*> <ok> are inconsistent",
    "targets n1 n2 n3 n4": "targets <*>",
    "moved a= false, b= 7, c= false, state= open now then": "moved a= <*> b= <*> c= <*> state= open now then",
    'no tag="View Lock" found': 'no tag="View Lock" found',
    "got status 503 from 10.1.1.1 7": "got status <*5xx> from <*>",
}


@pytest.mark.parametrize(("line", "form"), FORMS.items())
def test_looks_tell_what_is_variable(line: str, form: str) -> None:
    assert " ".join(form_of(kind(line).template)) == form


def test_a_quoted_value_of_a_few_words_is_one_word_and_a_quoted_sentence_is_none() -> None:
    assert form_of("no tag 'View Lock' here") == ("no", "tag", "'View Lock'", "here")
    assert form_of("said 'the quick brown fox' here") == ("said", "'the", "quick", "brown", "fox'", "here")
    assert form_of("don't say it can't") == ("don't", "say", "it", "can't")


@pytest.mark.parametrize("text", ["<*>", "<*> <*>", "INFO <*> <*>", "<*> /a/b <*>", "", "() <*> {}", "<*> x"])
def test_what_would_say_nothing_stays_as_it_is(text: str) -> None:
    assert " ".join(form_of(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.one_of(TEXTS, st.text(alphabet="a1 ='\"/:@.,<*>[]()\\", max_size=40)))
def test_the_form_of_a_form_is_itself(text: str) -> None:
    form = form_of(kind(text).template)
    assert form_of(" ".join(form)) == form
    assert speaks(form) or " ".join(form) == kind(text).template


def test_a_hostile_text_costs_no_more_than_its_length() -> None:
    for text in ("'" * 2_000, "a 'b " * 400, "[a " * 600, "<*> a " * 300, "x= " * 600, "/a" * 900):
        assert len(" ".join(form_of(text))) <= len(text)
    assert MASK in form_of("a b <*> c")
