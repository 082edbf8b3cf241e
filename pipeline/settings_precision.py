"""`[precision]`: how sure labels shall be, for which programs and uses; the dial."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo

from pipeline.settings_checks import MisfitError, near
from schemas.policy import DOMAIN, ESCALATE, LEAF, NEEDS, STANDARD, TIERS, UNCERTIFIED, Policy, Route, Tier
from schemas.taxonomy import taxonomy

_STRICT = ConfigDict(extra="forbid", strict=True)
Missing = Literal["escalate", "abstain", "uncertified", "pool"]
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
"""Names of the syslog facilities; the index is the code, 0 to 23. Source: RFC 5424, table 1."""


@dataclass(frozen=True)
class TierSettings:
    """A precision tier of one's own."""

    __pydantic_config__ = _STRICT
    p: Annotated[float, Field(gt=0.5, lt=1)]
    depth: Literal["domain", "leaf"] = LEAF  # type: ignore[assignment]
    thrifty: bool | None = None

    def tier(self, name: str) -> Tier:
        """Give the tier; where nobody says, a tier of domains is thrifty and one of leaves is not."""
        return Tier(name, self.depth, self.p, self.depth == DOMAIN if self.thrifty is None else self.thrifty)


@dataclass(frozen=True)
class RouteSettings:
    """Which lines want which tier; what is not said fits all."""

    __pydantic_config__ = _STRICT
    tier: str = ""
    need: str = ""
    app: str = ""
    host: str = ""
    facility: str = ""
    domain: str = ""
    missing: Missing = ESCALATE  # type: ignore[assignment]


def _a_tier(name: str, info: ValidationInfo) -> str:
    known = {**TIERS, **info.data.get("tiers", {})}
    if name not in known:
        raise MisfitError(f"no such tier{near(name, known)}; known: {', '.join(known)}")
    return name


def _needs(needs: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
    for name in needs.values():
        _a_tier(name, info)
    return needs


def _routes(routes: tuple[RouteSettings, ...], info: ValidationInfo) -> tuple[RouteSettings, ...]:
    needs = {**NEEDS, **info.data.get("needs", {})}
    for number, route in enumerate(routes, 1):
        if bool(route.tier) == bool(route.need):
            raise MisfitError(f"route {number}: either tier or need would be right")
        _known(f"route {number}: need", route.need, needs)
        _known(f"route {number}: facility", route.facility, FACILITIES)
        _known(f"route {number}: domain", route.domain, taxonomy().domains)
        if route.tier:
            _a_tier(route.tier, info)
    return routes


def _known(what: str, name: str, known: Mapping[str, object] | tuple[str, ...]) -> None:
    if name and name not in known:
        raise MisfitError(f"{what} = {name!r}: no such one{near(name, known)}; known: {', '.join(known)}")


@dataclass(frozen=True)
class PrecisionSettings:
    """`[precision]`: how sure labels shall be, by program and use; `dioptre tiers` shows what it promises."""

    __pydantic_config__ = _STRICT
    tiers: Annotated[
        Mapping[str, TierSettings],
        Field(
            description="Tiers of your own beside coarse (domain, .90), standard (leaf, .90), fine (leaf, .95) and "
            "strict (leaf, .99). thrifty: a kind that no promise will reach is not asked of dearer stages, but keeps "
            "the guess it has; so are tiers of domains, unless you say otherwise.",
            examples=[{"billing": {"depth": "leaf", "p": 0.97}}],
        ),
    ] = field(default_factory=dict)
    tier: Annotated[str, AfterValidator(_a_tier), Field(description="The tier of what no route fits.")] = STANDARD.name
    needs: Annotated[
        Mapping[str, str],
        AfterValidator(_needs),
        Field(
            description="What labels are used for -> the tier that is enough; search, alerting, billing and compliance "
            "are known.",
            examples=[{"alerting": "fine"}],
        ),
    ] = field(default_factory=dict)
    routes: Annotated[
        tuple[RouteSettings, ...],
        AfterValidator(_routes),
        Field(
            description="The first that fits a line holds: app and host are globs, facility and domain names; then "
            "tier or need. missing: escalate, abstain, uncertified or pool, for want of a certificate.",
            examples=[[{"app": "sshd*", "tier": "fine"}]],
        ),
    ] = ()
    missing: Annotated[
        Missing,
        Field(
            description="What becomes of what no route fits, for want of a certificate: uncertified thresholds, as "
            "shipped; or escalate, or abstain."
        ),
    ] = UNCERTIFIED  # type: ignore[assignment]
    delta: Annotated[
        float,
        Field(gt=0, le=0.5, description="Chance that any promise made on one cert set is wrong, over all attempts."),
    ] = 0.05
    valid_days: Annotated[
        float, Field(gt=0, le=3650, description="Days after which a certificate is expired; programs change.")
    ] = 90.0
    audits: Annotated[
        int,
        Field(ge=1, le=10_000, description="Lines that `dioptre audit` draws; four times as many after an alarm."),
    ] = 20

    def known_tiers(self) -> dict[str, Tier]:
        """Give all tiers by name."""
        return {**TIERS, **{name: one.tier(name) for name, one in self.tiers.items()}}

    def policy(self) -> Policy:
        """Give the routes as a policy that knows no certificate yet."""
        tiers, needs = self.known_tiers(), {**NEEDS, **self.needs}
        routes = tuple(
            Route(tiers[r.tier or needs[r.need]], r.app, r.host, r.facility, r.domain, r.need, r.missing)
            for r in self.routes
        )
        return Policy(routes, Route(tiers[self.tier], missing=self.missing))
