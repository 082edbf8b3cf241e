"""Several claims on one cert set: they share its budget of error, and each attempt spends of what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.binomial import least_n
from classifiers.certify import MARGIN, Proof, Risk, Uncertified, certify, ordered
from classifiers.exit_path import Shape
from schemas.policy import DOMAIN, I64, Ladder, Tier
from schemas.taxonomy import taxonomy

BUDGET = 0.05
"""Chance that any promise made on one cert set is wrong, over all attempts, models and settings there ever are."""

SHARE = 0.5
"""Of what is left of the budget an attempt spends so much: there is always something left for one more."""

LEAST = 1e-4
"""An attempt that might spend less is not worth it: a hundred kinds more would be needed."""


class SpentError(Exception):
    """The budget of a cert set is spent."""


@dataclass(frozen=True)
class Claim:
    """One thing to be proved. `domain`: among kinds whose first stage names it; "": all. `weight`: of the budget."""

    tier: Tier
    domain: str = ""
    weight: float = 1.0


def allowance(spent: float, *, budget: float = BUDGET, share: float = SHARE) -> float:
    """Give what the next attempt on a cert set may spend, once `spent` is gone.

    Raises:
        SpentError: too little is left.
    """
    allowed = share * (budget - spent)
    if allowed < LEAST:
        raise SpentError(f"{spent:.4f} of {budget} is spent; draw a new cert set")
    return allowed


def certify_claims(
    claims: Sequence[Claim],
    ladder: Ladder,
    truth: Mapping[str, I64],
    delta: float,
    pool: Ladder | None = None,
    *,
    shapes: Mapping[Tier, Shape] | None = None,
    risks: Sequence[Risk] = (),
) -> dict[Claim, Proof | Uncertified]:
    """Certify claims together, at delta over all of them by weight; looser tiers take over what stricter ones proved.

    Args:
        truth: by depth, (n,). delta: what all of them spend together. shapes: by tier, from `tune`.
    """
    total = sum(claim.weight for claim in claims)
    found: dict[Claim, Proof | Uncertified] = {}
    for domain in dict.fromkeys(claim.domain for claim in claims):
        same = [claim for claim in claims if claim.domain == domain]
        group = _group(domain, ladder, pool) if domain else None
        proofs = [
            certify(
                ladder, truth[claim.tier.depth], claim.tier, delta * claim.weight / total, pool,
                shape=(shapes or {}).get(claim.tier), risks=risks, group=group,
            )
            for claim in same
        ]  # fmt: skip
        found |= zip(same, ordered(proofs), strict=True)
    return {claim: found[claim] for claim in claims}


def shortfall(claims: Sequence[Claim], n: int, delta: float) -> dict[Claim, Proof | Uncertified] | None:
    """Say what all claims lack if n labels are too few for any of them, were every kind answered; None: one may do."""
    total = sum(claim.weight for claim in claims)
    found: dict[Claim, Proof | Uncertified] = {}
    for claim in claims:
        mine = delta * claim.weight / total
        least = MARGIN * least_n(claim.tier.p, mine)
        if n >= least:
            return None
        why = f"{n} kinds are labelled; {least} answered ones are needed"
        found[claim] = Uncertified(claim.tier, mine, least - n, why)
    return found


def _group(domain: str, ladder: Ladder, pool: Ladder | None) -> tuple[I64, I64]:
    """Give the rows whose first stage with an answer names a domain: no knob shapes the group."""
    at = list(taxonomy().domains).index(domain)
    cert, other = (np.flatnonzero(_first(one) == at) if one else np.zeros(0, np.int64) for one in (ladder, pool))
    return cert, other


def _first(ladder: Ladder) -> I64:
    """Give what the first stage that has one answers, (n,); -1: none has."""
    answer = ladder.answer[DOMAIN]
    return np.asarray(answer[np.arange(len(answer)), (answer >= 0).argmax(1)])
