"""What a use asks for (tiers, routes), what an answer must reach for it (exits), and what stages say (ladder)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

DOMAIN, LEAF = "domain", "leaf"
DEPTHS = (DOMAIN, LEAF)
"""How deep a label is promised to be right, from coarse to fine."""

ESCALATE, ABSTAIN, UNCERTIFIED, POOL = "escalate", "abstain", "uncertified", "pool"
MISSING = (ESCALATE, ABSTAIN, UNCERTIFIED, POOL)
"""What a route does without a certificate of its own. `escalate`: no stage answers alone, the last one answers what
reaches the floor. `abstain`: the label is `unknown`. `uncertified`: the thresholds found on `tune`, with no promise.
`pool`: the certificate over all domains, where there is one; else as `escalate`."""


@dataclass(frozen=True)
class Tier:
    """A precision tier. `depth` is domain or leaf; `p`, in (0, 1), the share of answered kinds that shall be right.

    `thrifty`: a kind that dearer stages would hardly answer under the promise is not asked of them: it keeps the guess
    it has. Otherwise it climbs on, for the best guess there is.
    """

    name: str
    depth: str
    p: float
    thrifty: bool = False

    def __post_init__(self) -> None:
        if self.depth not in DEPTHS:
            raise ValueError(f"tier {self.name}: depth = {self.depth!r}: {' or '.join(DEPTHS)} would be right")
        if not 0.0 < self.p < 1.0:
            raise ValueError(f"tier {self.name}: p = {self.p}: not in (0, 1)")


COARSE, STANDARD = Tier("coarse", DOMAIN, 0.90, thrifty=True), Tier("standard", LEAF, 0.90)
FINE, STRICT = Tier("fine", LEAF, 0.95), Tier("strict", LEAF, 0.99)
TIERS: Mapping[str, Tier] = {tier.name: tier for tier in (COARSE, STANDARD, FINE, STRICT)}
"""The tiers that come with dioptre, from the cheapest to the dearest."""

NEEDS: Mapping[str, str] = {"search": "coarse", "alerting": "standard", "billing": "fine", "compliance": "strict"}
"""What labels are used for -> the tier that is enough for it, unless the configuration says otherwise."""


@dataclass(frozen=True)
class Ladder:
    """What every stage says of n kinds, none skipped.

    Attributes:
        stages: k names in the order they are asked. costs: (k,) CPU-seconds a kind.
        q: by depth, (n, k) in [0, 1]: how sure each stage is to be right. answer: by depth, (n, k) index into the
            taxonomy's leaves or domains; -1: none.
        keys: the n kinds, each once: a kind that stands twice is no second piece of evidence.

    Raises:
        ValueError: a kind stands twice, or shapes do not fit.
    """

    stages: tuple[str, ...]
    costs: F64
    q: Mapping[str, F64]
    answer: Mapping[str, I64]
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.keys)) != len(self.keys):
            twice = next(key for i, key in enumerate(self.keys) if key in self.keys[:i])
            raise ValueError(f"kind {twice} stands twice; the unit is the kind, each once")
        shape = (len(self.keys), len(self.stages))
        for name, found in (("q", self.q), ("answer", self.answer)):
            for depth, values in found.items():
                if values.shape != shape:
                    raise ValueError(f"{name}[{depth}] is {values.shape}; {shape} would be right")
        if len(self.costs) != len(self.stages):
            raise ValueError(f"{len(self.costs)} costs for {len(self.stages)} stages")

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: Sequence[int] | I64) -> "Ladder":
        """Give some of the kinds, in the order asked for."""
        at = np.asarray(rows, np.int64)
        q = {depth: values[at] for depth, values in self.q.items()}
        answer = {depth: values[at] for depth, values in self.answer.items()}
        return Ladder(self.stages, self.costs, q, answer, tuple(self.keys[i] for i in at.tolist()))


@dataclass(frozen=True)
class Exits:
    """When stages may answer alone.

    A stage answers iff its q at the tier's depth reaches `thresholds[stage]`. One that is missing there never
    answers alone, save the last: it answers what reaches the floor, uncertified; else the label is `unknown`.

    Attributes:
        cert_id: of all answers that reached their threshold; None: nothing is promised.
        abstain: what reaches no threshold is `unknown`, even at the last stage.
        passes: by stage, what q must reach that a kind is passed on; below it the way ends there, as at the last
            stage. One that is missing passes on all that it does not answer.
    """

    tier: Tier
    thresholds: Mapping[str, float] = field(default_factory=dict)
    cert_id: str | None = None
    abstain: bool = False
    passes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """Which kinds want which tier: those whose app, host, facility and domain fit; what is "" fits all.

    Attributes:
        app, host: globs. facility: a syslog facility's name. domain: of the taxonomy.
        need: what for, in a word. missing: what to do without a certificate, one of MISSING.
    """

    tier: Tier
    app: str = ""
    host: str = ""
    facility: str = ""
    domain: str = ""
    need: str = ""
    missing: str = ESCALATE

    def fits(self, app: str, domain: str = "", host: str = "", facility: str = "") -> bool:
        """Tell whether a kind, or a line of it, takes this route; a host or facility nobody told fits no pattern."""
        globs = all(not want or fnmatchcase(told, want) for want, told in ((self.app, app), (self.host, host)))
        return globs and self.facility in ("", facility) and self.domain in ("", domain)


@dataclass(frozen=True)
class Policy:
    """Who gets which exits.

    Attributes:
        routes: the first that fits holds; what fits none takes `rest`.
        granted: (tier's name, domain) -> exits under a certificate; domain "": over all domains.
        apps: programs that the certificates speak for; None: all.
        tuned: thresholds found on `tune`, by tier's name or by depth, then stage; they promise nothing.
        passes: what goes with them in thrifty tiers, found alike.
        places: key of a kind -> (host, facility) of its lines, as far as routes name them.
    """

    routes: tuple[Route, ...] = ()
    rest: Route = Route(STANDARD, missing=UNCERTIFIED)
    granted: Mapping[tuple[str, str], Exits] = field(default_factory=dict)
    apps: frozenset[str] | None = None
    tuned: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    passes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    places: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @staticmethod
    def uncertified(tuned: Mapping[str, Mapping[str, float]] | None = None, tier: Tier = STANDARD) -> "Policy":
        """Give what ships without certificates: one tier for all, exits as found on `tune`."""
        return Policy(rest=Route(tier, missing=UNCERTIFIED), tuned=tuned or {})

    def route(self, app: str, domain: str = "", host: str = "", facility: str = "") -> Route:
        """Give the route of a kind."""
        fitting = (route for route in self.routes if route.fits(app, domain, host, facility))
        return next(fitting, self.rest)

    def route_of(self, key: str, app: str, domain: str = "") -> Route:
        """Give the route of a kind: the strictest that any of its lines takes."""
        found = [self.route(app, domain), *(self.route(app, domain, *place) for place in self.places.get(key, ()))]
        return max(found, key=lambda route: (route.tier.depth == LEAF, route.tier.p))

    def exits(self, app: str, domain: str = "", key: str = "") -> Exits:
        """Give the exits of a kind.

        Args:
            domain: of what the first stage answered; it decides once, so that the kinds of a domain are the same ones
                whatever the thresholds are. "": not asked yet.
            key: of the kind; "": no line of it is known.
        """
        route = self.route_of(key, app, domain)
        held = self._held(app, domain, route)
        if held is not None:
            return held
        thresholds = of_tier(self.tuned, route.tier) if route.missing == UNCERTIFIED else {}  # {}: none was good enough
        passes = of_tier(self.passes, route.tier) if thresholds and route.tier.thrifty else {}
        return Exits(route.tier, thresholds, abstain=route.missing == ABSTAIN, passes=passes)

    def _held(self, app: str, domain: str, route: Route) -> Exits | None:
        """Find the certificate for a kind: its domain's own, else the pooled one, unless the route asks for its own."""
        if self.apps is not None and app not in self.apps:
            return None
        own = self.granted.get((route.tier.name, domain)) if domain else None
        pooled = not route.domain or route.missing == POOL
        return own or (self.granted.get((route.tier.name, "")) if pooled else None)


def of_tier(found: Mapping[str, Mapping[str, float]], tier: Tier) -> Mapping[str, float]:
    """Give what was found for a tier, else for its depth, by stage; {}: nothing was."""
    return found.get(tier.name, found.get(tier.depth, {}))
