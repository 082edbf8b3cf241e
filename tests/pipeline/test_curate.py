"""What people say of kinds: it holds, it shows at once in all history, it can be taken back, and taken elsewhere."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from clustering.key import key_of
from clustering.templates import Bounds, Templates, template
from connectors.catalog import Session
from connectors.lake import Lake
from pipeline.curate import publish, set_label
from pipeline.curate_find import CurateError
from pipeline.curate_templates import add, merge, mute, orders_of, split
from pipeline.curate_undo import undo
from pipeline.curate_yaml import export_labels, import_labels
from pipeline.learn_state import FITS
from schemas.registry import KINDS, Kind
from tests.connectors.lake_rows import NOON, novel, rows

LOGIN, LOGOUT = "session of alice opened at <*>", "session of bob opened at <*>"
STARTED, OTHER = "VM <*> Started", "disk <*> is full"
WHO: dict[str, Any] = {"by": "ann", "reason": "seen it"}


def key(text: str, app: str = "app") -> str:
    return template(app, text).id


def fill(lake: Lake) -> Lake:
    """Four kinds of one program, with two, two, one and one events."""
    texts = [LOGIN, LOGOUT, STARTED, OTHER]
    for n, text in enumerate(texts):
        told = {"template": text, "template_id": key(text), "app": "app", "set_by": "inline", "label": "app.info"}
        lake.note_novel(novel(key(text), first_seen=NOON + timedelta(seconds=n), **told))
    for i, text in enumerate([LOGIN, LOGIN, LOGOUT, LOGOUT, STARTED, OTHER]):
        told = {"key": key(text), "template_id": key(text), "label_at_ingest": "app.info", "app": "app"}
        lake.chain("kafka-a").append(rows("kafka-a", [i], **told), i, i + 1, {})
    return lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return fill(Lake.create(tmp_path / "lake"))


@pytest.fixture
def session(lake: Lake) -> Iterator[Session]:
    with Session(lake) as session:
        yield session


def learnt(lake: Lake, *texts: str, into: str, **told: Any) -> str:
    """Publish what a learner would of some kinds: one template, and a label."""
    made = template("app", into)
    said = {"template_id": made.id, "merged_text": made.text, "stage": "large", "set_by": "learn", "settled": True}
    known = [row for row in lake.kinds().to_pylist() if row["key"] in {key(text) for text in texts}]
    lake.publish(pa.Table.from_pylist([row | said | told for row in known], KINDS))
    return made.id


def state(lake: Lake) -> list[dict[str, Any]]:
    """All that holds, but for who said it when."""
    aside = {"set_by", "set_at", "reason"}
    return [
        {n: v if n != "ordered" else v or None for n, v in row.items() if n not in aside}
        | {"muted": bool(row["muted"])}
        for row in lake.kinds().to_pylist()
    ]


def test_a_relabel_shows_in_the_very_next_query_of_all_history_and_undo_restores_it(
    lake: Lake, session: Session
) -> None:
    counts = "SELECT label, count(*) AS n FROM events GROUP BY 1 ORDER BY 1"
    before, held = session.run(counts).to_pylist(), state(lake)
    done = set_label(lake, key(LOGIN), "auth.session", **WHO)
    assert [(c.before[1], c.after[1]) for c in done.changes] == [("app.info", "auth.session")]
    assert session.run(counts).to_pylist() == [{"label": "app.info", "n": 4}, {"label": "auth.session", "n": 2}]
    undo(lake, None, by="bob")
    assert session.run(counts).to_pylist() == before
    assert state(lake) == held


def test_a_label_is_for_all_kinds_of_the_template_whichever_id_is_told(lake: Lake) -> None:
    now = learnt(lake, LOGIN, LOGOUT, into="session of <*> opened at <*>")
    for told, label in ((now, "auth.session"), (key(LOGOUT), "auth.account_change"), ("session OF", "auth.session")):
        assert {c.key for c in set_label(lake, told, label, **WHO).changes} == {key(LOGIN), key(LOGOUT)}
    assert not set_label(lake, now[:6], "auth.session", **WHO).changes


def test_a_persons_label_outlives_what_is_learnt_later(lake: Lake, session: Session) -> None:
    set_label(lake, key(LOGIN), "auth.session", **WHO)
    learnt(lake, LOGIN, LOGOUT, into="session of <*> opened at <*>", label="app.debug")
    told = "SELECT label, label_source, set_by, keys FROM templates WHERE starts_with(template, 'session')"
    assert session.run(told).to_pylist() == [
        {"label": "auth.session", "label_source": "person", "set_by": "ann", "keys": 2}
    ]
    undo(lake, key(LOGIN), by="ann")
    row = next(row for row in lake.kinds().to_pylist() if row["key"] == key(LOGIN))
    assert (row["label"], row["merged_text"]) == ("app.info", "session of <*> opened at <*>")


def test_undo_goes_back_one_change_after_another_and_then_says_that_there_is_none(lake: Lake) -> None:
    held = [state(lake)]
    for label in ("auth.session", "auth.account_change"):
        set_label(lake, key(LOGIN), label, **WHO)
        held.append(state(lake))
    mute(lake, key(OTHER), muted=True, **WHO)
    for expected in reversed(held):
        undo(lake, None, by="ann")
        assert state(lake) == expected
    with pytest.raises(CurateError, match="nothing to undo"):
        undo(lake, None, by="ann")
    set_label(lake, key(LOGIN), "auth.session", **WHO)
    undo(lake, key(LOGIN), by="ann")
    assert state(lake) == held[0]


def test_a_merge_and_a_split_reach_history_and_old_ids_stay_alive(lake: Lake, session: Session) -> None:
    held = state(lake)
    done = merge(lake, key(LOGIN), key(LOGOUT), **WHO)
    (made,) = {change.after[0] for change in done.changes}
    assert made == key("session of <*> opened at <*>")
    counted = "SELECT count(*) AS n FROM events_of(?)"
    for old in (key(LOGIN), key(LOGOUT), made):
        assert session.run(counted, [old]).to_pylist() == [{"n": 4}]
    again = split(lake, made, **WHO)
    assert {change.after[0] for change in again.changes} == {key(LOGIN), key(LOGOUT)}
    counts = [session.run(counted, [old]).to_pylist()[0]["n"] for old in (key(LOGIN), key(LOGOUT), made)]
    assert counts == [2, 2, 4]
    undo(lake, None, by="ann")
    assert session.run(counted, [key(LOGIN)]).to_pylist() == [{"n": 4}]
    undo(lake, None, by="ann")
    assert state(lake) == held


def test_what_the_next_learner_makes_of_orders_is_what_is_shown_already(lake: Lake) -> None:
    def learn() -> dict[str, str]:
        kinds = lake.kinds()
        known = [Kind(row["key"], row["app"], row["template"]) for row in kinds.to_pylist()]
        found = Templates(orders=orders_of(kinds)).merge(known).resolve(known)
        return {kind.key: one.id if one else kind.key for kind, one in zip(known, found, strict=True)}

    def shown() -> dict[str, str]:
        return {row["key"]: row["template_id"] for row in lake.kinds().to_pylist()}

    for change in (
        lambda: merge(lake, key(LOGIN), key(LOGOUT), **WHO),
        lambda: split(lake, key("session of <*> opened at <*>"), **WHO),
        lambda: undo(lake, None, by="ann"),
        lambda: add(lake, "disk <*> is full", app="app", label="storage.capacity", **WHO),
    ):
        change()
        assert learn() == shown()


def test_a_split_leaves_no_kind_without_a_template_of_its_own_however_many_there_are(lake: Lake) -> None:
    names = ("".join(letters) for letters in product("bcdfgl", "aeiou", "bcdfgl", "aeiou", "mn"))
    texts = [f"tape of {name} wound at <*>" for name in islice(names, Bounds().leaf + 20)]
    one = novel("0" * 16, app="app", set_by="inline").to_pylist()[0]
    met = [one | {"key": key(text), "template_id": key(text), "template": text} for text in texts]
    lake.note_novel(pa.RecordBatch.from_pylist(met, KINDS))
    split(lake, learnt(lake, *texts, into="tape of <*> wound at <*>"), **WHO)
    found = [row for row in lake.kinds().to_pylist() if row["template"] in texts]
    assert all(row["template_id"] == row["key"] for row in found)


def test_templates_that_say_different_things_are_not_merged(lake: Lake) -> None:
    lake.note_novel(novel(key("VM <*> Paused"), template="VM <*> Paused", template_id=key("VM <*> Paused"), app="app"))
    with pytest.raises(CurateError, match="does not fit"):
        merge(lake, key(STARTED), key("VM <*> Paused"), **WHO)
    with pytest.raises(CurateError, match="differ in length"):
        merge(lake, key(STARTED), key(OTHER), **WHO)
    with pytest.raises(CurateError, match="one kind"):
        split(lake, key(STARTED), **WHO)


def test_a_template_written_by_hand_takes_the_kinds_that_fit_and_is_there_before_any_line(lake: Lake) -> None:
    held = state(lake)
    done = add(lake, "session of carol9 opened at 12:00", app="app", label="auth.session", **WHO)
    made = key("session of <*> opened at <*>")
    assert {c.key: c.after for c in done.changes} == dict.fromkeys(
        (key(LOGIN), key(LOGOUT), made), (made, "auth.session", False)
    )
    assert key_of("app", "session of dave1 opened at 1").kind.key == made
    undo(lake, None, by="ann")
    assert [row for row in state(lake) if row["key"] != made] == held
    with pytest.raises(CurateError, match="constant word"):
        add(lake, "<*> 17", app="app", label="auth.session", **WHO)


def test_what_is_muted_is_not_new_but_its_events_are_there(lake: Lake, session: Session) -> None:
    new = "SELECT count(*) AS n FROM new_templates"
    mute(lake, key(OTHER), muted=True, **WHO)
    assert session.run(new).to_pylist() == [{"n": 3}]
    assert session.run("SELECT count(*) AS n FROM events WHERE template LIKE 'disk%'").to_pylist() == [{"n": 1}]
    row = next(row for row in lake.kinds().to_pylist() if row["key"] == key(OTHER))
    assert (row["stage"], row["set_by"], row["muted"]) == ("tiny", "inline", True)
    mute(lake, key(OTHER), muted=False, **WHO)
    assert session.run(new).to_pylist() == [{"n": 4}]


def test_labels_and_templates_of_people_go_round_by_a_file_into_a_new_lake(lake: Lake, tmp_path: Path) -> None:
    set_label(lake, key(OTHER), "storage.capacity", **WHO)
    merge(lake, key(LOGIN), key(LOGOUT), **WHO)
    mute(lake, key(STARTED), muted=True, **WHO)
    for everything, count in ((False, 4), (True, 4)):
        text, written = export_labels(lake, everything=everything)
        (tmp_path / "kinds.yaml").write_text(text)
        assert written == count
        new = Lake.create(tmp_path / f"new-{everything}")
        import_labels(new, tmp_path / "kinds.yaml", by="bob")
        told = {"key", "template_id", "template", "merged_text", "app", "label", "stage", "ordered", "muted"}
        got, expected = ([{n: row[n] for n in told} for row in x.kinds().to_pylist()] for x in (new, lake))
        assert got == expected
        assert not import_labels(new, tmp_path / "kinds.yaml", by="bob").changes
        assert export_labels(new, everything=everything)[0] == text


def test_a_file_that_cannot_be_taken_over_says_all_there_is_to_mend(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("version: 1\nkinds: [{app: a}, {app: a, kind: b, label: auth.sesion}, {app: a, kind: b, x: 1}]")
    with pytest.raises(CurateError) as told:
        import_labels(lake, file, by="ann")
    assert len(str(told.value).splitlines()) == 4
    assert "auth.session" in str(told.value)
    file.write_text("{")
    with pytest.raises(CurateError, match="not YAML"):
        import_labels(lake, file, by="ann")


def taken(lake: Lake, file: Path, **entry: Any) -> dict[str, Any]:
    """Import one entry, and give what holds of its kind."""
    file.write_text(yaml.safe_dump({"version": 1, "kinds": [{"app": "app", **entry}]}))
    import_labels(lake, file, by="bob")
    return next(row for row in lake.kinds().to_pylist() if row["key"] == key(entry["kind"]))


def test_a_file_that_labels_one_kind_and_mutes_one_that_follows_it_can_be_undone(lake: Lake, tmp_path: Path) -> None:
    into = "session of <*> opened at <*>"
    learnt(lake, LOGIN, LOGOUT, into=into)
    entries = [{"kind": LOGIN, "label": "auth.session", "by": "ann"}, {"kind": LOGOUT, "muted": True}]
    said = [{"app": "app", "template": into, **entry} for entry in entries]
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({"version": 1, "kinds": said}))
    import_labels(lake, tmp_path / "x.yaml", by="bob")
    learnt(lake, LOGOUT, into=into, label="auth.session", stage="cluster", reason=FITS)
    undo(lake, None, by="bob")
    found = {row["key"]: row for row in lake.kinds().to_pylist()}
    assert (found[key(LOGIN)]["stage"], found[key(LOGOUT)]["muted"]) == ("large", False)


@pytest.mark.parametrize("order", [{"muted": True}, {"ordered": "apart"}])
def test_of_a_kind_that_is_settled_here_only_the_orders_of_another_lake_are_taken(
    lake: Lake, tmp_path: Path, order: dict[str, Any]
) -> None:
    learnt(lake, OTHER, into=OTHER, label="storage.filesystem", confidence=0.99)
    said = {"label": "app.info", "stage": "tiny", "confidence": 0.4, "settled": False, "model": "tiny:x"}
    row = taken(lake, tmp_path / "x.yaml", kind=OTHER, **said, **order)
    assert (row["label"], row["stage"], row["set_by"], row["settled"]) == ("storage.filesystem", "large", "learn", True)
    assert order.items() <= row.items()


def test_a_mute_from_another_lake_moves_no_kind_to_the_template_it_had_there(lake: Lake, tmp_path: Path) -> None:
    now = learnt(lake, LOGIN, LOGOUT, into="session of <*> opened at <*>")
    row = taken(lake, tmp_path / "x.yaml", kind=LOGIN, template="session <*> <*> opened at <*>", muted=True)
    assert (row["template_id"], row["muted"]) == (now, True)


def test_a_label_that_was_undone_to_an_older_one_goes_round_by_a_file(lake: Lake, tmp_path: Path) -> None:
    for label in ("auth.session", "auth.account_change"):
        set_label(lake, key(LOGIN), label, **WHO)
    undo(lake, None, by="ann")
    (tmp_path / "kinds.yaml").write_text(export_labels(lake)[0])
    new = Lake.create(tmp_path / "new")
    import_labels(new, tmp_path / "kinds.yaml", by="bob")
    assert [(row["label"], row["stage"], row["set_by"]) for row in new.kinds().to_pylist()] == [
        ("auth.session", "person", "bob")
    ]
    undo(new, None, by="bob")
    assert {row["label"] for row in new.kinds().to_pylist()} == {"unknown"}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"stage": "person"}, "stage: 'person'"),
        ({"stage": "order"}, "stage: 'order'"),
        ({"by": "learn"}, "not the name of a person"),
        ({"by": 5}, "by: 5: not a text"),
        ({"confidence": "high"}, "confidence: 'high'"),
        ({"confidence": 7.5}, "confidence: 7.5"),
        ({"template": 5}, "template: 5: not a text"),
        ({"template": None}, "template: None: not a text"),
        ({"label": ["a"]}, "label: .*not a text"),
        ({"muted": "yes please"}, "muted: 'yes please': neither true nor false"),
        ({"settled": None}, "settled: None: neither true nor false"),
        ({"first_seen": "soon"}, "first_seen: 'soon'"),
    ],
)
def test_an_entry_that_cannot_be_taken_over_is_told_in_one_line_that_names_it(
    lake: Lake, tmp_path: Path, told: dict[str, Any], why: str
) -> None:
    with pytest.raises(CurateError, match=rf"\n  kinds\[0\]: .*{why}.*$"):
        taken(lake, tmp_path / "x.yaml", **({"kind": OTHER, "label": "app.info"} | told))


@pytest.mark.parametrize("text", ["version: 1\nkinds: 5", "version: 1\nkinds: {a: b}", "at: 2026-13-45"])
def test_what_is_no_list_of_entries_is_refused(lake: Lake, tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(CurateError, match=r"x\.yaml: not "):
        import_labels(lake, tmp_path / "x.yaml", by="ann")


def test_what_stands_for_kinds_without_room_takes_no_label_and_the_refusal_says_what_does(
    lake: Lake, session: Session, tmp_path: Path
) -> None:
    other, told = key("<other>"), {"label": "unknown", "stage": "none", "confidence": 0.0, "set_by": "inline"}
    lake.note_novel(novel(other, template="<other>", template_id=other, app="app", **told))
    at_ingest = {"template_id": other, "label_at_ingest": "unknown", "stage": "none", "app": "app"}
    lake.chain("kafka-a").append(rows("kafka-a", [6], key=key("one of many"), **at_ingest), 6, 7, {})
    file, stamp = tmp_path / "labels.yaml", lake.registry_stamp()
    file.write_text("version: 1\nkinds: [{app: app, kind: <other>, label: app.info, by: ann}]\n")
    refusal = r"<other> of app: .* a label reaches none of their events; a rule .* to come$"
    for id_or_words in (other, "<other>"):
        with pytest.raises(CurateError, match=refusal):
            set_label(lake, id_or_words, "app.info", dry_run=True, **WHO)
    with pytest.raises(CurateError, match=refusal):
        add(lake, "<other>", app="app", label="app.info", **WHO)
    with pytest.raises(CurateError, match=refusal):
        import_labels(lake, file, by="ann")
    assert lake.registry_stamp() == stamp
    for view in ("events", "templates"):
        said = session.run(f"SELECT label, stage FROM {view} WHERE template_id = '{other}'").to_pylist()
        assert said == [{"label": "unknown", "stage": "none"}]


def test_what_is_not_known_is_told_with_the_nearest(lake: Lake) -> None:
    with pytest.raises(CurateError, match=r"auth\.session"):
        set_label(lake, key(LOGIN), "auth.sesion", **WHO)
    near = key(LOGIN)[:-1] + ("0" if key(LOGIN)[-1] != "0" else "1")
    with pytest.raises(CurateError, match=f"did you mean {key(LOGIN)}"):
        set_label(lake, near, "auth.session", **WHO)
    with pytest.raises(CurateError, match="2 templates fit"):
        set_label(lake, "opened", "auth.session", **WHO)
    with pytest.raises(CurateError, match="not the name of a person"):
        set_label(lake, key(LOGIN), "auth.session", by="learn", reason="")


def test_a_dry_run_changes_nothing(lake: Lake) -> None:
    stamp = lake.registry_stamp()
    assert set_label(lake, key(LOGIN), "auth.session", dry_run=True, **WHO).changes
    assert merge(lake, key(LOGIN), key(LOGOUT), dry_run=True, **WHO).changes
    assert lake.registry_stamp() == stamp


def test_whoever_was_slower_makes_rows_from_what_holds_now(lake: Lake) -> None:
    tried: list[int] = []

    def make(kinds: pa.Table) -> list[dict[str, Any]]:
        tried.append(kinds.num_rows)
        if len(tried) == 1:
            learnt(lake, LOGIN, LOGOUT, into="session of <*> opened at <*>")
        row = next(row for row in kinds.to_pylist() if row["key"] == key(LOGIN))
        return [row | {"label": "auth.session", "stage": "person", "set_by": "ann"}]

    assert publish(lake, make).sequence == 2
    assert len(tried) == 2
    row = next(row for row in lake.kinds().to_pylist() if row["key"] == key(LOGIN))
    assert (row["label"], row["merged_text"]) == ("auth.session", "session of <*> opened at <*>")
