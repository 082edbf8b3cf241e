"""The column path computes what the definition says, whatever the text."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.key import key_of
from clustering.keys import BLOCK_ROWS, Keys

WORDS = st.sampled_from(
    'a GET "GET "POST /x /x1 a=b user=bob level=info status=200 (rc=1) <x@y> http://a.b/c?d=1 u=http://a/b?c=2 Sat Nov '
    "Fri, 21 10:00 ext4 (IPv6) TLSv1.3: %ASA-6-1: %a SQLSTATE[42P01]: status code 404 0 é1 ünï = a= =b x==1 - ---- | "
    '<*> id event 4625 user@ @ 550 5.7.1 rcpt EventID=12 " 1 a,b;c|d,e,f,g exit 1=a a=1=b [errno 13] DELETE b=/x a1=b=c2 '
    'msg="open q="cl" "OPTIONS {"a":1} CEF:0|a|b|c|d|e|f|g=h 1,2,3,4,5,6,7 a=1,b=2,c=3 Traceback msecs Jan Jan, Janx'.split(
        " "
    )
)
GAPS = st.sampled_from([" ", " ", " ", "  ", "\t", " \t "])
LINES = st.lists(st.tuples(WORDS, GAPS), max_size=14).map(lambda pairs: "".join(w + g for w, g in pairs))
TEXTS = st.one_of(
    LINES, LINES.map(str.strip), st.text(max_size=40), st.text(alphabet='a1 ="/:@.,\n\t<*>%', max_size=30)
)
APPS = st.sampled_from([None, "sshd", "app-1", ""])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(APPS, TEXTS), max_size=30))
def test_columns_and_lines_agree(rows: list[tuple[str | None, str]]) -> None:
    rows = [(app, text.encode("utf-8", "replace").decode()) for app, text in rows]
    app = pa.array([a for a, _ in rows], pa.string()).dictionary_encode()
    got = Keys().of(app, pa.array([m for _, m in rows], pa.string()))
    want = [key_of(a, m) for a, m in rows]
    assert [got.kinds[code] for code in got.codes] == [k.kind for k in want]
    assert got.params.to_pylist() == [k.params for k in want]


def test_blocks_and_memory_make_no_difference() -> None:
    texts = [f"job {i} of user u{i % 7} took {i % 13} s, rc={i % 3}" for i in range(BLOCK_ROWS + 100)]
    app = pa.array(["cron"] * len(texts)).dictionary_encode()
    keys = Keys()
    first, again = keys.of(app, pa.array(texts)), keys.of(app.slice(50), pa.array(texts).slice(50))
    assert len(first.kinds) == 2
    assert [first.kinds[c] for c in first.codes[50:]] == [again.kinds[c] for c in again.codes]


def test_nothing_has_no_kinds() -> None:
    got = Keys().of(pa.array([], pa.string()).dictionary_encode(), pa.array([], pa.string()))
    assert (got.kinds, len(got.codes), len(got.params)) == ([], 0, 0)
    empty = Keys().of(pa.array(["a", None]).dictionary_encode(), pa.array(["", " "]))
    assert empty.params.to_pylist() == ["", ""]


def test_one_hostile_line_changes_no_other() -> None:
    lines = ["status=200 a", "status=503 a", "status=404 a", "x " + " ".join(f"rc={i % 2}" for i in range(3_000))]
    app = pa.array(["a"] * len(lines)).dictionary_encode()
    got = Keys().of(app, pa.array(lines))
    assert [got.kinds[code] for code in got.codes] == [key_of("a", line).kind for line in lines]
    assert len({got.kinds[code].key for code in got.codes}) == 4


def test_json_that_spells_half_a_character_has_a_key_that_can_be_stored() -> None:
    keyed = key_of("a", '{"a":"\\ud800","msg":"x \\udfff 1"}')
    assert (keyed.kind.template + keyed.params).encode()
    Keys().of(pa.array(["a"]).dictionary_encode(), pa.array(['{"a":"\\ud800"}']))


def test_a_flood_of_invented_words_is_named_without_a_plan_or_a_kind_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clustering.keys.FEW_ROWS", 0)
    texts = [f"{a}{b} is {c}{a}" for a in "abcdefgh" for b in "klmnop" for c in "uvwxyz"]
    keys = Keys()
    got = keys.of(pa.array(["junk"] * len(texts)).dictionary_encode(), pa.array(texts))
    assert got.kinds == [key_of("junk", text).kind for text in texts]
    assert (len(keys._plans), len(keys._kinds)) == (0, 0)
