"""Cert sets are drawn before labels are seen, labels count in the order drawn, and certificates stand or fall by rule."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classifiers.certify import Proof, Uncertified
from classifiers.certify_claims import Claim, SpentError
from connectors.lake.certificates import Certificates
from pipeline.certify import certify_lake, claims_of, spent, standing, standings, withdraw
from pipeline.certify_draw import DrawError, cert_sets, draw, drawn, labelled, population, to_label
from pipeline.policy import fingerprint, note_decided, policy_of, turned
from pipeline.settings_precision import PrecisionSettings, RouteSettings
from schemas.certificates import LAST_STAGE
from schemas.policy import COARSE, FINE, STANDARD, Ladder
from schemas.registry import Kind
from tests.pipeline.precision_kit import APPS, Knows, asks, label, lake_of

PLAIN = PrecisionSettings()
COARSE_ONLY = [Claim(COARSE)]
FROZEN = {"tiny": "tiny:1", "large": "large:1"}


def _certified(folder: Path, n: int = 300, settings: PrecisionSettings = PLAIN):  # type: ignore[no-untyped-def]
    lake = lake_of(folder / "lake", 800)
    name = draw(lake, n, seed=1)
    label(lake, drawn(lake, name))
    return lake, certify_lake(lake, settings, asks(), COARSE_ONLY)


def test_with_300_kinds_drawn_at_random_there_is_a_first_coarse_certificate(tmp_path: Path) -> None:
    lake, done = _certified(tmp_path)
    (proof,) = done.found.values()
    assert isinstance(proof, Proof)
    assert proof.lower >= COARSE.p
    (row,) = standing(lake)
    assert (row["tier"], row["status"], row["reference"], row["n"]) == ("coarse", "valid", "people", proof.n)


def test_after_60_labels_it_says_how_many_more_are_needed_and_spends_nothing(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", 800)
    name = draw(lake, 300, seed=1)
    label(lake, drawn(lake, name)[:60])
    done = certify_lake(lake, PLAIN, asks(), [Claim(FINE)])
    (found,) = done.found.values()
    assert isinstance(found, Uncertified)
    assert found.needed is not None
    assert done.labels == 60
    assert spent(lake, name) == 0.0, "no label was looked at"


def test_two_attempts_at_once_never_spend_the_same_of_the_budget(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", 800)
    name = draw(lake, 300, seed=1)
    label(lake, drawn(lake, name))
    meet = threading.Barrier(2, timeout=60)

    class Together(Knows):
        def ladder(self, kinds: Sequence[Kind]) -> Ladder:
            with suppress(threading.BrokenBarrierError):
                meet.wait()  # both have read what is spent, and neither has written
            return super().ladder(kinds)

    deltas: list[float] = []
    both = [
        threading.Thread(
            target=lambda: deltas.append(
                certify_lake(lake, PLAIN, replace(asks(), cascade=Together()), COARSE_ONLY).delta
            )
        )
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(deltas) == pytest.approx([PLAIN.delta / 4, PLAIN.delta / 2])
    assert spent(lake, name) == pytest.approx(sum(deltas))


def test_labels_count_up_to_the_first_kind_that_has_none_whoever_chose_the_others(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", 100)
    kinds = drawn(lake, draw(lake, 40, seed=1))
    label(lake, kinds[:10] + kinds[20:])
    assert [one.rank for one in labelled(drawn(lake, cert_sets(lake)[0]))] == list(range(10))
    assert [one.rank for one in to_label(lake)] == list(range(10, 20))


def test_the_draw_is_uniform_over_templates_nobody_has_spoken_of_and_keeps_seed_and_chance(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", 100)
    everything = {template_id for template_id, _ in population(lake)}
    first = drawn(lake, draw(lake, 30, seed=5))
    label(lake, first)
    rows = Certificates(lake.root).draws().to_pylist()
    assert {(row["inclusion"], row["population"], row["seed"]) for row in rows} == {(0.3, 100, 5)}
    assert rows[0]["apps"] == sorted(APPS)
    left = {template_id for template_id, _ in population(lake)}
    assert left == everything - {one.template_id for one in first}
    with pytest.raises(DrawError, match="no kind to draw"):
        _draw_all_twice(lake)


def _draw_all_twice(lake):  # type: ignore[no-untyped-def]
    draw(lake, 1_000)
    draw(lake, 1)


def test_each_attempt_spends_of_the_budget_of_its_cert_set_until_a_new_one_is_needed(tmp_path: Path) -> None:
    lake, first = _certified(tmp_path)
    second = certify_lake(lake, PLAIN, asks(), COARSE_ONLY)
    assert (first.delta, second.delta) == pytest.approx((PLAIN.delta / 2, PLAIN.delta / 4))
    assert spent(lake, cert_sets(lake)[0]) == pytest.approx(first.delta + second.delta)
    with pytest.raises(SpentError, match="draw a new cert set"):
        certify_lake(lake, replace(PLAIN, delta=first.delta + second.delta), asks(), COARSE_ONLY)
    fresh = draw(lake, 300)
    assert spent(lake, fresh) == 0.0


@pytest.mark.parametrize(
    ("frozen", "later", "status"),
    [
        (FROZEN, timedelta(0), "valid"),
        (FROZEN | {"large": "large:2"}, timedelta(0), "void"),
        (FROZEN | {"exits": "exits:1"}, timedelta(0), "void"),
        (FROZEN, timedelta(days=91), "expired"),
    ],
)
def test_a_certificate_is_void_when_what_it_froze_has_changed_and_expires(
    frozen: dict[str, str], later: timedelta, status: str, tmp_path: Path
) -> None:
    lake, _ = _certified(tmp_path)
    (found,) = standings(lake, frozen, now=datetime.now(UTC) + later)
    assert found.status == status


def test_a_drawn_kind_that_is_of_another_template_now_voids_the_certificate(tmp_path: Path) -> None:
    lake, _ = _certified(tmp_path)
    kinds = lake.kinds()
    one = kinds.filter([row == drawn(lake, cert_sets(lake)[0])[0].kind.key for row in kinds["key"].to_pylist()])
    at = one.schema.get_field_index("template_id")
    lake.publish(one.set_column(at, one.schema.field(at), [["f" * 16]]))
    (found,) = standings(lake, FROZEN)
    assert found.status == "void"
    assert "another template" in found.reason


def test_agreement_with_the_last_stage_needs_no_labels_and_never_lets_it_answer_by_itself(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", 800)
    draw(lake, 300, seed=1)
    done = certify_lake(lake, PLAIN, asks(0.995), COARSE_ONLY, reference=LAST_STAGE)
    (proof,) = done.found.values()
    assert isinstance(proof, Proof)
    assert set(proof.thresholds) == {"tiny"}
    assert standing(lake)[0]["reference"] == LAST_STAGE


def test_a_policy_grants_only_what_stands_and_only_for_programs_it_was_drawn_from(tmp_path: Path) -> None:
    coarse = replace(PLAIN, tier="coarse", missing="escalate")
    lake, _ = _certified(tmp_path, settings=coarse)
    policy = policy_of(lake, coarse, FROZEN)
    assert policy.exits("sshd").cert_id == standings(lake)[0].cert_id
    assert policy.exits("haproxy").cert_id is None, "no certificate crosses to a program it was not drawn from"
    assert policy.exits("haproxy").thresholds == {}
    assert policy_of(lake, coarse, FROZEN | {"tiny": "tiny:2"}).exits("sshd").cert_id is None
    withdraw(lake, standings(lake)[0], "a person said so")
    assert policy_of(lake, coarse, FROZEN).exits("sshd").cert_id is None


def test_a_route_without_evidence_escalates_or_abstains_and_never_pools_silently(tmp_path: Path) -> None:
    routes = (RouteSettings(tier="coarse", domain="auth"), RouteSettings(tier="coarse", domain="mail", missing="pool"),
              RouteSettings(tier="fine", app="post*", missing="abstain"))  # fmt: skip
    settings = replace(PLAIN, tier="coarse", routes=routes)
    lake, _ = _certified(tmp_path, settings=settings)
    policy = policy_of(lake, settings, FROZEN)
    assert policy.exits("sshd", "auth").cert_id is None
    assert policy.exits("sshd", "auth").thresholds == {}
    assert policy.exits("sshd", "mail").cert_id is not None
    assert policy.exits("sshd", "web").cert_id is not None
    assert policy.exits("postfix", "web").abstain
    assert Claim(COARSE, "auth") in claims_of(settings)
    assert Claim(STANDARD) in claims_of(settings)


def test_turning_the_dial_or_a_withdrawal_is_noticed_once(tmp_path: Path) -> None:
    coarse = replace(PLAIN, tier="coarse")
    lake, _ = _certified(tmp_path, settings=coarse)
    assert turned(lake_of(tmp_path / "other", 3), policy_of(lake_of(tmp_path / "other", 3), PLAIN, FROZEN)) is None
    policy = policy_of(lake, coarse, FROZEN)
    mark = turned(lake, policy)
    assert mark == fingerprint(policy)
    note_decided(lake, mark)
    assert turned(lake, policy) is None
    withdraw(lake, standings(lake)[0], "alarm")
    assert turned(lake, policy_of(lake, coarse, FROZEN)) is not None
