"""What a monitor is told of certificates."""

from dataclasses import dataclass
from typing import Any

from connectors.lake import Lake
from pipeline.audit import alarms, watches
from pipeline.certify_life import Standing, standings
from pipeline.drift import moved
from schemas.certificates import VALID


@dataclass(frozen=True)
class Gauge:
    """One claim. `lower`: the precision proved; `wealth`: evidence of audits against it, 20 is an alarm."""

    tier: str
    domain: str
    promise: str
    valid: bool
    lower: float
    wealth: float


def gauges(lake: Lake) -> tuple[Gauge, ...]:
    """Give all claims that anybody ever made in a lake."""
    found = standings(lake)
    wealth = {one.standing.cert_id: one.audits.wealth for one in watches(lake, found)} if found else {}
    return tuple(
        Gauge(x.tier, x.domain, x.promise, x.status == VALID, x.lower, wealth.get(x.cert_id, 1.0)) for x in found
    )


def gathered(lake: Lake, found: list[Standing]) -> dict[str, Any]:
    """Give what `lake status` tells: how certificates stand, alarms, and what has moved without any label."""
    names = ("tier", "domain", "promise", "status", "p", "lower", "n", "needed", "valid_until", "reason")
    rows = [{name: getattr(one, name) for name in names} for one in found]
    shifts = moved(lake, found).warnings if found else []
    return {"certificates": rows, "alarms": len(alarms(found)), "drift": shifts}
