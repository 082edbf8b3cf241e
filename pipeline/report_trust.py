"""What a report says of trust: certificates, what they rest on, risk against coverage, audits, what is missing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from schemas.policy import COARSE, DEPTHS, DOMAIN, STANDARD, TIERS
from schemas.registry import ORDER, PERSON
from schemas.taxonomy import UNKNOWN, domain_of

if TYPE_CHECKING:
    from connectors.lake import Lake
    from pipeline.report_sql import Ask, Row

LEAST = 10
"""Fewer labelled kinds make no curve."""


def trust(lake: "Lake", ask: "Ask", frozen: Mapping[str, str] | None) -> dict[str, Any]:
    """Gather certificates, how they are doing, and what labels say."""
    from pipeline.audit import watches
    from pipeline.certify import spent
    from pipeline.certify_draw import cert_sets, drawn, labelled
    from pipeline.certify_life import standings
    from pipeline.drift import moved

    found = standings(lake, frozen)
    sets = cert_sets(lake)
    kinds = drawn(lake, sets[-1]) if sets else []
    counted = labelled(kinds)
    used = spent(lake, sets[-1]) if sets else 0.0
    said = {one.kind.key: one.label or UNKNOWN for one in counted}
    audits = [
        {"cert_id": w.standing.cert_id, "tier": w.standing.tier, "domain": w.standing.domain, "n": w.audits.n,
         "errors": w.audits.errors, "p": w.audits.p, "wealth": w.audits.wealth, "alarmed": w.audits.alarmed,
         "alarm_at": 1.0 / w.audits.alpha}
        for w in watches(lake, found)
    ]  # fmt: skip
    return {
        "certificates": [dict(vars(one)) for one in found],
        "cert_set": {"id": sets[-1] if sets else None, "drawn": len(kinds), "labelled": len(counted)},
        "curves": curves(machine_said(lake, said), said),
        "audits": audits,
        "needed": [needed(tier, len(counted), used) for tier in TIERS],
        "drift": dict(vars(moved(lake, found))) | {"days": new_kinds(ask)},
    }


def machine_said(lake: "Lake", keys: Mapping[str, str]) -> dict[str, tuple[str, float]]:
    """Give what machines said last of kinds, and how sure they were, before people spoke."""
    rows = lake.history().select(["key", "label", "confidence", "stage", "_rank"]).to_pylist()
    found: dict[str, tuple[str, float]] = {}
    for row in rows:  # newest first
        if row["key"] in keys and row["stage"] not in (PERSON, ORDER):
            found.setdefault(row["key"], (row["label"], row["confidence"]))
    return found


def curves(machine: Mapping[str, tuple[str, float]], truth: Mapping[str, str]) -> dict[str, Any] | None:
    """Give risk against coverage by depth: the surest kinds first, what share of them is wrong.

    A kind that machines called `unknown` is never covered. None: too few labels for a curve.
    """
    known = [(said, sure, truth[key]) for key, (said, sure) in machine.items() if key in truth]
    if len(known) < LEAST:
        return None
    answered = sorted(((sure, said, right) for said, sure, right in known if said != UNKNOWN), reverse=True)
    return {depth: _curve(answered, len(known), depth) for depth in DEPTHS}


def _curve(answered: list[tuple[float, str, str]], n: int, depth: str) -> dict[str, Any]:
    points, wrong, area = [], 0, 0.0
    for i, (sure, said, right) in enumerate(answered, 1):
        wrong += domain_of(said) != domain_of(right) if depth == DOMAIN else said != right
        area += wrong / i / n
        points.append({"coverage": i / n, "risk": wrong / i, "confidence": sure})
    return {"n": n, "points": points, "aurc": area}


def needed(tier: str, labels: int, spent: float = 0.0) -> "Row":
    """Say how many labels more a tier needs at the very least: twice the fewest that prove it without an error.

    An attempt spends its share of what is left of the budget, divided among this tier and those that `certify` always
    tries. Too little left: as many as a new cert set needs, and none of the labels that there are counts there.
    """
    from classifiers.binomial import least_n
    from classifiers.certify import MARGIN
    from classifiers.certify_claims import SpentError, allowance

    one = TIERS[tier]
    try:
        delta = allowance(spent)
    except SpentError:
        delta, labels = allowance(0.0), 0
    least = MARGIN * least_n(one.p, delta / len({COARSE, STANDARD, one}))
    return {"tier": tier, "depth": one.depth, "p": one.p, "least": least, "more": max(0, least - labels)}


def new_kinds(ask: "Ask") -> "list[Row]":
    """Give how many kinds were new in each day of the last sixty that had any, and how sure the stages were of them."""
    query = """
    SELECT CAST(CAST(time_bin(first_seen, INTERVAL 1 DAY) AS DATE) AS VARCHAR) AS day, count(*) AS kinds,
      avg(confidence) AS confidence
    FROM kinds GROUP BY 1 ORDER BY 1
    """
    return ask(query, {})[-60:]
