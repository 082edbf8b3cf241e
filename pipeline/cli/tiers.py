"""`dioptre tiers`: the dial. What each precision tier promises here, on what evidence, who takes it, what it costs."""

from typing import TYPE_CHECKING, Any

from pipeline.cli.app import ASK, JsonOption, LakeOption, app, command, settings
from pipeline.cli.errors import findings
from pipeline.cli.output import Column, emit_json, hint, out, table

if TYPE_CHECKING:
    from pipeline.certify_life import Standing
    from pipeline.config import Config
    from schemas.policy import Route


@command(
    app, "tiers", panel=ASK,
    examples=("dioptre tiers --lake lake", "dioptre tiers --lake lake --json"),
)  # fmt: skip
def tiers(lake: LakeOption = None, json: JsonOption = False) -> None:
    """Show the precision tiers: what is promised, on what evidence, at what cost; and which lines take which.

    A tier is a depth (domain or leaf) and a precision. [precision] in the configuration routes programs, hosts,
    facilities, domains or needs to tiers; `dioptre certify` proves them; `dioptre learn` decides kinds anew when the
    dial was turned. Exit code 1: a certificate that is in use was withdrawn, or has expired or become void.
    """
    from connectors.lake import Lake
    from pipeline.certify import standings
    from pipeline.certify_models import frozen_of

    config = settings({"lake.path": lake})
    opened = Lake.open(config.settings.lake.path)
    found = standings(opened, frozen_of(config))
    rows, routes = tier_rows(config, found), [_route(route) for route in _routes(config)]
    if json:
        emit_json({"lake": str(opened.root), "tiers": rows, "routes": routes})
    else:
        _show(rows, routes)
    if any(row["status"] in ("withdrawn", "expired", "void") for row in rows):
        raise findings()


def tier_rows(config: "Config", found: "list[Standing]") -> list[dict[str, Any]]:
    """Give a row for each tier that is known, and for each claim about it."""
    rows = []
    for name, tier in config.settings.precision.known_tiers().items():
        mine: list[Any] = [one for one in found if one.tier == name]
        told = {"tier": name, "depth": tier.depth, "p": tier.p}
        rows += [told | _claim(one) for one in mine] or [told | _NOTHING]
    return rows


_NOTHING = {
    "domain": "", "promise": "novel", "status": "uncertified", "n": 0, "errors": 0, "lower": 0.0, "coverage": 0.0,
    "cost_ms": None, "reference": "", "cert_id": None, "valid_until": None, "needed": None, "thresholds": {},
    "reason": "nobody has tried: `dioptre certify`",
}  # fmt: skip


def _claim(one: "Standing") -> dict[str, Any]:
    names = [name for name in _NOTHING if name != "cost_ms"]
    return {name: getattr(one, name) for name in names} | {"cost_ms": round(1e3 * one.cost, 3) if one.cost else None}


def _routes(config: "Config") -> "list[Route]":
    policy = config.settings.precision.policy()
    return [*policy.routes, policy.rest]


def _route(route: "Route") -> dict[str, Any]:
    names = ("app", "host", "facility", "domain", "need", "missing")
    return {name: getattr(route, name) for name in names} | {"tier": route.tier.name}


def _show(rows: list[dict[str, Any]], routes: list[dict[str, Any]]) -> None:
    names = ("tier", "depth", "p", "domain", "promise", "status", "n", "errors", "lower", "coverage", "cost_ms")
    right = {"p", "n", "errors", "lower", "coverage", "cost_ms"}
    table([Column(name, right=name in right) for name in names], ([row[name] for name in names] for row in rows))
    out()
    for row in rows:
        more = f" need {row['needed']:,} more labels;" if row["needed"] else ""
        out(f"{row['tier']} {row['domain'] or '(all)'}: {row['status']}:{more} {row['reason']}")
    out()
    for route in routes:
        fits = ", ".join(f"{n} {route[n]}" for n in ("app", "host", "facility", "domain", "need") if route[n])
        out(f"{fits or 'all else'} -> {route['tier']}; without a certificate: {route['missing']}")
    hint("cost_ms: CPU-milliseconds a kind; lower: the precision that is proved")
