"""Templates: what merges and what never does, whatever the order, the shards and the restarts."""

import json
import os
import pickle
import random
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.survivors import MASK
from clustering.templates import OTHER, Bounds, Orders, Templates, template
from clustering.templates_forms import form_of, speaks
from clustering.templates_table import from_table, to_table
from schemas.registry import Kind
from tests.clustering.templates_kit import KINDS, NAMES, groups, kind, kinds, learnt

FAILED = [f"Failed password for {name} from 10.0.0.1 port 7 ssh2" for name in NAMES[:6]]
OPENED = [f"session opened for user {name} by (uid=0)" for name in NAMES[:3]]


def test_names_merge_and_different_events_do_not() -> None:
    invalid = [f"Invalid user {name} from 10.0.0.1" for name in NAMES[:6]]
    assert groups(*FAILED, *OPENED, *invalid) == [set(FAILED), set(OPENED), set(invalid)]


def test_a_name_without_a_digit_merges_with_one_that_holds_a_digit() -> None:
    assert len(groups("session closed for user x1", "session closed for user alice")) == 1


def test_paths_hosts_times_units_and_lists_merge_from_the_first_line() -> None:
    assert len(groups("cannot open /etc/passwd now", "cannot open /srv/x/y now")) == 1
    assert len(groups("no route to web.example.org today", "no route to db.example.net today")) == 1
    assert len(groups("[Mon Nov 23 02:11:07 2026] all well", "[Tue Nov 24 02:11:07 2026] all well")) == 1
    assert len(groups("closed, 12 bytes sent", "closed, 12 bytes (1.2 KB) sent")) == 1
    assert len(groups("nodes n1 <ok> n2 <ok> bad", "nodes n1 <ok> n2 <ok> n3 <ok> bad")) == 1


def test_two_names_that_always_change_together_merge() -> None:
    lines = [f"login of user {a} from host {b} granted" for a, b in pairwise(NAMES[:8])]
    assert len(groups(*lines)) == 1


def test_a_name_next_to_a_hole_merges_with_two_holes() -> None:
    lines = [
        *(f"session {i} of user {name} 7 closed" for i, name in enumerate(NAMES[:4])),
        "session 1 of user x1 7 closed",
    ]
    assert len(groups(*lines)) == 1


def test_optional_fields_merge_when_there_are_many_and_stay_apart_when_there_are_two() -> None:
    fields = ["a=1 b=2 c=3", "a=1 c=3 d=4", "a=1 b=2 d=4 e=5", "b=2 c=3 d=4"]
    assert len(groups(*(f"disconnect from client {some}" for some in fields))) == 1
    failures = [
        "authentication failure; uid=0 euid=0 rhost=h1",
        "authentication failure; uid=0 euid=0 rhost=h1 user=root",
    ]
    assert len(groups(*failures)) == 2


OPPOSITES = [
    "started stopped paused resumed suspended", "up down", "success failure", "INFO ERROR WARN DEBUG", "accepted rejected",
    "allowed denied", "enabled disabled", "online offline", "connected disconnected", "opened closed", "valid invalid",
    "master slave", "true false", "mounted unmounted", "link-up link-down", "NodeReady NodeNotReady", "read write",
    "succeeded failed aborted", "active inactive", "healthy unhealthy degraded", "gestartet beendet fehlgeschlagen",
    "démarré arrêté échoué", "iniciado detenido fallido", "armed disarmed tripped", "throttled banned postponed",
]  # fmt: skip
FRAMES = ["VM {} now", "{} the machine", "the link is {}", "for user {}", "state={}", "status: {}", "server [{}] said so",
          "from '{}' to us", "service {} by root", "interface x1 {}"]  # fmt: skip


@pytest.mark.parametrize("words", OPPOSITES)
@pytest.mark.parametrize("frame", FRAMES)
def test_words_that_tell_what_happened_never_merge(frame: str, words: str) -> None:
    told = [frame.format(word) for word in words.split()]
    names = [frame.format(name) for name in NAMES]
    found = {line: {*group} for group in groups(*told, *names) for line in group}
    assert all(found[line] == {line} for line in told)


def test_verbs_not_in_any_list_do_not_merge_either() -> None:
    lines = [
        f"volume {verb} by the operator" for verb in "shredded polished trimming scrubbing relabelled frobbing".split()
    ]
    assert len(groups(*lines)) == len(lines)


def test_a_health_told_by_colours_does_not_merge() -> None:
    colours = "GREEN YELLOW RED".split()
    lines = [f"Cluster health status changed from [{a}] to [{b}]" for a in colours for b in colours if a != b]
    assert len(groups(*lines)) == len(lines)


def test_programs_do_not_share_templates() -> None:
    both = [*kinds(OPENED[:2], "cron"), *kinds(OPENED[:2], "sshd")]
    assert [one and one.app for one in Templates().merge(both).resolve(both)] == ["cron", "cron", "sshd", "sshd"]


def test_a_template_of_one_key_is_the_key_and_of_many_what_they_share() -> None:
    alone = kind("disk sda of 12 GB at /dev/sda is fine")
    (found,) = Templates().merge([alone]).resolve([alone])
    assert found == template(alone.app, alone.template)
    assert found is not None
    assert found.id == alone.key
    (of_many,) = learnt(*OPENED)
    assert of_many == template("app", f"session opened for user {MASK} by (uid={MASK}")


@settings(max_examples=25, deadline=None)
@given(KINDS, st.integers(0, 2**32))
def test_any_order_and_any_sharding_give_the_same_templates(found: list[Kind], seed: int) -> None:
    whole, draw = Templates().merge(found), random.Random(seed)
    want = whole.resolve(found)
    for _ in range(10):
        shuffled = draw.sample(found, len(found))
        assert Templates().merge(shuffled).resolve(found) == want
    shards = [Templates().merge(shuffled[i::16]) for i in range(16)]
    draw.shuffle(shards)
    while len(shards) > 1:
        shards = [shards.pop(draw.randrange(len(shards))).join(shards.pop()), *shards]
    assert shards[0].resolve(found) == want
    assert {*shards[0]} == {*whole}


@settings(max_examples=40, deadline=None)
@given(KINDS, KINDS, KINDS)
def test_join_is_associative_commutative_and_idempotent_and_merging_by_and_by_is_merging_at_once(
    a: list[Kind], b: list[Kind], c: list[Kind]
) -> None:
    x, y, z = (Templates().merge(part) for part in (a, b, c))
    want = {*Templates().merge([*a, *b, *c])}
    assert {*x.join(y).join(z)} == {*x.join(y.join(z))} == {*z.join(y).join(x)} == {*x.merge(b).merge(c)} == want
    assert {*x.join(x)} == {*x}


@settings(max_examples=40, deadline=None)
@given(KINDS, st.integers(0, 2**32), st.integers(2, 12), st.integers(2, 30), st.integers(2, 40))
def test_so_it_is_at_the_bounds(found: list[Kind], seed: int, leaf: int, program: int, total: int) -> None:
    draw, empty = random.Random(seed), Templates(bounds=Bounds(2, leaf, program, total))
    since = {one: draw.randrange(5) for one in found}
    whole = empty.merge(found, (since[one] for one in found))
    parts = [empty.merge(part, (since[one] for one in part)) for part in (found[::3], found[1::3], found[2::3])]
    draw.shuffle(parts)
    joined = parts[0].join(parts[1]).join(parts[2])
    assert joined.resolve(found) == whole.resolve(found)
    assert joined.kept == whole.kept <= total
    assert None not in whole.resolve(found)


@settings(max_examples=40, deadline=None)
@given(KINDS)
def test_every_kind_has_a_template_that_says_something_and_ids_stay_alive(found: list[Kind]) -> None:
    now, seen = Templates(), set()
    for one in found:
        now = now.merge([one])
        seen |= {each.id for each in now}
    alive = {each.id for each in now}
    assert {now.merged_into.get(old, old) for old in seen} <= alive
    assert not alive & now.merged_into.keys()
    for one, its in zip(found, now.resolve(found), strict=True):
        assert its is not None
        assert now.merged_into.get(one.key, one.key) == its.id
        assert its.text == one.template or speaks(form_of(its.text))


@settings(max_examples=40, deadline=None)
@given(KINDS, KINDS)
def test_what_resolves_inline_is_where_learning_puts_it(known: list[Kind], new: list[Kind]) -> None:
    before = Templates().merge(known)
    after = before.merge(new)
    for inline, learned in zip(before.resolve(new), after.resolve(new), strict=True):
        assert learned is not None
        assert inline is None or after.merged_into.get(inline.id, inline.id) == learned.id


def test_a_restarted_process_gives_the_same_ids() -> None:
    code = (
        "import json; from tests.clustering.templates_kit import kinds; from clustering.templates import Templates;"
        f"print(json.dumps(sorted(one.id for one in Templates().merge(kinds({FAILED + OPENED!r})))))"
    )
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        said = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True).stdout
        assert json.loads(said) == sorted(one.id for one in learnt(*FAILED, *OPENED))


def test_a_new_name_resolves_without_learning_and_a_new_event_does_not() -> None:
    known = learnt(*FAILED)
    new, other = kinds(["Failed password for eve from 10.0.0.1 port 7 ssh2", "Failed none for eve from here"])
    assert known.resolve([new, other]) == [*known, None]
    (told,) = kinds(["Failed password for rejected from 10.0.0.1 port 7 ssh2"])
    assert known.resolve([told]) == [None]


def test_a_flood_of_invented_names_is_one_template_and_what_was_known_stays() -> None:
    draw = random.Random(1)
    names = {"".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(4, 9))) for _ in range(6_000)}
    before = learnt(*FAILED, *OPENED, "Accepted publickey for git from 10.0.0.1 port 7")
    flood = kinds(f"Failed password for {name} from 10.0.0.1 port 7 ssh2" for name in sorted(names))
    after = before.merge(flood, [1] * len(flood))
    assert {*before} == {*after}
    assert after.kept <= Bounds().leaf + 10
    assert len(flood) * 0.9 < after.met < len(flood) * 1.1


def test_junk_is_bounded_and_counted_and_what_came_before_it_stays() -> None:
    draw = random.Random(1)
    junk = kinds(
        " ".join("".join(draw.choices("abcdefgh", k=7)) for _ in range(draw.randint(3, 6))) for _ in range(3_000)
    )
    before = Templates(bounds=Bounds(leaf=50, program=200, total=300)).merge(kinds([*FAILED, *OPENED]))
    after = before.merge(junk, range(1, 3_001))
    assert after.kept <= 200
    assert {*before} <= {*after}
    found = after.resolve(junk)
    others = sum(one is not None and one.text == OTHER for one in found)
    assert others + after.kept >= len(junk)
    elsewhere = after.merge(kinds(["a word of another program"], "else"), [9_999])
    assert elsewhere.resolve(kinds(["a word of another program"], "else"))[0] is not None


def test_people_split_a_template_and_take_it_back() -> None:
    learned = learnt(*OPENED)
    (one,) = learned
    split = learned.ordered(Orders(apart=frozenset([one.id])))
    assert {found and found.text for found in split.resolve(kinds(OPENED))} == {k.template for k in kinds(OPENED)}
    assert {*split.ordered(Orders())} == {one}
    assert split.join(learned).orders.apart == {one.id}


def test_people_keep_a_kind_alone() -> None:
    alone, *rest = kinds(OPENED)
    pinned = learnt(*OPENED).ordered(Orders(apart=frozenset([alone.key])))
    assert pinned.resolve([alone]) == [template(alone.app, alone.template)]
    assert len({*pinned.resolve(rest)}) == 1
    assert pinned.ordered(Orders()).merge([alone]).resolve([alone]) == pinned.resolve(rest[:1])


def test_people_write_a_template() -> None:
    text = f"the {MASK} is on fire"
    written = learnt("the roof is on fire").ordered(Orders(written=frozenset([("app", text)])))
    assert written.resolve(kinds(["the roof is on fire", "the sea is on fire"])) == [template("app", text)] * 2
    assert written.resolve(kinds(["the sea is on"])) == [None]
    assert written.merged_into[kind("the roof is on fire").key] == template("app", text).id


@settings(max_examples=25, deadline=None)
@given(KINDS, KINDS)
def test_templates_survive_pickling_and_the_way_through_arrow(found: list[Kind], more: list[Kind]) -> None:
    learned = Templates().merge(found).merge(more)
    for back in (pickle.loads(pickle.dumps(learned)), from_table(to_table(learned))):
        assert {*back} == {*learned}
        assert back.resolve([*found, *more]) == learned.resolve([*found, *more])
        assert back.merged_into == learned.merged_into
        assert {*back.merge(kinds(FAILED))} == {*learned.merge(kinds(FAILED))}
        assert to_table(back).equals(to_table(learned), check_metadata=True)


def test_a_strange_table_is_refused() -> None:
    with pytest.raises(ValueError, match="not a table of templates"):
        from_table(to_table(learnt("a b")).replace_schema_metadata({}))
