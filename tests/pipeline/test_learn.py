import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from learn_kit import Last, encoder, learner, meet, new_lake, person, rows, tiny
from test_labelling import parsed

from classifiers.cascade import Cascade
from classifiers.plan import plan_of
from clustering.clusters import Clusters
from clustering.registry import Registry
from clustering.templates import Bounds, Template, Templates
from connectors.lake import Lake
from pipeline.curate import set_label
from pipeline.curate_templates import merge, split
from pipeline.curate_undo import undo
from pipeline.labelling import Labeller
from pipeline.learn import Learner
from pipeline.learn_labels import Labelled, label, outliers
from pipeline.learn_models import Models, Spreads
from pipeline.learn_state import Item, Known, State
from pipeline.transforms import publish
from schemas.policy import ABSTAIN, STANDARD, STRICT, Exits, Policy, Route
from schemas.registry import KINDS, Kind, Verdict

FRUIT = ["apple", "banana", "cherry", "damson", "elder", "fig", "grape", "hazel", "iris", "juniper", "kiwi", "lemon"]
USERS = [("sshd", f"Failed password for {name} from 10.0.0.{i} port 22 ssh2") for i, name in enumerate(FRUIT)]
VMS = [("vmd", f"VM {state} on this node {where}") for state in ("Started", "Paused") for where in ("now", "again")]
OTHERS = [
    ("kernel", "EXT4-fs error: unable to read superblock"),
    ("named", "zone transfer from primary completed"),
    ("chronyd", "selected source as reference clock"),
    ("dhclient", "bound to address, renewal in some hours"),
]
UNSURE = [*OTHERS, ("plugh", "frobnicator wants its tea")]
ALL = [*USERS, *VMS, *OTHERS]


def templates(found: dict[str, dict[str, object]]) -> dict[str, tuple[object, object]]:
    return {key: (row["template_id"], row["merged_text"]) for key, row in found.items()}


def test_a_pass_settles_what_was_met_and_the_next_has_nothing_to_do(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    keys = set(meet(lake, ALL))
    learned = learner(lake, last).once()
    assert json.loads(json.dumps(asdict(learned)))["calls"] == dict(learned.calls)
    found = rows(lake)
    assert set(found) == keys
    assert {row["set_by"] for row in found.values()} == {"learn"}
    assert all(row["settled"] and row["cluster_id"] in keys for row in found.values())
    assert (learned.fresh, learned.published, learned.calls["large"]) == (len(keys), len(keys), len(last.asked))
    again = learner(lake, last)
    assert again.once().published == again.once().published == 0
    assert len(list((lake.root / "registry").iterdir())) == 1


def test_kinds_that_differ_by_a_name_become_one_template_that_is_asked_about_once(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    keys = meet(lake, USERS)
    learner(lake, last).once()
    found = rows(lake)
    assert {found[key]["merged_text"] for key in keys} == {"Failed password for <*> from <*> port <*>"}
    assert len({found[key]["template_id"] for key in keys}) == len(last.asked) == 1


@pytest.mark.parametrize("size", [1, 5, 7])
def test_learning_piecemeal_gives_the_templates_that_learning_all_gives(tmp_path: Path, size: int) -> None:
    whole, parts = new_lake(tmp_path / "whole"), new_lake(tmp_path / "parts")
    meet(whole, ALL)
    learner(whole).once()
    going = learner(parts)
    for start in range(0, len(ALL), size):
        meet(parts, ALL[start : start + size], first=start)
        going.once()
    assert templates(rows(parts)) == templates(rows(whole))
    learner(parts).once(again=True)
    assert templates(rows(parts)) == templates(rows(whole))


def test_a_restarted_learner_gives_the_same_ids_as_one_that_ran_on(tmp_path: Path) -> None:
    on, off = new_lake(tmp_path / "on"), new_lake(tmp_path / "off")
    going = learner(on)
    for start in range(0, len(ALL), 6):
        for lake in (on, off):
            meet(lake, ALL[start : start + 6], first=start)
        going.once()
        learner(off).once()
    ids = ("template_id", "cluster_id", "label", "stage")
    a, b = rows(on), rows(off)
    assert {k: [r[n] for n in ids] for k, r in a.items()} == {k: [r[n] for n in ids] for k, r in b.items()}


def test_an_impure_cluster_gets_two_labels(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    last = Last(lambda text: "service.lifecycle" if "Started" in text else "platform.vm")
    keys = meet(lake, VMS)
    learner(lake, last).once()
    found = rows(lake)
    assert [found[key]["label"] for key in keys] == ["service.lifecycle"] * 2 + ["platform.vm"] * 2
    assert found[keys[0]]["cluster_id"] == found[keys[1]]["cluster_id"] != found[keys[2]]["cluster_id"]


def test_a_kind_near_to_a_labelled_cluster_inherits_without_a_call(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    first = meet(lake, [("ntpd", "time synchronisation with the server was lost")])[0]
    going = learner(lake, last)
    going.once()
    assert len(last.asked) == 1
    second = meet(lake, [("timed", "time synchronisation with the server lost")], first=50)[0]
    going.once()
    found = rows(lake)
    assert len(last.asked) == 1
    assert (found[second]["stage"], found[second]["cluster_id"]) == ("cluster", first)
    assert found[second]["label"] == found[first]["label"]


def test_who_abstains_takes_no_label_of_a_cluster_be_it_learnt_piecemeal_or_anew(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    policy = Policy((Route(STRICT, app="timed", missing=ABSTAIN),))
    models = Models([tiny(), last], floor=0.3, policy=lambda tuned: replace(policy, tuned=tuned), sure=1.01)
    going = Learner(lake, encoder, lambda: models)
    first = meet(lake, [("ntpd", "time synchronisation with the server was lost")])[0]
    going.once()
    second = meet(lake, [("timed", "time synchronisation with the server lost")], first=50)[0]
    for again in (False, True):
        going.once(again=again)
        found = rows(lake)
        assert (found[first]["label"], found[first]["stage"]) == ("app.info", "large")
        assert (found[second]["label"], found[second]["stage"]) == ("unknown", "none")


def test_a_new_key_of_a_known_template_takes_over_its_label_without_a_vector(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    meet(lake, USERS)
    going = learner(lake, last)
    going.once()
    key = meet(lake, [("sshd", "Failed password for mallory from 10.9.9.9 port 22 ssh2")], first=99)[0]
    learned = going.once()
    assert (learned.fitted, learned.vectors, learned.calls) == (1, 0, {})
    assert rows(lake)[key]["merged_text"] == "Failed password for <*> from <*> port <*>"


def test_a_persons_label_survives_and_is_what_others_inherit(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    key = meet(lake, [("ntpd", "time synchronisation with the server was lost")])[0]
    person(lake, key, "system.time_sync")
    other = meet(lake, [("timed", "time synchronisation with the server lost")], first=50)[0]
    learner(lake, last).once()
    learner(lake, last).once(again=True)
    found = rows(lake)
    assert (found[key]["label"], found[key]["stage"]) == ("system.time_sync", "person")
    assert (found[other]["label"], found[other]["stage"]) == ("system.time_sync", "cluster")
    assert last.asked == []


def test_who_took_over_a_persons_label_follows_when_it_changes_and_when_it_is_taken_back(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last(lambda _: "auth.login_failure")
    keys = meet(lake, USERS)
    going = learner(lake, last)
    going.once()
    for key in keys:
        person(lake, key, "security.intrusion")
    late = meet(lake, [("sshd", "Failed password for mallory from 10.9.9.9 port 22 ssh2")], first=99)[0]
    going.once()
    assert rows(lake)[late]["label"] == "security.intrusion"
    for key in keys:
        person(lake, key, "app.info")
    going.once()
    assert (rows(lake)[late]["label"], rows(lake)[late]["stage"]) == ("app.info", "cluster")
    for _ in range(2 * len(keys)):
        undo(lake, None, by="ann")
    going.once()
    assert {(rows(lake)[key]["label"], rows(lake)[key]["stage"]) for key in (*keys, late)} == {
        ("auth.login_failure", "large")
    }
    assert going.once().published == 0


def test_who_took_over_a_label_that_is_taken_back_before_anything_was_learnt_is_asked_about(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last(lambda _: "auth.login_failure")
    keys = meet(lake, USERS)
    for key in keys:
        person(lake, key, "security.intrusion")
    going = learner(lake, last)
    going.once()
    late = meet(lake, [("sshd", "Failed password for mallory from 10.9.9.9 port 22 ssh2")], first=99)[0]
    going.once()
    assert rows(lake)[late]["label"] == "security.intrusion"
    for _ in keys:
        undo(lake, None, by="ann")
    going.once()
    assert {(rows(lake)[key]["label"], rows(lake)[key]["stage"]) for key in (*keys, late)} == {
        ("auth.login_failure", "large")
    }


def says(lake: Lake, keys: list[str]) -> list[tuple[object, object]]:
    return [(rows(lake)[key]["label"], rows(lake)[key]["stage"]) for key in keys]


def test_a_persons_label_on_one_kind_holds_for_those_that_become_of_one_template_with_it(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last(lambda _: "auth.login_failure")
    keys = meet(lake, USERS[:3])
    going = learner(lake, last)
    going.once()
    person(lake, keys[0], "security.intrusion")
    person(lake, keys[2], "app.info")
    keys += meet(lake, USERS[3:], first=50)
    asked = len(last.asked)
    going.once()
    apart = says(lake, keys)
    assert len({rows(lake)[key]["template_id"] for key in keys}) == 1
    first = min((keys[0], keys[2]))
    other = rows(lake)[first]["label"]
    assert apart[0] == ("security.intrusion", "person")
    assert apart[2] == ("app.info", "person")
    assert set(apart[1:2] + apart[3:]) == {(other, "cluster")}
    while going.once().published:
        pass
    learner(lake, last).once(again=True)
    assert (says(lake, keys), len(last.asked)) == (apart, asked)


@pytest.mark.parametrize("labelled_first", [True, False])
def test_templates_that_a_person_merged_have_one_label_until_they_are_parted(
    tmp_path: Path, labelled_first: bool
) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last(lambda _: "app.error")
    keys = meet(lake, [("fire", "the roof is on fire"), ("fire", "the kitchen is on fire")])
    going = Learner(lake, lambda: None, lambda: Models([tiny(), last], floor=0.3, sure=1.01))
    going.once()
    if labelled_first:
        set_label(lake, keys[0], "security.intrusion", by="ann", reason="")
    merge(lake, keys[0], keys[1], by="ann", reason="")
    if not labelled_first:
        person(lake, keys[0], "security.intrusion")
    going.once()
    assert says(lake, keys) == [("security.intrusion", "person"), ("security.intrusion", "cluster")]
    assert (going.once().published, len(last.asked)) == (0, 2)
    split(lake, keys[0], by="ann", reason="")
    going.once()
    assert says(lake, keys) == [("security.intrusion", "person"), ("app.error", "large")]
    assert going.once().published == 0


@pytest.mark.parametrize("turn", [1, -1])
def test_machines_labels_of_templates_that_become_one_agree_whoever_came_first(tmp_path: Path, turn: int) -> None:
    last = Last(lambda text: "auth.login_failure" if "apple" in text else "app.error")
    lake, keys = new_lake(tmp_path / "lake"), list[str]()
    going = Learner(lake, lambda: None, lambda: Models([tiny(), last], floor=0.3, sure=1.01))
    for line in USERS[:2][::turn]:
        keys += meet(lake, [line], first=len(keys))
        going.once()
    assert {label for label, _ in says(lake, keys)} == {"auth.login_failure", "app.error"}
    asked = len(last.asked)
    first = rows(lake)[min(keys)]["label"]
    keys += meet(lake, USERS[2:], first=50)
    while going.once().published:
        pass
    assert (set(says(lake, keys)), len(last.asked)) == ({(first, "large")}, asked)


def test_of_a_template_a_person_speaks_first_then_a_rule_then_what_is_certified_and_any_label_before_none(
    tmp_path: Path,
) -> None:
    lake = new_lake(tmp_path / "lake")
    keys = sorted(meet(lake, USERS[:5]), reverse=True)
    told = [
        ("app.error", 0.5, "person", None), ("app.debug", 0.6, "rule", None), ("app.info", 0.7, "tiny", "c1"),
        ("app.error", 0.8, "large", None), ("unknown", 0.9, "none", None),
    ]  # fmt: skip
    said = [
        rows(lake)[key] | {"label": label_, "confidence": sure, "stage": stage, "cert_id": cert_id, "set_by": "learn"}
        for key, (label_, sure, stage, cert_id) in zip(keys, told, strict=True)
    ]
    for first in range(len(keys)):
        state = State(pa.Table.from_pylist(said[first:], KINDS))
        one = Template("t", "sshd", "Failed password for <*>")
        assert state.settled([one] * len(state)) == {"t": 0}


def test_a_guess_that_stands_since_its_rule_is_gone_speaks_for_no_template_and_is_asked_about(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    learnt, freed = meet(lake, USERS[:2])
    said = {
        learnt: {
            "label": "auth.login_failure",
            "confidence": 0.8,
            "stage": "large",
            "set_by": "learn",
            "settled": True,
        },
        freed: {"label": "app.info", "confidence": 0.95, "stage": "tiny", "set_by": "rule", "settled": False},
    }
    state = State(pa.Table.from_pylist([rows(lake)[key] | told for key, told in said.items()], KINDS))
    assert state.done == [True, False]
    assert state.settled([Template("t", "sshd", "Failed password for <*>")] * 2) == {"t": 0}


def test_who_inherited_from_a_cluster_follows_when_a_person_relabels_its_medoid_and_takes_it_back(
    tmp_path: Path,
) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last(lambda _: "app.error")
    medoid = meet(lake, [("ntpd", "time synchronisation with the server was lost")])[0]
    going = learner(lake, last)
    going.once()
    heir = meet(lake, [("timed", "time synchronisation with the server lost")], first=50)[0]
    going.once()
    assert (rows(lake)[heir]["label"], rows(lake)[heir]["cluster_id"]) == ("app.error", medoid)
    person(lake, medoid, "system.time_sync")
    going.once()
    assert (rows(lake)[heir]["label"], rows(lake)[heir]["stage"]) == ("system.time_sync", "cluster")
    undo(lake, None, by="ann")
    going.once()
    assert (rows(lake)[heir]["label"], rows(lake)[heir]["cluster_id"]) == ("app.error", medoid)
    assert going.once().published == 0
    assert len(last.asked) == 1


def test_what_tiny_said_inline_is_not_asked_again_and_what_it_was_sure_of_needs_no_other(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    keys = meet(lake, OTHERS, said=Verdict("app.error", 0.95, "tiny", tiny().model))
    models = Models([tiny(), last], floor=0.5)
    Learner(lake, encoder, lambda: models).once()
    assert {rows(lake)[key]["label"] for key in keys} == {"app.error"}
    assert (last.asked, +models.calls) == ([], Counter())


def scored(lake: Lake, last: Last, lines: list[tuple[str, str]], *, noted: bool = True) -> Counter[str]:
    """Meet kinds inline and learn them by exit scores; gives the calls. `noted`: what tiny gave all labels is kept."""
    plan = plan_of()
    told = (f"Nov 20 11:59:58 web01 {app}: {text}" for app, text in lines)
    novel = Labeller(Registry(), Cascade([tiny()], plan.floor)).label(parsed(*told)).novel
    at = KINDS.get_field_index("spread")
    assert novel.column(at).null_count == 0
    lake.note_novel(novel if noted else novel.set_column(at, KINDS.field(at), pa.nulls(len(novel), pa.binary())))
    models = Models([tiny(), last], plan.floor, plan.score, plan.near)
    return Counter(Learner(lake, lambda: None, lambda: models).once().calls)


def test_what_tiny_gave_all_labels_inline_is_not_asked_again_and_nothing_comes_out_differently(tmp_path: Path) -> None:
    kept, asked = new_lake(tmp_path / "kept"), new_lake(tmp_path / "asked")
    lasts = Last(), Last()
    calls = scored(kept, lasts[0], UNSURE), scored(asked, lasts[1], UNSURE, noted=False)
    assert (calls[0]["tiny"], calls[1]["tiny"]) == (0, len(UNSURE))
    assert lasts[0].asked == lasts[1].asked
    assert calls[0]["large"] == calls[1]["large"] == len(lasts[0].asked) > 0
    names = ("label", "confidence", "stage", "model", "settled", "reason")
    told = [{key: [row[name] for name in names] for key, row in rows(lake).items()} for lake in (kept, asked)]
    assert told[0] == told[1]
    assert {row["spread"] for row in rows(kept).values()} == {None}


def test_what_tiny_gave_labels_of_one_name_is_not_taken_for_what_it_gives_a_template(tmp_path: Path) -> None:
    assert scored(new_lake(tmp_path / "lake"), Last(), USERS)["tiny"] == 1


def test_what_another_model_has_noted_or_nobody_is_asked_of_tiny() -> None:
    kinds = [Kind(key, "named", "zone transfer from primary completed") for key in ("own", "other model", "none")]
    (said,) = tiny().classify(kinds[:1])
    assert said is not None
    told = {"own": said, "other model": replace(said, model="tiny:0"), "none": replace(said, spread=None)}
    found = Spreads(tiny(), told)
    assert found.remembered == {"own"}
    assert np.allclose(found.scores(kinds), tiny().scores(kinds), atol=1e-6)


def test_a_pass_is_bounded_and_one_loud_program_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    words = [f"{a}{b} {b}{a}{c}" for a in FRUIT[:4] for b in FRUIT[4:8] for c in FRUIT[8:]]
    meet(lake, [("noise", text) for text in words])
    quiet = meet(lake, OTHERS, first=1_000)
    going = learner(lake, last, most=10)
    learned = going.once()
    assert learned.vectors == 10
    assert learned.left > 0
    assert all(rows(lake)[key]["settled"] for key in quiet)
    while going.once().left:
        pass
    assert all(row["settled"] for row in rows(lake).values())


def test_kinds_that_templates_have_no_room_to_learn_from_are_kinds_of_their_own(tmp_path: Path) -> None:
    lake, last = new_lake(tmp_path / "lake"), Last()
    words = ["".join(letters) + "ed" for letters in product("bcdfgl", "aeiou", "bcdfgl", "mnprst")]
    lines = [("vol", f"volume group {word} by operator") for word in words[: Bounds().leaf + 20]]
    keys = meet(lake, lines)
    models = Models([tiny(), last], floor=0.3, sure=1.01)
    learning = Learner(lake, lambda: None, lambda: models)
    passes = [learning.once()]
    while passes[-1].left:
        passes.append(learning.once())
    found = rows(lake)
    assert passes[0].fresh == len(set(keys)) == len(lines)
    assert all(row["settled"] and row["template_id"] == key for key, row in found.items())
    assert (learning.once().fresh, len(last.asked)) == (0, len(lines))
    Learner(lake, lambda: None, lambda: models).once(again=True)
    assert templates(rows(lake)) == templates(found)


def midway(act: Callable[[], object]) -> Callable[[], object]:
    """Act the first time that a last stage is asked: the pass has read the lake by then, and published nothing."""
    acts = [act]
    return lambda: acts.pop()() if acts else None


def test_two_learners_at_once_leave_the_answer_of_one(tmp_path: Path) -> None:
    lake, alone = new_lake(tmp_path / "lake"), new_lake(tmp_path / "alone")
    for each in (lake, alone):
        meet(each, ALL)
    learner(alone).once()
    other = learner(lake, Last())
    learned = learner(lake, Last(first=midway(other.once))).once()
    assert learned.published == 0, "the other was faster, and nothing was left to say"
    names = ("template_id", "label", "cluster_id", "reason")
    a, b = rows(lake), rows(alone)
    assert {k: [r[n] for n in names] for k, r in a.items()} == {k: [r[n] for n in names] for k, r in b.items()}


def test_a_template_that_a_person_splits_in_the_midst_of_a_pass_stays_split(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    keys = meet(lake, USERS)
    learner(lake).once()
    (whole,) = {str(row["template_id"]) for row in rows(lake).values()}
    last = Last(first=midway(lambda: split(lake, whole, by="ann", reason="two things")))
    learner(lake, last).once(again=True)
    found = rows(lake)
    assert {row["template_id"] for row in found.values()} == set(keys)
    assert {row["ordered"] for row in found.values()} == {f"apart {whole}"}
    assert {row["merged_text"] for row in found.values()} == {None}


def test_what_a_rule_or_a_person_says_in_the_midst_of_a_pass_holds_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    keys = meet(lake, OTHERS)

    def meanwhile() -> None:
        publish(lake, {keys[0]: Verdict("storage.filesystem", 1.0, "rule", "", settled=True)})
        person(lake, keys[1], "network.dns")

    last = Last(first=midway(meanwhile))
    learned = learner(lake, last).once()
    found = rows(lake)
    told = [("storage.filesystem", "rule"), ("network.dns", "person"), ("app.info", "large"), ("app.info", "large")]
    assert [(found[key]["label"], found[key]["stage"]) for key in keys] == told
    assert len(last.asked) == len(set(last.asked)) == learned.calls["large"] == len(keys)
    assert (learned.published, learned.vectors) == (2, len(keys))


def test_a_dry_pass_publishes_nothing(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    meet(lake, ALL)
    assert learner(lake).once(dry=True).published > 0
    assert list((lake.root / "registry").iterdir()) == []


PLAIN = Policy()


def item(i: int, *, said: str = "unknown", confidence: float = 0.4, app: str = "app") -> Item:
    kind = Kind(f"k{i}", app, f"text {i}")
    return Item(kind.key, kind, (i,), i, Verdict(said, confidence, "none", "tiny:0"))


def asked_as(labels: dict[str, str], log: list[str], cert_id: str | None = None):  # type: ignore[no-untyped-def]
    def ask(kinds):  # type: ignore[no-untyped-def]
        log.extend(kind.key for kind in kinds)
        return [Verdict(labels.get(kind.key, "app.info"), 0.8, "large", "large:0", cert_id=cert_id) for kind in kinds]

    return ask


def labelled(
    found: dict[str, float], labels: dict[str, str], items: dict[str, Item], policy: Policy = PLAIN
) -> tuple[dict[str, Labelled], list[str]]:
    log: list[str] = []
    return label(items, Clusters(found={"k0": found}), {}, asked_as(labels, log), 0.7, policy), log


def test_members_that_agree_give_the_others_their_label() -> None:
    items = {f"k{i}": item(i) for i in range(8)}
    out, log = labelled({f"k{i}": 0.01 * i for i in range(8)}, {}, items)
    assert sorted(log) == ["k0", "k5", "k6", "k7"]
    assert {one.verdict.stage for i, one in out.items() if i not in log} == {"cluster"}
    assert {one.cluster for one in out.values()} == {"k0"}


def test_members_that_disagree_split_the_cluster_and_all_are_asked_alone() -> None:
    items = {f"k{i}": item(i) for i in range(6)}
    out, log = labelled({f"k{i}": 0.01 * i for i in range(6)}, {"k5": "app.error"}, items)
    assert sorted(log) == sorted(items)
    assert out["k5"].verdict.label == "app.error"
    assert {one.cluster for one in out.values()} == set(items)


@pytest.mark.parametrize("by", ["distance", "confidence"])
def test_a_planted_outlier_is_found_and_asked_alone(by: str) -> None:
    distance = {f"k{i}": 0.05 + 0.001 * (i % 3) for i in range(10)} | {"k0": 0.0}
    items = {f"k{i}": item(i) for i in range(10)}
    if by == "distance":
        distance["k9"] = 0.24
    else:
        items["k9"] = item(9, confidence=0.05)
    assert outliers(distance, {i: one.inline.confidence for i, one in items.items()}, "k0") == {"k9"}
    out, log = labelled(distance, {"k9": "app.error"}, items)
    assert "k9" in log
    assert (out["k9"].verdict.label, out["k9"].cluster) == ("app.error", "k9")
    assert {one.verdict.label for i, one in out.items() if i != "k9"} == {"app.info"}


def test_a_member_of_which_tiny_was_sure_of_another_label_does_not_take_that_of_the_cluster() -> None:
    items = {f"k{i}": item(i) for i in range(8)} | {"k2": item(2, said="app.error", confidence=0.75)}
    out, log = labelled({f"k{i}": 0.01 * i for i in range(8)}, {"k2": "app.error"}, items)
    assert "k2" in log
    assert out["k2"].cluster == "k2"


@pytest.mark.parametrize(
    ("distance", "said", "asked"),
    [(0.1, "unknown", False), (0.2, "app.error", False), (0.2, "unknown", True), (0.2, "app.info", True)],
)
def test_who_is_not_very_near_inherits_only_what_was_said_of_it_inline_too(
    distance: float, said: str, asked: bool
) -> None:
    known = {"m": Known(Kind("m", "app", "text"), Verdict("app.error", 0.9, "large", "large:0", settled=True))}
    log: list[str] = []
    items = {"k0": item(0, said=said, confidence=0.5)}
    out = label(items, Clusters(joined={"k0": ("m", distance)}), known, asked_as({}, log), 0.7, PLAIN)
    assert (log == ["k0"]) == asked
    assert (out["k0"].verdict.label, out["k0"].cluster) == (("app.info", "k0") if asked else ("app.error", "m"))


def test_the_label_of_a_cluster_goes_with_its_certificate_and_only_to_programs_that_this_speaks_for() -> None:
    granted = {(STANDARD.name, ""): Exits(STANDARD, {"large": 0.5}, "c1")}
    policy = Policy(granted=granted, apps=frozenset({"app"}))
    items = {f"k{i}": item(i) for i in range(8)} | {"k2": item(2, app="other")}
    log: list[str] = []
    found = Clusters(found={"k0": {f"k{i}": 0.01 * i for i in range(8)}})
    out = label(items, found, {}, asked_as({}, log, "c1"), 0.7, policy)
    assert sorted(log) == ["k0", "k2", "k5", "k6", "k7"]
    assert {(out[i].verdict.stage, out[i].verdict.cert_id) for i in ("k1", "k3", "k4")} == {("cluster", "c1")}
    medoid = {"k0": Known(items["k0"].kind, out["k0"].verdict)}
    near = Clusters(joined={"k1": ("k0", 0.1), "k2": ("k0", 0.1)})
    log.clear()
    late = label({i: items[i] for i in ("k1", "k2")}, near, medoid, asked_as({}, log), 0.7, policy)
    assert (late["k1"].verdict.stage, late["k1"].verdict.cert_id, log) == ("cluster", "c1", ["k2"])


@pytest.mark.parametrize(("app", "asked"), [("strict", False), ("silent", True)])
def test_a_persons_label_goes_on_whatever_the_exits_are_but_not_to_who_abstains(app: str, asked: bool) -> None:
    policy = Policy((Route(STRICT, app="strict"), Route(STRICT, app="silent", missing=ABSTAIN)))
    known = {"m": Known(Kind("m", "app", "text"), Verdict("app.error", 1.0, "person", "", settled=True))}
    log: list[str] = []
    label({"k0": item(0, app=app)}, Clusters(joined={"k0": ("m", 0.1)}), known, asked_as({}, log), 0.7, policy)
    assert (log == ["k0"]) == asked


def test_a_pass_resolves_only_kinds_of_programs_that_have_learnt_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = new_lake(tmp_path / "lake")
    meet(lake, ALL)
    going, looked = learner(lake), list[str]()
    resolve = Templates.resolve

    def watched(self: Templates, kinds: Sequence[Kind]) -> list[Template | None]:
        looked.extend(kind.app for kind in kinds)
        return resolve(self, kinds)

    monkeypatch.setattr(Templates, "resolve", watched)
    going.once()
    assert Counter(looked) == Counter(app for app, _ in ALL)
    looked.clear()
    meet(lake, [("named", "zone transfer to secondary failed")], first=100)
    going.once()
    assert Counter(looked) == {"named": 2}
    whole = new_lake(tmp_path / "whole")
    meet(whole, [*ALL, ("named", "zone transfer to secondary failed")])
    learner(whole).once()
    assert templates(rows(lake)) == templates(rows(whole))
    split(lake, next(key for key, row in rows(lake).items() if row["app"] == "sshd"), by="ann", reason="")
    looked.clear()
    going.once()
    assert len(looked) == len(ALL) + 1, "people's orders may change every program"
