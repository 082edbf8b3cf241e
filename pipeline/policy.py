"""The policy that holds in a lake: routes of the configuration, with the certificates that stand today."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from connectors.lake import Lake
from connectors.lake.certificates import Certificates
from pipeline.certify_life import Standing, standings
from pipeline.policy_places import places_of
from pipeline.settings_precision import PrecisionSettings
from schemas.certificates import CORPUS, DECIDED, NOVEL, VALID
from schemas.policy import Exits, Policy


def policy_of(
    lake: Lake,
    settings: PrecisionSettings,
    frozen: Mapping[str, str],
    tuned: Mapping[str, Mapping[str, float]] | None = None,
    *,
    now: datetime | None = None,
) -> Policy:
    """Put the policy of a lake together.

    Args:
        frozen: what the cascade is made of, name -> version (`Plan.models`): a certificate of other models is void.
        tuned: thresholds found on `tune`, by tier's name or by depth, then stage.
    """
    found = standings(lake, frozen, now=now or datetime.now(UTC))
    tiers = settings.known_tiers()
    held = [one for one in found if one.status == VALID and (one.promise, one.reference != CORPUS) == (NOVEL, True)]
    held = [one for one in held if _same(one, tiers)]
    granted = {
        (one.tier, one.domain): Exits(tiers[one.tier], one.thresholds, one.cert_id, passes=one.passes) for one in held
    }
    apps = _apps(lake, {one.cert_set for one in held}) if held else None
    policy = settings.policy()
    return replace(policy, granted=granted, apps=apps, tuned=tuned or {}, places=places_of(lake, policy.routes))


def _apps(lake: Lake, cert_sets: set[str]) -> frozenset[str]:
    """Give the programs that all these cert sets were drawn from; of others a certificate says nothing."""
    by_set: dict[str, set[str]] = {}
    for row in Certificates(lake.root).draws().select(["cert_set", "apps"]).to_pylist():
        by_set.setdefault(row["cert_set"], set()).update(row["apps"] or ())
    return frozenset(set.intersection(*(by_set.get(one, set()) for one in cert_sets)))


def _same(one: Standing, tiers: Mapping[str, Any]) -> bool:
    """Tell whether the tier is what it was when the certificate was issued."""
    tier = tiers.get(one.tier)
    return tier is not None and (tier.depth, tier.p) == (one.depth, one.p)


def fingerprint(policy: Policy) -> str:
    """Name a policy, 16 hex digits: while it is the same, kinds need not be decided anew."""
    granted = sorted((f"{tier}/{domain}", asdict(exits)) for (tier, domain), exits in policy.granted.items())
    told = [[asdict(route) for route in (*policy.routes, policy.rest)], granted, sorted(policy.apps or ())]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=dict).encode()).hexdigest()[:16]


def turned(lake: Lake, policy: Policy) -> str | None:
    """Give the name of a policy that kinds were not decided under yet; None: they were.

    A lake that never heard of a policy was decided under the one that comes without configuration or certificates.
    """
    decided = [row["reason"] for row in Certificates(lake.root).life().to_pylist() if row["event"] == DECIDED]
    now = fingerprint(policy)
    return None if now == (decided[-1] if decided else fingerprint(PrecisionSettings().policy())) else now


def note_decided(lake: Lake, name: str) -> None:
    """Note that all kinds are decided under the policy of that name."""
    Certificates(lake.root).note([{"cert_id": "", "event": DECIDED, "at": datetime.now(UTC), "reason": name}])


class Dial:
    """Tells a learner when kinds are to be decided anew.

    Args:
        frozen: names what the cascade is made of; asked when first needed.
        now: the clock; certificates expire.
    """

    def __init__(
        self,
        lake: Lake,
        settings: PrecisionSettings,
        frozen: Callable[[], Mapping[str, str]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._lake, self._settings, self._frozen, self._now = lake, settings, frozen, now
        self._looked: tuple[int, int, str] | None = None
        self._named: Mapping[str, str] | None = None

    def turned(self) -> str | None:
        """Give the name of a policy that kinds were not decided under yet; None: they were. Cheap meanwhile."""
        now = self._now()
        stamp = (Certificates(self._lake.root).stamp(), self._lake.registry_stamp()[0], f"{now:%Y%m%d%H}")
        if stamp == self._looked:
            return None
        found = turned(self._lake, policy_of(self._lake, self._settings, self._models(), now=now))
        self._looked = None if found else stamp
        return found

    def decided(self, name: str) -> None:
        """Note that all kinds are decided under the policy of that name."""
        note_decided(self._lake, name)

    def _models(self) -> Mapping[str, str]:
        """Name the models, once a process, if any certificate depends on them."""
        if self._named is None and Certificates(self._lake.root).stamp():
            self._named = self._frozen()
        return self._named or {}
