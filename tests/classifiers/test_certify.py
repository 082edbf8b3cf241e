"""A certificate is right as often as it says; too little evidence certifies nothing; no trick makes more of it."""

from dataclasses import replace

import numpy as np
import pytest

from classifiers.binomial import least_n, tail
from classifiers.certify import Proof, Risk, Uncertified, certify, ordered
from classifiers.certify_claims import BUDGET, Claim, SpentError, allowance, certify_claims
from classifiers.exit_path import Shape, asked_at, exit_path, exits_at, mean_cost
from classifiers.exit_shape import cheapest, cost_of
from schemas.policy import COARSE, DOMAIN, FINE, I64, LEAF, STANDARD, Ladder, Tier
from schemas.taxonomy import taxonomy
from tests.classifiers.certify_kit import ladder, one_stage, oracle, precision_of, three_stages, truth_of

DELTA = 0.05


def _drawn(n: int, seed: int) -> tuple[Ladder, I64, Ladder]:
    rng = np.random.default_rng([n, seed])
    cert, truth = one_stage(n, rng, name="cert")
    return cert, truth, one_stage(2_000, rng, name="pool")[0]


@pytest.mark.parametrize(("n", "least", "repeats"), [(300, 0.20, 200), (1_000, 0.70, 100), (3_000, 0.85, 60)])
def test_certificates_are_wrong_no_more_often_than_they_say_and_reach_far(n: int, least: float, repeats: int) -> None:
    """`make bench-certify` does it a thousand times, beside other methods."""
    found = []
    for seed in range(repeats):
        cert, truth, pool = _drawn(n, seed)
        proof = certify(cert, truth, FINE, DELTA, pool)
        found.append(truth_of(proof.knob) if isinstance(proof, Proof) else (1.0, 0.0))
    wrong = np.mean([precision < FINE.p for precision, _ in found])
    assert wrong <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / repeats)
    assert np.mean([coverage for _, coverage in found]) >= least * oracle(FINE.p)


def test_all_exits_of_a_cascade_are_certified_together_and_cost_less_than_the_last_stage_for_all() -> None:
    rng = np.random.default_rng(7)
    big, true_big = three_stages(100_000, rng, "big")
    repeats, wrong, costs = 60, 0, []
    for _ in range(repeats):
        cert, truth = three_stages(1_500, rng, "cert")
        proof = certify(cert, truth, FINE, DELTA, three_stages(2_000, rng, "pool")[0])
        assert isinstance(proof, Proof)
        policy = np.array([proof.thresholds[stage] for stage in big.stages])
        wrong += precision_of(policy, big, true_big) < FINE.p
        costs.append(mean_cost(big, exits_at(big, LEAF, policy)))
    assert wrong / repeats <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / repeats)
    assert np.median(costs) < 0.5 * big.costs.sum()


def test_a_kind_that_stands_twice_is_refused_so_repeats_raise_no_n() -> None:
    cert, _ = one_stage(10, np.random.default_rng(1))
    with pytest.raises(ValueError, match="k0 stands twice"):
        cert.take([0, 1, 2, 0])


def test_kinds_of_cert_may_not_shape_the_path() -> None:
    cert, truth = one_stage(300, np.random.default_rng(1))
    with pytest.raises(ValueError, match="stands in cert and in the pool"):
        certify(cert, truth, FINE, DELTA, cert)


def test_shuffled_labels_certify_nothing() -> None:
    for seed in range(20):
        cert, truth, pool = _drawn(1_000, seed)
        found = certify(cert, np.random.default_rng(seed).permutation(truth), COARSE, DELTA, pool)
        assert isinstance(found, Uncertified)
        assert found.needed is None, "more labels of that sort would not help"


def test_nothing_one_class_or_too_few_never_certify() -> None:
    rng = np.random.default_rng(3)
    cert, _ = one_stage(3_000, rng)
    same = replace(cert, answer={DOMAIN: np.zeros((3_000, 1), np.int64), LEAF: np.zeros((3_000, 1), np.int64)})
    assert isinstance(certify(same, np.zeros(3_000, np.int64), COARSE, DELTA), Uncertified)
    for n in (0, 1, least_n(FINE.p, DELTA) - 1):
        rows = list(range(n))
        right = cert.take(rows).answer[LEAF][:, 0]
        found = certify(cert.take(rows), right, FINE, DELTA)
        assert isinstance(found, Uncertified), f"{n} kinds, all right"


def test_who_has_too_few_labels_is_told_how_many_more_are_needed_and_they_suffice() -> None:
    cert, truth, pool = _drawn(100, 1)
    found = certify(cert.take(range(40)), truth[:40], COARSE, DELTA, pool)
    assert isinstance(found, Uncertified)
    assert found.needed == 2 * least_n(COARSE.p, DELTA) - 40, "all kinds are answered at the most liberal knob"
    assert "40 of 40 labelled kinds are answered; 58 are needed" in found.why
    better, right = replace(cert, q={LEAF: cert.q[LEAF], DOMAIN: cert.q[LEAF]}), cert.answer[LEAF][:, 0]
    assert isinstance(certify(better.take(range(58)), right[:58], COARSE, DELTA, pool), Proof)


def test_the_policy_is_monotone_in_p() -> None:
    tiers = [Tier(f"at {p}", LEAF, p) for p in (0.85, 0.9, 0.93, 0.95, 0.97)]
    for seed in range(30):
        cert, truth, pool = _drawn(1_000, seed)
        found = ordered([certify(cert, truth, tier, DELTA, pool) for tier in tiers])
        knobs = [one.knob if isinstance(one, Proof) else np.inf for one in found]
        assert knobs == sorted(knobs)
        covered = [one.coverage if isinstance(one, Proof) else 0.0 for one in found]
        assert covered == sorted(covered, reverse=True)


def test_thresholds_are_seldom_more_liberal_than_the_truth_allows() -> None:
    found = [certify(*_drawn(1_000, seed)[:2], FINE, DELTA, _drawn(1_000, seed)[2]) for seed in range(30)]
    assert np.median([truth_of(one.knob)[1] for one in found if isinstance(one, Proof)]) < oracle(FINE.p)


def test_the_p_value_that_is_reported_is_the_one_of_the_table() -> None:
    cert, truth, pool = _drawn(1_000, 5)
    proof = certify(cert, truth, FINE, DELTA, pool)
    assert isinstance(proof, Proof)
    assert tail(proof.errors, proof.n, 1 - FINE.p) <= DELTA
    assert proof.lower >= FINE.p
    assert proof.coverage == proof.n / 1_000


def test_another_risk_at_the_same_knob_holds_the_policy_back() -> None:
    cert, truth, pool = _drawn(3_000, 1)

    def missed(stage: I64, answer: I64, true: I64) -> tuple[int, int]:
        critical = (stage >= 0) & (true == 0)
        return int((stage >= 0).sum()), int((critical & (answer != 0)).sum())

    free = certify(cert, truth, COARSE, DELTA, pool)
    held = certify(cert, truth, COARSE, DELTA, pool, risks=[Risk("missed", 0.02, missed)])
    assert isinstance(free, Proof)
    assert isinstance(held, Proof)
    assert held.knob > free.knob


def test_claims_share_what_they_spend_by_weight() -> None:
    cert, truth, pool = _drawn(1_000, 5)
    claims = [Claim(COARSE, weight=3), Claim(STANDARD), Claim(FINE)]
    found = certify_claims(claims, cert, {LEAF: truth, DOMAIN: truth}, DELTA, pool)
    assert [found[claim].delta for claim in claims] == pytest.approx([0.03, 0.01, 0.01])


def test_a_domain_with_too_little_evidence_gets_no_certificate_of_its_own() -> None:
    rng = np.random.default_rng(2)
    cert, truth = one_stage(250, rng, name="cert")
    pool, _ = one_stage(2_000, rng, name="pool")
    first, second = list(taxonomy().domains)[:2]
    claims = [Claim(COARSE), Claim(COARSE, first), Claim(COARSE, second)]
    found = certify_claims(claims, cert, {LEAF: truth, DOMAIN: truth}, DELTA, pool)
    assert isinstance(found[claims[0]], Proof)
    assert all(isinstance(found[claim], Uncertified) and found[claim].needed != 0 for claim in claims[1:])


def test_every_attempt_spends_and_all_of_them_stay_within_the_budget() -> None:
    spent = 0.0
    for _ in range(7):
        spent += allowance(spent)
    assert spent < BUDGET
    with pytest.raises(SpentError, match="draw a new cert set"):
        allowance(BUDGET - 1e-5)


def test_ten_retries_on_one_cert_set_keep_the_promise_with_the_budget_and_break_it_without() -> None:
    repeats = 60
    kept = broken = 0
    for seed in range(repeats):
        broken += _best_of(10, seed, lambda _: DELTA)
        kept += _best_of(10, seed, lambda i: DELTA / 2 ** (i + 1))
    assert kept / repeats <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / repeats)
    assert broken > kept


def _best_of(retries: int, seed: int, delta: object) -> bool:
    """Try models in turn on one cert set, keep the one that reaches farthest; tells whether its promise is broken."""
    from tests.bench.certify_methods import retried

    return retried(300, retries, seed, delta) < FINE.p  # type: ignore[arg-type]


def test_offsets_let_the_dear_stages_be_asked_about_less_at_the_same_precision() -> None:
    rng = np.random.default_rng(11)
    tune, truth = three_stages(800, rng)
    shapes = Shape.plain(3), cheapest(tune, truth, LEAF, FINE.p), cheapest(tune, truth, LEAF, FINE.p, thrifty=True)
    plain, climbing, thrifty = (cost_of(tune, truth, LEAF, FINE.p, shape) for shape in shapes)
    assert thrifty < climbing < plain
    assert np.isinf(shapes[1].gaps).all()
    assert not np.isinf(shapes[2].gaps).all()


def test_a_kind_is_passed_on_only_while_its_score_lets_hope_for_a_certified_answer() -> None:
    q = np.array([[0.95, 0.5], [0.85, 0.95], [0.7, 0.95], [0.0, 0.95]])
    both = ladder(("tiny", "large"), (1.0, 10.0), q, np.array([[1, 1], [1, 1], [1, 1], [-1, 1]]))
    needs, passes = np.array([0.9, 0.9]), np.array([0.8, -np.inf])
    assert exits_at(both, LEAF, needs, passes).tolist() == [0, 1, -1, 1]  # the last has no answer of tiny: it climbs
    assert asked_at(both, LEAF, needs, passes).tolist() == [0, 1, 0, 1]
    assert asked_at(both, LEAF, needs).tolist() == [0, 1, 1, 1]
    assert mean_cost(both, asked_at(both, LEAF, needs, passes)) == pytest.approx((1 + 11 + 1 + 11) / 4)


def test_the_path_of_a_thrifty_policy_accepts_what_it_says_and_ever_more() -> None:
    tune, truth = three_stages(800, np.random.default_rng(12))
    path = exit_path(tune, LEAF, tune, Shape(np.array([0.05, 0.0, 0.0]), np.array([0.1, 0.05, np.inf])))
    before = np.zeros(len(truth), np.bool_)
    for knob, coverage in zip(path.grid.tolist(), path.coverage.tolist(), strict=True):
        accepted = exits_at(tune, LEAF, path.thresholds(knob), path.passes(knob)) >= 0
        assert accepted.mean() == pytest.approx(coverage)
        assert (accepted >= before).all()
        before = accepted


def test_a_thrifty_policy_keeps_its_promise_and_costs_a_fraction() -> None:
    repeats, broken, costs = 60, 0, {True: 0.0, False: 0.0}
    big, truth_big = three_stages(60_000, np.random.default_rng(7), "big")
    shapes = {
        thrifty: cheapest(*three_stages(800, np.random.default_rng(13), "tune"), LEAF, FINE.p, thrifty=thrifty)
        for thrifty in costs
    }
    for seed in range(repeats):
        rng = np.random.default_rng([13, seed])
        cert, truth = three_stages(1_500, rng, "cert")
        pool, _ = three_stages(500, rng, "pool")
        for thrifty, shape in shapes.items():
            proof = certify(cert, truth, FINE, DELTA, pool, shape=shape)
            assert isinstance(proof, Proof)
            needs = np.array([proof.thresholds.get(stage, np.inf) for stage in big.stages])
            passes = np.array([proof.passes.get(stage, -np.inf) for stage in big.stages])
            stage = exits_at(big, LEAF, needs, passes)
            right = big.answer[LEAF][np.arange(len(stage)), stage] == truth_big
            broken += thrifty and right[stage >= 0].mean() < FINE.p
            costs[thrifty] += mean_cost(big, asked_at(big, LEAF, needs, passes)) / repeats
    assert broken / repeats <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / repeats)
    assert costs[True] < costs[False] / 2


def test_a_stage_without_an_answer_never_exits() -> None:
    q = np.array([[0.99, 0.5], [0.99, 0.99]])
    answer = np.array([[-1, 3], [2, 2]])
    both = ladder(("tiny", "large"), (1.0, 10.0), q, answer)
    assert exits_at(both, LEAF, np.array([0.9, 0.4])).tolist() == [1, 0]
    assert mean_cost(both, np.array([1, 0])) == pytest.approx(6.0)
