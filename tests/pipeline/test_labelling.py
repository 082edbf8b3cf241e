"""A kind is asked about once, and every row takes its kind's verdict."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from clustering.registry import Registry
from connectors.formats.parse import Reading, parse
from pipeline.labelling import Labelled, Labeller
from schemas.events import LABELLED, RECORDS, TS
from schemas.registry import KINDS, Kind, Verdict

NOW = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1_000_000)


class Counts:
    """A model that says the same of every kind, and counts the kinds."""

    def __init__(self, label: str = "app.info") -> None:
        self.asked: list[Kind] = []
        self.label = label

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict]:
        self.asked += kinds
        return [Verdict(self.label, 0.75, "tiny", "tiny:1") for _ in kinds]


def parsed(*lines: str) -> pa.RecordBatch:
    n = len(lines)
    columns = [
        pa.array([line.encode() for line in lines], pa.binary()),
        pa.array(range(n), pa.int64()),
        pa.array([NOW] * n, TS),
        pa.array([False] * n),
    ]
    records = pa.RecordBatch.from_arrays(columns, schema=RECORDS).replace_schema_metadata({b"source": b"file-x.0000"})
    return parse(records, Reading(tz=UTC))


def rows(labelled: Labelled, *names: str) -> list[tuple[object, ...]]:
    return list(zip(*(labelled.events.column(name).to_pylist() for name in names), strict=True))


LINE = "Nov 20 11:59:58 web01 app: user {} logged in"


def test_a_kind_is_asked_about_once_however_many_lines_it_has() -> None:
    model = Counts()
    labeller = Labeller(Registry(), model)
    first = labeller.label(parsed(*(LINE.format(i) for i in range(100))))
    again = labeller.label(parsed(LINE.format(7)))
    assert len(model.asked) == 1
    assert first.novel.num_rows == 1
    assert again.novel.num_rows == 0
    assert rows(again, "label_at_ingest", "stage", "model") == [("app.info", "tiny", "tiny:1")]
    assert first.events.schema.equals(LABELLED, check_metadata=False)


def test_the_note_on_a_new_kind_says_where_it_stood_with_a_masked_example() -> None:
    labelled = Labeller(Registry(), Counts()).label(
        parsed("Nov 20 11:59:58 web01 app: up", LINE.format("ann@example.org"))
    )
    (note,) = [n for n in labelled.novel.to_pylist() if "logged" in n["template"]]
    assert (note["source"], note["source_offset"]) == ("file-x.0000", 1)
    assert note["example"] == "user <mail> logged in"
    assert note["template"] == "user <*> logged in"
    assert note["first_seen"] == datetime(2026, 11, 20, 11, 59, 58, tzinfo=UTC)


def test_a_continuation_takes_its_lines_label_and_is_no_kind_of_its_own() -> None:
    model = Counts()
    labelled = Labeller(Registry(), model).label(parsed(LINE.format(1), "\tat a.B.c(D.java:1)", "Caused by: x"))
    assert [kind.template for kind in model.asked] == ["user <*> logged in"]
    assert rows(labelled, "label_at_ingest", "stage") == [
        ("app.info", "tiny"),
        ("app.info", "continuation"),
        ("app.info", "continuation"),
    ]


def test_a_reject_has_no_kind() -> None:
    labelled = Labeller(Registry(), Counts()).label(parsed("", LINE.format(1)))
    assert rows(labelled, "key", "params", "confidence", "stage", "label_at_ingest")[0] == (
        None,
        None,
        None,
        "none",
        "unknown",
    )
    assert labelled.novel.num_rows == 1


def known(stage: str) -> Registry:
    kind = Labeller(Registry(), Counts()).label(parsed(LINE.format(1))).novel.to_pylist()[0]
    registry = Registry()
    registry.refresh(pa.Table.from_pylist([{**kind, "label": "auth.login_success", "stage": stage}], KINDS))
    return registry


def test_a_rule_overrules_the_model_and_a_person_overrules_the_rule() -> None:
    def rules(kinds: Sequence[Kind]) -> list[Verdict | None]:
        return [Verdict("web.access", 1.0, "rule", "rules:1", settled=True) for _ in kinds]

    for stage, said in (("tiny", "web.access"), ("person", "auth.login_success")):
        labelled = Labeller(known(stage), Counts(), rules).label(parsed(LINE.format(1)))
        assert rows(labelled, "label_at_ingest") == [(said,)]


def test_a_rule_on_a_known_kind_is_told_once_and_taken_back_when_the_rule_is_gone() -> None:
    def rules(kinds: Sequence[Kind]) -> list[Verdict | None]:
        return [Verdict("web.access", 1.0, "rule", "rules:1", settled=True) for _ in kinds]

    labeller = Labeller(known("tiny"), Counts(), rules)
    first = labeller.label(parsed(LINE.format(1)))
    assert [v.label for v in first.overruled.values()] == ["web.access"]
    assert not labeller.label(parsed(LINE.format(2))).overruled
    free = Labeller(known("rule"), Counts(), lambda kinds: [None for _ in kinds]).label(parsed(LINE.format(1)))
    assert [v.label for v in free.overruled.values()] == ["app.info"]
    assert not Labeller(known("rule"), Counts()).label(parsed(LINE.format(1))).overruled


def test_what_the_lake_knows_reaches_no_model() -> None:
    model = Counts()
    labelled = Labeller(known("tiny"), model).label(parsed(LINE.format(2)))
    assert not model.asked
    assert labelled.novel.num_rows == 0
    assert rows(labelled, "label_at_ingest") == [("auth.login_success",)]


def test_nothing_gives_nothing() -> None:
    labelled = Labeller(Registry(), Counts()).label(parsed())
    assert (labelled.events.num_rows, labelled.novel.num_rows) == (0, 0)
