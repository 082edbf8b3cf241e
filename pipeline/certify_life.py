"""How certificates stand today: read from their journal, with what has happened since."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.lake import Lake
from connectors.lake.certificates import Certificates
from schemas.certificates import EXPIRED, ISSUED, NOVEL, REFUSED, UNCERTIFIED, VALID, VOID, WITHDRAWN

MAP = "map"
"""What freezes the templates of the drawn kinds, among what a certificate freezes."""


@dataclass(frozen=True)
class Standing:
    """The latest word on one claim: a tier, a domain ("": over all), a promise.

    Attributes:
        status: valid, withdrawn, expired, void or uncertified.
        n, errors, lower: of the certificate; 0 for uncertified. needed: labels more that may do; None: unknown or none.
        cost: CPU-seconds a kind. reason: why it stands so, in words.
    """

    tier: str
    domain: str
    promise: str
    status: str
    depth: str
    p: float
    cert_id: str | None = None
    delta: float = 0.0
    n: int = 0
    errors: int = 0
    lower: float = 0.0
    coverage: float = 0.0
    knob: float = 0.0
    cost: float = 0.0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    passes: Mapping[str, float] = field(default_factory=dict)
    frozen: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    cert_set: str = ""
    at: datetime | None = None
    valid_until: datetime | None = None
    needed: int | None = None
    reason: str = ""


def standings(lake: Lake, frozen: Mapping[str, str] | None = None, *, now: datetime | None = None) -> list[Standing]:
    """Give the latest word on each claim, from coarse to strict, pooled before domains.

    Args:
        frozen: what the cascade is made of today; None: not looked at.
    """
    journal = Certificates(lake.root)
    life = journal.life().to_pylist()
    if not life:
        return []
    gone = {row["cert_id"]: row for row in life if row["event"] == WITHDRAWN}
    latest = {(row["tier"], row["domain"], row["promise"]): row for row in _held(life)}
    maps = {row["cert_id"]: map_hash(lake, journal, row["cert_set"], then) for row in latest.values()
            if (then := dict(row["frozen"] or ()).get(MAP))}  # fmt: skip
    found = [_standing(row, gone, frozen, maps, now or datetime.now(UTC)) for row in latest.values()]
    return sorted(found, key=lambda one: (one.promise != NOVEL, one.depth, one.p, one.tier, one.domain))


def standing(lake: Lake, frozen: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Give the same as rows, for reports."""
    return [dict(vars(one)) for one in standings(lake, frozen)]


def withdraw(lake: Lake, one: Standing, reason: str) -> None:
    """Take a certificate back."""
    names = ("cert_id", "tier", "domain", "promise", "depth", "p", "cert_set", "reference")
    row = {name: getattr(one, name) for name in names}
    Certificates(lake.root).note([row | {"event": WITHDRAWN, "at": datetime.now(UTC), "reason": reason}])


def _held(life: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Give what was issued and refused, oldest first; a failed attempt takes nothing from a certificate before it."""
    issued: set[tuple[str, str, str]] = set()
    for row in life:
        claim = (row["tier"], row["domain"], row["promise"])
        if row["event"] == ISSUED:
            issued.add(claim)
            yield row
        elif row["event"] == REFUSED and claim not in issued:
            yield row


def _standing(
    row: dict[str, Any],
    gone: Mapping[str, dict[str, Any]],
    frozen: Mapping[str, str] | None,
    maps: Mapping[str, str],
    now: datetime,
) -> Standing:
    status, reason = _status(row, gone, frozen, maps, now)
    names = ("tier", "domain", "promise", "depth", "p", "cert_id", "delta", "reference", "cert_set", "at", "needed")
    numbers = {name: row[name] or 0 for name in ("n", "errors", "lower", "coverage", "knob", "cost")}
    told = {name: row[name] for name in names} | numbers
    maps_: dict[str, Any] = {name: dict(row[name] or ()) for name in ("thresholds", "passes", "frozen")}
    return Standing(**told, **maps_, status=status, reason=reason, valid_until=row["valid_until"])


def _status(
    row: dict[str, Any],
    gone: Mapping[str, dict[str, Any]],
    frozen: Mapping[str, str] | None,
    maps: Mapping[str, str],
    now: datetime,
) -> tuple[str, str]:
    if row["event"] == REFUSED:
        return UNCERTIFIED, row["reason"]
    if row["cert_id"] in gone:
        return WITHDRAWN, gone[row["cert_id"]]["reason"]
    if row["valid_until"] and now >= row["valid_until"]:
        return EXPIRED, f"it was valid until {row['valid_until']:%Y-%m-%d}"
    changed = _changed(dict(row["frozen"] or ()), frozen, maps.get(row["cert_id"]))
    return (VOID, changed) if changed else (VALID, row["reason"])


def _changed(then: Mapping[str, str], frozen: Mapping[str, str] | None, map_now: str | None) -> str:
    """Say what of the frozen things has changed; "": none."""
    if MAP in then and map_now is not None and then[MAP] != map_now:
        return "a kind that it rests on is of another template now"
    if frozen is None:
        return ""
    names = sorted({*then, *frozen} - {MAP})
    other = [name for name in names if then.get(name) != frozen.get(name)]
    return f"changed since: {', '.join(other)}" if other else ""


def map_hash(lake: Lake, journal: Certificates, cert_set: str, like: str | int) -> str:
    """Give the templates that the first drawn kinds are of today: `<number>:<sha256>`.

    Args:
        like: how many, or another such text. A kind that is gone from the lake counts as one of no template.
    """
    number = int(str(like).partition(":")[0])
    draws = journal.draws().select(["key", "cert_set", "rank"]).to_pylist()
    drawn = [row["key"] for row in sorted(draws, key=lambda row: row["rank"]) if row["cert_set"] == cert_set][:number]
    kinds = lake.kinds()
    now = dict(zip(kinds.column("key").to_pylist(), kinds.column("template_id").to_pylist(), strict=True))
    text = "\n".join(f"{key} {now.get(key, '')}" for key in drawn)
    return f"{number}:{hashlib.sha256(text.encode()).hexdigest()}"
