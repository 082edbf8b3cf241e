"""A new key that fits a known template is settled inline; what fits none in a full program is `<other>`."""

from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from learn_kit import learner, meet, new_lake, person, rows
from test_labelling import Counts, parsed

from clustering.key import key_of
from clustering.registry import Registry
from clustering.templates import Bounds, Template, template
from connectors.lake import Lake
from pipeline.curate import set_label
from pipeline.curate_templates import add, merge, mute, split
from pipeline.curate_undo import undo
from pipeline.labelling import Labeller
from pipeline.learn_state import FITS, State
from pipeline.resolving import TRIED, Fit, Resolver
from schemas.registry import INLINE, KINDS, Kind, Verdict

NAMES = "apple banana cherry damson elder fig grape hazel iris juniper kiwi lemon".split()
LINE = "Nov 20 11:59:58 web01 sshd: Failed password for {} from 10.0.0.1 port 22 ssh2"
TEXT = "Failed password for <*> from <*> port <*>"
FIRE = "Nov 20 11:59:58 web01 fire: the {} is on fire"
ANN: dict[str, Any] = {"by": "ann", "reason": "seen it"}


def learnt(root: Path) -> Lake:
    lake = new_lake(root)
    meet(lake, [("sshd", LINE.format(name).partition("sshd: ")[2]) for name in NAMES])
    learner(lake).once()
    return lake


def labeller_of(lake: Lake | None = None, bounds: Bounds | None = None) -> tuple[Labeller, Counts]:
    model = Counts("app.error")
    made = Labeller(Registry(), model)
    made._resolver = Resolver(bounds)
    if lake is not None:
        made.refresh(lake.kinds())
    return made, model


def test_a_new_key_of_a_known_template_takes_its_id_and_label_and_no_model_is_asked(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    known = next(iter(rows(lake).values()))
    labeller, model = labeller_of(lake)
    out = labeller.label(parsed(LINE.format("mallory")))
    assert model.asked == []
    assert out.events.column("template_id").to_pylist() == [known["template_id"]]
    assert out.events.column("label_at_ingest").to_pylist() == [known["label"]]
    note = out.novel.to_pylist()[0]
    assert (note["template_id"], note["merged_text"], note["set_by"]) == (known["template_id"], TEXT, "inline")
    assert note["key"] != note["template_id"]


def test_templates_that_are_published_later_count_from_the_next_refresh_on(tmp_path: Path) -> None:
    labeller, model = labeller_of()
    labeller.label(parsed(LINE.format("mallory")))
    assert len(model.asked) == 1
    labeller.refresh(learnt(tmp_path / "lake").published(0)[1][0])
    labeller.label(parsed(LINE.format("oscar")))
    assert len(model.asked) == 1


def test_a_persons_label_reaches_the_new_keys_of_a_template_under_another_stage(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    for key in rows(lake):
        person(lake, key, "auth.login_failure")
    labeller, model = labeller_of(lake)
    note = labeller.label(parsed(LINE.format("mallory"))).novel.to_pylist()[0]
    assert (note["label"], note["stage"], model.asked) == ("auth.login_failure", "cluster", [])


def test_a_persons_label_that_is_taken_back_reaches_no_new_key_of_a_running_worker(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    before = next(iter(rows(lake).values()))["label"]
    for key in rows(lake):
        person(lake, key, "auth.login_failure")
    labeller, _ = labeller_of(lake)
    for _ in rows(lake):
        undo(lake, None, by="ann")
    labeller.refresh(Lake.open(lake.root).kinds())
    note = labeller.label(parsed(LINE.format("mallory"))).novel.to_pylist()[0]
    assert note["label"] == before != "auth.login_failure"


def met_late(lake: Lake) -> str:
    """Meet one more kind of the template as a worker does; gives its key."""
    out = labeller_of(lake)[0].label(parsed(LINE.format("mallory"))).novel
    lake.note_novel(out)
    return str(out.column("key")[0].as_py())


def told(lake: Lake, key: str) -> tuple[object, ...]:
    """Give what is told of a kind."""
    return tuple(rows(lake)[key][name] for name in ("label", "stage", "model", "settled", "cluster_id", "template_id"))


def test_who_took_over_a_persons_label_inline_follows_at_once_when_it_is_taken_back(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    first = next(iter(rows(lake)))
    before = told(lake, first)
    set_label(lake, "Failed password", "security.intrusion", by="ann", reason="seen it")
    late = met_late(lake)
    assert told(lake, late)[:2] == ("security.intrusion", "cluster")
    assert {change.key for change in undo(lake, None, by="ann").changes} == set(rows(lake))
    assert told(lake, late) == told(lake, first) == before
    assert learner(lake).once().published == 0


def test_who_took_over_a_label_follows_to_the_one_before_and_is_labelled_anew_later(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    for label in ("auth.login_failure", "security.intrusion"):
        set_label(lake, "Failed password", label, by="ann", reason="seen it")
    late = met_late(lake)
    learner(lake).once()
    undo(lake, None, by="ann")
    assert told(lake, late)[:2] == ("auth.login_failure", "cluster")
    undo(lake, None, by="ann")
    assert told(lake, late)[:2] == ("app.info", "large")
    set_label(lake, "Failed password", "auth.session", by="ann", reason="seen it")
    undo(lake, late, by="ann")
    assert told(lake, late)[:2] == ("app.info", "large")


def test_who_was_relabelled_since_follows_when_both_labels_are_taken_back(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    set_label(lake, "Failed password", "auth.login_failure", by="ann", reason="seen it")
    late = met_late(lake)
    set_label(lake, "Failed password", "security.intrusion", by="ann", reason="seen it")
    undo(lake, None, by="ann")
    assert told(lake, late)[:2] == ("auth.login_failure", "cluster")
    undo(lake, None, by="ann")
    assert told(lake, late)[:2] == ("app.info", "large")


def test_who_took_over_a_label_that_a_person_still_stands_by_keeps_it(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    for key in rows(lake):
        person(lake, key, "security.intrusion")
    late = met_late(lake)
    for left in range(len(NAMES) - 1, -1, -1):
        undo(lake, None, by="ann")
        assert told(lake, late)[:2] == (("security.intrusion", "cluster") if left else ("app.info", "large"))


def test_who_took_over_a_label_of_kinds_that_were_not_settled_is_asked_about(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    made = add(lake, TEXT, app="sshd", label="security.intrusion", by="ann", reason="seen it").changes[0].key
    meet(lake, [("sshd", LINE.format("mallory").partition("sshd: ")[2])])
    learner(lake).once()
    late = next(key for key in rows(lake) if key != made)
    assert told(lake, late)[:2] == ("security.intrusion", "cluster")
    undo(lake, None, by="ann")
    assert told(lake, late)[:4] == ("unknown", "none", "", False)
    learner(lake).once()
    assert told(lake, late)[:2] == ("app.info", "large")


def table(rows_: list[dict[str, Any]]) -> pa.Table:
    """Give rows of the registry as a file of it would."""
    return pa.Table.from_pylist(rows_, KINDS)


def caught_up(resolver: Resolver, lake: Lake, after: int) -> int:
    """Tell a resolver what was published since, file by file as a running worker hears of it."""
    after, tables = lake.published(after)
    for table in tables:
        resolver.refresh(table)
    return after


def fit(resolver: Resolver, app: str, message: str) -> tuple[str, str, str] | None:
    """Give template, label and stage of what a new key fits."""
    (found,) = resolver.resolve([key_of(app, message).kind])
    return None if found is None else (found.template.id, found.verdict.label, found.verdict.stage)


def test_a_running_worker_follows_each_order_as_one_that_is_started_now(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    said = next(iter(rows(lake).values()))
    id_, label = str(said["template_id"]), str(said["label"])
    running, at = Resolver(), 0
    told = []
    for act in (
        lambda: None,
        lambda: mute(lake, id_, muted=True, **ANN),
        lambda: set_label(lake, id_, "security.intrusion", **ANN),
        lambda: mute(lake, id_, muted=False, **ANN),
        lambda: split(lake, id_, **ANN),
        lambda: [undo(lake, None, by="ann") for _ in range(3)],
    ):
        act()
        at = caught_up(running, lake, at)
        started = Resolver()
        started.refresh(lake.kinds())
        told.append(fit(running, "sshd", "Failed password for mallory from 10.0.0.1 port 22 ssh2"))
        assert told[-1] == fit(started, "sshd", "Failed password for mallory from 10.0.0.1 port 22 ssh2")
    learnt_, labelled = (id_, label, said["stage"]), (id_, "security.intrusion", "cluster")
    assert told == [learnt_, learnt_, labelled, labelled, None, learnt_]


def test_a_label_taken_back_is_given_to_no_new_key_by_a_running_worker_either(tmp_path: Path) -> None:
    whole = learnt(tmp_path / "lake").kinds().to_pylist()
    heirs = [{"label": "security.intrusion", "stage": "cluster", "set_by": "learn", "reason": FITS}] * (len(whole) - 1)
    says = [{"label": "security.intrusion", "stage": "person", "set_by": "ann"}, *heirs]
    open_ = {"label": "unknown", "stage": "none", "settled": False, "reason": None}
    back = [open_ | {"set_by": "undo"}, *[open_ | {"set_by": INLINE}] * len(heirs)]
    late = "Failed password for trudy from 10.0.0.9 port 22 ssh2"
    running, started = Resolver(), Resolver()
    running.refresh(table([row | told for row, told in zip(whole, says, strict=True)]))
    assert (fit(running, "sshd", late) or ("", "", ""))[1] == "security.intrusion"
    after = table([row | told for row, told in zip(whole, back, strict=True)])
    running.refresh(after)
    started.refresh(after)
    assert fit(running, "sshd", late) == fit(started, "sshd", late) is None


def test_a_kind_takes_up_room_once_however_often_it_is_heard_of(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    kinds = lake.kinds()
    running = Resolver(Bounds(program=kinds.num_rows + 1))
    for key, app, text in zip(*(kinds.column(n).to_pylist() for n in ("key", "app", "template")), strict=True):
        running.met(Kind(key, app, text))
    for _ in range(3):
        running.refresh(kinds)
    assert running.full("sshd") is None


def test_a_template_that_people_wrote_takes_new_keys_with_its_label_and_no_model_is_asked(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    add(lake, "the <*> is on fire", app="fire", label="security.intrusion", **ANN)
    for told in (lake.kinds(), *lake.published(0)[1]):
        labeller, model = labeller_of()
        labeller.refresh(told)
        note = labeller.label(parsed(FIRE.format("barn"))).novel.to_pylist()[0]
        assert note["template_id"] == template("fire", "the <*> is on fire").id
        assert (note["label"], note["stage"], model.asked) == ("security.intrusion", "cluster", [])


def test_templates_that_people_merged_take_new_keys_until_that_is_undone(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    keys = meet(lake, [("fire", "the roof is on fire"), ("fire", "the kitchen is on fire")])
    learner(lake).once()
    running = Resolver()
    at = caught_up(running, lake, 0)
    assert fit(running, "fire", "the barn is on fire") is None
    merge(lake, keys[0], keys[1], **ANN)
    at = caught_up(running, lake, at)
    assert fit(running, "fire", "the barn is on fire") == (
        template("fire", "the <*> is on fire").id, "app.info", rows(lake)[keys[0]]["stage"],
    )  # fmt: skip
    undo(lake, None, by="ann")
    caught_up(running, lake, at)
    assert fit(running, "fire", "the barn is on fire") is None


def test_what_people_want_of_kinds_that_are_not_settled_settles_none(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    keys = meet(lake, [("fire", "the roof is on fire"), ("fire", "the kitchen is on fire")])
    merge(lake, keys[0], keys[1], **ANN)
    running, started = Resolver(), Resolver()
    caught_up(running, lake, 0)
    started.refresh(lake.kinds())
    assert fit(running, "fire", "the barn is on fire") is fit(started, "fire", "the barn is on fire") is None


def test_what_is_said_of_a_template_for_the_time_being_reaches_no_new_key(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    add(lake, "the <*> is on fire", app="fire", label="security.intrusion", **ANN)
    resolver = Resolver()
    at = caught_up(resolver, lake, 0)
    assert fit(resolver, "fire", "the barn is on fire") is not None
    row = lake.kinds().to_pylist()[0] | {"stage": "tiny", "settled": False, "set_by": "undo", "ordered": None}
    lake.publish(pa.Table.from_pylist([row], KINDS))
    caught_up(resolver, lake, at)
    assert fit(resolver, "fire", "the barn is on fire") is None


def test_a_key_that_fits_nothing_is_asked_about(tmp_path: Path) -> None:
    labeller, model = labeller_of(learnt(tmp_path / "lake"))
    labeller.label(parsed("Nov 20 11:59:58 web01 sshd: quite another message"))
    assert len(model.asked) == 1


def test_junk_of_a_full_program_is_other_noted_once_and_nobody_is_asked() -> None:
    labeller, model = labeller_of(bounds=Bounds(program=5))
    words = [f"{a} {b}" for a in NAMES for b in NAMES]
    out = labeller.label(parsed(*(f"Nov 20 11:59:58 web01 junk: {text} {text}" for text in words[:5])))
    assert (len(model.asked), out.novel.num_rows) == (5, 5)
    for part in (words[5:50], words[50:]):
        lines = [f"Nov 20 11:59:58 web01 junk: {text} {text}" for text in part]
        out = labeller.label(parsed(*lines, "Nov 20 11:59:58 web01 good: one more kind of another program " + part[0]))
        assert len(set(out.events.column("template_id").to_pylist())) == 2
        assert len(set(out.events.column("key").to_pylist())) == len(part) + 1
    assert len(model.asked) == 7
    assert [row["template"] for row in out.novel.to_pylist()] != ["<other>"]
    assert len(labeller.registry) == 8


def test_a_rule_labels_lines_of_a_full_program_too() -> None:
    labeller, _ = labeller_of(bounds=Bounds(program=0))
    labeller._rules = lambda kinds: [Verdict("web.access", 1.0, "rule", "rules:1", settled=True) for _ in kinds]
    out = labeller.label(parsed(LINE.format("mallory"), LINE.format("oscar")))
    assert out.events.column("label_at_ingest").to_pylist() == ["web.access"] * 2
    assert [(row["template"], row["label"]) for row in out.novel.to_pylist()] == [("<other>", "unknown")]


def test_what_stands_for_other_is_a_kind_that_learning_leaves_alone(tmp_path: Path) -> None:
    labeller, _ = labeller_of(bounds=Bounds(program=0))
    out = labeller.label(parsed(LINE.format("mallory")))
    assert [row["template"] for row in out.novel.to_pylist()] == ["<other>"]
    lake = new_lake(tmp_path / "lake")
    lake.note_novel(out.novel)
    assert learner(lake).once().published == 0


def test_two_workers_with_the_same_registry_resolve_alike(tmp_path: Path) -> None:
    lake = learnt(tmp_path / "lake")
    kinds = [key_of("sshd", LINE.format(name).partition("sshd: ")[2]).kind for name in ("mallory", "oscar", "x")]
    whole, parts = Resolver(), Resolver()
    whole.refresh(lake.kinds())
    table = lake.kinds()
    for start in range(table.num_rows - 1, -1, -1):
        parts.refresh(pa.Table.from_batches(table.slice(start, 1).to_batches()))
    assert whole.resolve(kinds) == parts.resolve(kinds)


def test_a_flood_in_one_batch_is_bounded_too() -> None:
    labeller, model = labeller_of(bounds=Bounds(program=5))
    words = [f"{a} {b}" for a in NAMES for b in NAMES]
    out = labeller.label(parsed(*(f"Nov 20 11:59:58 web01 junk: {text} {text}" for text in words)))
    assert len(model.asked) == 5
    assert [row["template"] for row in out.novel.to_pylist()].count("<other>") == 1
    assert out.novel.num_rows == 6


class Counting(Resolver):
    """A resolver that counts the kinds it is asked about."""

    asked = 0

    def resolve(self, kinds: Sequence[Kind]) -> list[Fit | None]:
        self.asked += len(kinds)
        return super().resolve(kinds)


def flooded(labeller: Labeller) -> list[dict[str, object]]:
    """Fill a program, then flood it beside a line of another one; gives the rows."""
    words = [" ".join(pair) for pair in product(NAMES, repeat=3)]
    junk = [f"Nov 20 11:59:58 web01 junk: {text}" for text in words]
    lines = [*junk[100:], LINE.format("mallory"), *junk[100:110]]
    first = labeller.label(parsed(*junk[:100]))
    out = labeller.label(parsed(*lines))
    return [*first.novel.to_pylist(), *out.novel.to_pylist(), *out.events.to_pylist()]


def test_of_a_flood_into_a_full_program_no_more_kinds_are_looked_at_than_those_tried() -> None:
    quick, slow = labeller_of(bounds=Bounds(program=50))[0], labeller_of(bounds=Bounds(program=50))[0]
    quick._resolver = counts = Counting(Bounds(program=50))
    slow._rules = lambda kinds: [None] * len(kinds)  # a rule has a word on each kind, so each is looked at
    told, expected = flooded(quick), flooded(slow)
    for row in (*told, *expected):
        row.pop("observed_ts", None)
    assert told == expected
    assert {row["template_id"] for row in told[-10:]} == {told[-1]["template_id"]} != {told[-1]["key"]}
    assert len(NAMES) ** 3 > 3 * TRIED
    assert counts.asked <= 100 + TRIED + 1 + 1


SAID = (
    Verdict("auth.login_failure", 0.7, "person", "", settled=True),
    Verdict("security.intrusion", 0.8, "rule", "rules:1", settled=True),
    Verdict("auth.mfa", 0.75, "large", "large:1", settled=True, cert_id="c1"),
    Verdict("auth.session_open", 0.99, "large", "large:1", settled=True),
    Verdict("unknown", 1.0, "large", "large:1", settled=True),
)
"""From who speaks for a template first to who does last."""


@pytest.mark.parametrize(("first", "second"), list(combinations(SAID, 2)))
@pytest.mark.parametrize("turned", [False, True])
def test_of_kinds_that_differ_the_same_one_speaks_for_their_template_to_workers_and_to_learning(
    tmp_path: Path, first: Verdict, second: Verdict, turned: bool
) -> None:
    known = list(rows(learnt(tmp_path / "lake")).values())
    one, two = (known[-1], known[0]) if turned else (known[0], known[-1])
    for row, verdict in ((one, first), (two, second)):
        names = ("label", "confidence", "stage", "model", "settled", "cert_id")
        row |= {name: getattr(verdict, name) for name in names} | {"reason": "asked"}
    both = table([one, two])
    state = State(both)
    templates = [Template(str(one["template_id"]), "sshd", TEXT)] * 2
    settled = state.settled(templates)
    assert [state.keys[i] for i in settled.values()] == [one["key"]]
    resolver = Resolver()
    resolver.refresh(table([{**row, "reason": FITS} for row in known[1:-1]]))
    resolver.refresh(both)
    found = fit(resolver, "sshd", "Failed password for mallory from 10.0.0.1 port 22 ssh2")
    assert found is not None
    assert found[1] == first.label
