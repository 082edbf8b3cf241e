"""The kernels compute what the definition says, on any text, also where few rows would not call for them."""

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_keys import APPS, TEXTS

from clustering import key, keys
from clustering.kernels import holes
from clustering.kernels.lists import MOST
from clustering.kernels.rows import LONGEST
from clustering.key import key_of
from clustering.words import METHODS, OPENERS, SURVIVING

SHORT = st.text(alphabet="aG1 =\"/:@.,;|<*>%[('\té", max_size=40)


def check(rows: list[tuple[str | None, str]]) -> None:
    rows = [(app, text.encode("utf-8", "replace").decode()) for app, text in rows]
    app = pa.array([a for a, _ in rows], pa.string()).dictionary_encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "FEW_ROWS", 0)
        got = keys.Keys().of(app, pa.array([m for _, m in rows], pa.string()))
    want = [key_of(a, m) for a, m in rows]
    assert [got.kinds[code] for code in got.codes] == [k.kind for k in want]
    assert got.params.to_pylist() == [k.params for k in want]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(APPS, st.one_of(TEXTS, SHORT)), max_size=30))
@example([(None, "")])
@example([(None, "a=1,b=2,c=3"), (None, "1,2;3|4,5,6 b"), (None, "x <*> y a<*>b")])
@example([(None, 'GET /a "GET /b c'), (None, "CEF"), (None, "LEEF"), (None, "LEEF:"), (None, "CEF:")])
@example([(None, "a" * (LONGEST + 1) + " 1"), (None, "a 1 " * (LONGEST // 4)), (None, ",a" * (LONGEST // 2))])
def test_kernels_and_definition_agree(rows: list[tuple[str | None, str]]) -> None:
    check(rows)


def test_every_surviving_word_survives() -> None:
    words = sorted(word.decode() for word in SURVIVING if word[:1] not in (b"\x7f", b"{"))
    check([(None, f"see {word} now") for word in words])


def test_the_constants_of_the_kernels_are_those_of_the_definition() -> None:
    assert holes._FIELDS_MANY == key.FIELDS_MANY
    assert {b for b in range(256) if holes._is_opener(b)} == set(OPENERS)
    assert max(map(len, SURVIVING)) <= MOST
    assert {len(method) for method in METHODS} <= set(range(3, 8))
