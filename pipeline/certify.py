"""Certify the exits of a lake: claims, what they may spend, and the journal of it all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from classifiers.certify import Proof, Uncertified
from classifiers.certify_claims import Claim, allowance, certify_claims, shortfall
from classifiers.exit_path import Shape, asked_at, mean_cost
from classifiers.exits import DOMAINS, LEAVES
from connectors.lake import Lake
from connectors.lake.certificates import Certificates, Row
from pipeline.certify_draw import Drawn, cert_sets, drawn, labelled, population
from pipeline.certify_life import MAP, map_hash, standing, standings, withdraw
from pipeline.settings_precision import PrecisionSettings
from schemas.certificates import ISSUED, LAST_STAGE, NOVEL, PEOPLE, REFUSED
from schemas.policy import COARSE, DEPTHS, DOMAIN, I64, LEAF, STANDARD, Ladder, Tier, of_tier
from schemas.registry import Kind
from schemas.taxonomy import UNKNOWN, domain_of

__all__ = ["Asks", "Attempt", "certify_lake", "claims_of", "spent", "standing", "standings", "withdraw"]

POOL = 400
"""Unlabelled kinds that shape the path; each goes through all stages, 10 ms or so."""

NEVER = -2
"""What no stage ever answers: where people say `unknown`, every answer counts as wrong."""


class Ladders(Protocol):
    """Whatever asks all stages about kinds: the cascade."""

    def ladder(self, kinds: Sequence[Kind]) -> Ladder:
        """Give what every stage says of every kind."""
        ...


@dataclass(frozen=True)
class Asks:
    """A cascade, and what it is made of.

    Attributes:
        frozen: name -> version of all that a verdict depends on.
        offsets: what each stage's threshold lies above the knob, by tier and by depth, then stage; a stage that is
            missing never answers alone.
        gaps: how far below the knob a thrifty tier's kinds are still passed on, alike; a stage that is missing passes
            on all that it does not answer.
    """

    cascade: Ladders
    frozen: Mapping[str, str]
    offsets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    gaps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """What came of an attempt.

    Attributes:
        labels: of the cert set that counted; kinds for a promise of agreement. drawn: kinds of the cert set.
        delta: what all claims could spend together. left: of the budget of the cert set, now.
        found: what came of each claim.
    """

    cert_set: str
    reference: str
    labels: int
    drawn: int
    delta: float
    left: float
    found: Mapping[Claim, Proof | Uncertified]


def claims_of(settings: PrecisionSettings) -> list[Claim]:
    """Give what is worth proving: the tiers in use, and coarse and standard; domains that routes name."""
    policy = settings.policy()
    pooled = [policy.rest.tier, *(route.tier for route in policy.routes if not route.domain), COARSE, STANDARD]
    own = [Claim(route.tier, route.domain) for route in policy.routes if route.domain]
    return list(dict.fromkeys([*(Claim(tier) for tier in pooled), *own]))


def spent(lake: Lake, cert_set: str) -> float:
    """Give what all attempts on a cert set have spent of its budget, whatever models and settings they were for."""
    life = Certificates(lake.root).life().select(["cert_set", "spent"]).to_pylist()
    return float(sum(row["spent"] or 0.0 for row in life if row["cert_set"] == cert_set))


def certify_lake(
    lake: Lake,
    settings: PrecisionSettings,
    asks: Asks,
    claims: Sequence[Claim],
    *,
    reference: str = PEOPLE,
    cert_set: str | None = None,
    now: datetime | None = None,
) -> Attempt:
    """Try to certify claims on a cert set (the newest unless told), and write down what came of it.

    Two attempts at once never spend the same of its budget: what came of one is written right after the journal that it
    began with, or it is made again with what the other has left.

    Raises:
        SpentError: the budget of the cert set is spent.
        LakeError: the lake cannot be read or written.
    """
    cert_set = cert_set or cert_sets(lake)[-1]
    kinds = drawn(lake, cert_set)
    counted = labelled(kinds) if reference == PEOPLE else kinds
    ladders: list[Ladder] = []
    while True:
        journal = Certificates(lake.root)
        number = journal.stamp()
        delta = allowance(spent(lake, cert_set), budget=settings.delta)
        found = shortfall(claims, len(counted), delta) or {}
        cost: dict[Claim, float] = {}
        if not found:
            asked = [one.kind for one in counted], [kind for _, kind in _pool(lake)]
            ladders = ladders or [asks.cascade.ladder(one) for one in asked]
            found = _tried(claims, asks, ladders, counted, reference, delta)
            cost = {claim: _cost(one, ladders[0]) for claim, one in found.items() if isinstance(one, Proof)}
        wrote = _Writing(lake, settings, asks, reference, cert_set, counted, delta, now or datetime.now(UTC))
        if journal.note_after(wrote.rows(found, cost), number):
            break
    left = settings.delta - spent(lake, cert_set)
    return Attempt(cert_set, reference, len(counted), len(kinds), delta, left, found)


def _tried(
    claims: Sequence[Claim], asks: Asks, ladders: Sequence[Ladder], counted: Sequence[Drawn], reference: str,
    delta: float,
) -> dict[Claim, Proof | Uncertified]:  # fmt: skip
    ladder, pool = ladders
    truth = _truth(counted) if reference == PEOPLE else {d: ladder.answer[d][:, -1] for d in DEPTHS}
    shapes = {claim.tier: _shape(asks, ladder, claim.tier, reference) for claim in claims}
    return certify_claims(claims, ladder, truth, delta, pool, shapes=shapes)


def _pool(lake: Lake) -> list[tuple[str, Kind]]:
    """Choose unlabelled kinds that were not drawn, the same ones while the lake is the same."""
    others = population(lake)
    rows = np.random.default_rng(0).permutation(len(others))[:POOL].tolist()
    return [others[i] for i in sorted(rows)]


def _truth(kinds: Sequence[Drawn]) -> dict[str, I64]:
    """Give what people say, as indices by depth."""
    labels = [one.label or UNKNOWN for one in kinds]
    leaf = [LEAVES.index(label) if label in LEAVES else NEVER for label in labels]
    domain = [DOMAINS.index(domain_of(label)) if label in LEAVES else NEVER for label in labels]
    return {LEAF: np.array(leaf, np.int64), DOMAIN: np.array(domain, np.int64)}


def _shape(asks: Asks, ladder: Ladder, tier: Tier, reference: str) -> Shape:
    """Give how a tier's policy lies about the knob; who is taken for true proves nothing by answering itself."""
    gaps = of_tier(asks.gaps, tier) if tier.thrifty else None
    shape = Shape.of(ladder.stages, of_tier(asks.offsets, tier) or None, gaps)
    if reference == LAST_STAGE:
        shape.offsets[-1] = np.inf
    return shape


def _cost(one: Proof, ladder: Ladder) -> float:
    """Give the CPU-seconds a kind of the cert set takes under what was proved."""
    needs = np.array([one.thresholds.get(stage, np.inf) for stage in ladder.stages])
    passes = np.array([one.passes.get(stage, -np.inf) for stage in ladder.stages])
    return mean_cost(ladder, asked_at(ladder, one.tier.depth, needs, passes))


@dataclass(frozen=True)
class _Writing:
    """What all rows of an attempt share."""

    lake: Lake
    settings: PrecisionSettings
    asks: Asks
    reference: str
    cert_set: str
    counted: Sequence[Drawn]
    delta: float
    now: datetime

    def rows(self, found: Mapping[Claim, Proof | Uncertified], cost: Mapping[Claim, float]) -> list[Row]:
        """Give the rows of the journal."""
        total = sum(claim.weight for claim in found)
        common = self._common()
        out = []
        for claim, one in found.items():
            row = common | {"tier": claim.tier.name, "depth": claim.tier.depth, "p": claim.tier.p}
            row |= {"domain": claim.domain, "delta": one.delta, "spent": self.delta * claim.weight / total}
            row |= self._issued(one, cost[claim]) if isinstance(one, Proof) else self._refused(one)
            text = f"{sorted((k, str(v)) for k, v in row.items())}"
            out.append(row | {"cert_id": hashlib.sha256(text.encode()).hexdigest()[:16]})
        return out

    def _common(self) -> Row:
        told = "\n".join(f"{one.kind.key} {one.label}" for one in self.counted)
        frozen = dict(self.asks.frozen) | {
            MAP: map_hash(self.lake, Certificates(self.lake.root), self.cert_set, len(self.counted))
        }
        return {
            "at": self.now, "promise": NOVEL, "reference": self.reference, "cert_set": self.cert_set,
            "data_hash": hashlib.sha256(told.encode()).hexdigest(), "frozen": sorted(frozen.items()),
        }  # fmt: skip

    def _issued(self, one: Proof, cost: float) -> Row:
        until = self.now + timedelta(days=self.settings.valid_days)
        names = ("n", "errors", "lower", "coverage", "knob")
        told = {name: getattr(one, name) for name in names}
        told |= {"thresholds": sorted(one.thresholds.items()), "passes": sorted(one.passes.items())}
        reason = f"{one.errors} of {one.n} answered kinds are wrong"
        return told | {"event": ISSUED, "valid_until": until, "cost": cost, "reason": reason}

    def _refused(self, one: Uncertified) -> Row:
        return {"event": REFUSED, "needed": one.needed, "reason": one.why} | ({} if one.looked else {"spent": 0.0})
