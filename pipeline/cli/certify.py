"""`dioptre certify`: draw kinds for people to label, and prove from their labels how right the stages are."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import CARE, JsonOption, LakeOption, app, command, settings
from pipeline.cli.errors import CommandError, findings
from pipeline.cli.output import Column, emit_json, hint, out, plural, say, table

if TYPE_CHECKING:
    from classifiers.certify_claims import Claim
    from connectors.lake import Lake
    from pipeline.certify import Attempt
    from pipeline.certify_draw import Drawn
    from pipeline.config import Config

SHOWN = 20

ReferenceOption = Annotated[
    str, typer.Option("--reference", metavar="WHO", help="Whose labels are true: people, or last-stage.")
]


@command(
    app, "certify", panel=CARE,
    examples=(
        "dioptre certify --lake lake --draw 40              # which kinds to label, drawn at random",
        "dioptre certify --lake lake --next                 # those that still wait for a label",
        "dioptre certify --lake lake --reference last-stage # or: how often the cheap stages agree with the last",
    ),
)  # fmt: skip
def certify(
    lake: LakeOption = None,
    draw: Annotated[
        int, typer.Option("--draw", metavar="N", help="Draw N kinds more into the cert set. [300 at first]", min=0)
    ] = 0,
    new: Annotated[
        bool, typer.Option("--new", help="Begin a new cert set: the budget of the old one is spent.")
    ] = False,
    next_: Annotated[
        bool, typer.Option("--next", help="List the kinds that wait for a label; certify nothing.")
    ] = False,
    tier: Annotated[
        list[str] | None, typer.Option("--tier", metavar="NAME", help="Claim this tier, several times for several.")
    ] = None,
    reference: ReferenceOption = "people",
    json: JsonOption = False,
) -> None:
    """Prove, from kinds drawn at random and labelled by people, how often stages are right when they answer alone.

    Kinds are drawn before anybody labels them; label them in the order given with `dioptre labels set`, labels import
    or `dioptre review`: labels count up to the first kind that has none. Each attempt spends half of what is left of
    the cert set's budget of error, so trying again until it fits proves nothing more. With --reference last-stage no
    labels are needed, and what is proved is agreement with the last stage, which the certificate says.

    Exit code 1: nothing was certified.
    """
    from connectors.lake import Lake
    from schemas.certificates import LAST_STAGE, PEOPLE

    if reference not in (PEOPLE, LAST_STAGE):
        raise CommandError(f"--reference {reference}: people or last-stage would be right")
    config = settings({"lake.path": lake})
    opened = Lake.open(config.settings.lake.path)
    fresh = _draw(opened, draw, new=new, next_=next_)
    if next_ or (fresh and reference == PEOPLE):
        _show_next(opened, json=json)
        return
    _attempt(config, opened, _claims(config, tier), reference, json=json)


def _draw(lake: "Lake", more: int, *, new: bool, next_: bool) -> int:
    """Draw what is asked for, and the first kinds of a cert set unasked; gives how many are due."""
    from pipeline.certify_draw import SIZE, cert_sets, draw

    sets = cert_sets(lake)
    due = more or (0 if sets and not new else SIZE)
    if due and not (next_ and sets and not more):
        draw(lake, due, None if new or not sets else sets[-1])
    return due


def _claims(config: "Config", tiers: list[str] | None) -> "list[Claim]":
    """Give the claims that are asked for; else those that the configuration has a use for."""
    from classifiers.certify_claims import Claim
    from pipeline.certify import claims_of

    if not tiers:
        return claims_of(config.settings.precision)
    known = config.settings.precision.known_tiers()
    if strange := [name for name in tiers if name not in known]:
        raise CommandError(f"--tier {strange[0]}: no such tier", f"known: {', '.join(known)}")
    return [Claim(known[name]) for name in dict.fromkeys(tiers)]


def _show_next(lake: "Lake", *, json: bool) -> None:
    """List what is to be labelled."""
    from pipeline.certify_draw import cert_sets, drawn, labelled

    name = cert_sets(lake)[-1]
    kinds = drawn(lake, name)
    waiting = [one for one in kinds if one.label is None]
    done = len(labelled(kinds))
    if json:
        emit_json({"cert_set": name, "drawn": len(kinds), "labelled": done, "waiting": [_drawn(x) for x in waiting]})
        return
    rows = [[one.rank, one.kind.key, one.kind.app, one.kind.template] for one in waiting[:SHOWN]]
    if rows:
        table([Column("rank", right=True), Column("id", style="dim"), "app", Column("template", wide=True)], rows)
    if len(waiting) > SHOWN:
        out(f"{len(waiting) - SHOWN:,} more; --json tells all")
    out(f"cert set {name}: {plural(len(kinds), 'kind')} drawn, {done:,} labelled, in order")
    hint("label them in this order: `dioptre labels set ID LABEL`, or `dioptre review`; then `dioptre certify`")


def _drawn(one: "Drawn") -> dict[str, Any]:
    told = {"rank": one.rank, "key": one.kind.key, "template_id": one.template_id, "app": one.kind.app}
    return told | {"template": one.kind.template}


def _attempt(config: "Config", lake: "Lake", claims: "list[Claim]", reference: str, *, json: bool) -> None:
    from pipeline.certify import certify_lake
    from pipeline.certify_models import asks_of
    from pipeline.cli.keeping import refresh

    done = certify_lake(lake, config.settings.precision, asks_of(config), claims, reference=reference)
    refresh(lake.root)
    rows = [_row(claim, one) for claim, one in done.found.items()]
    if json:
        told = {name: getattr(done, name) for name in ("cert_set", "reference", "labels", "drawn", "delta", "left")}
        emit_json({"lake": str(lake.root), **told, "claims": rows})
    else:
        _show(done, rows)
    if not any(row["status"] == "valid" for row in rows):
        raise findings()


def _row(claim: "Claim", one: Any) -> dict[str, Any]:
    from classifiers.certify import Proof

    told = {"tier": claim.tier.name, "depth": claim.tier.depth, "p": claim.tier.p, "domain": claim.domain}
    if not isinstance(one, Proof):
        return told | {"status": "uncertified", "needed": one.needed, "reason": one.why}
    names = ("n", "errors", "lower", "coverage", "delta")
    return told | {"status": "valid"} | {name: getattr(one, name) for name in names}


def _show(done: "Attempt", rows: list[dict[str, Any]]) -> None:
    what = "agreement with the last stage" if done.reference != "people" else "people's labels"
    names = ("tier", "depth", "p", "domain", "status", "n", "errors", "lower", "coverage")
    right = {"p", "n", "errors", "lower", "coverage"}
    table([Column(name, right=name in right) for name in names], ([row.get(name) for name in names] for row in rows))
    for row in rows:
        if row["status"] != "valid":
            out(f"{row['tier']}{' ' + row['domain'] if row['domain'] else ''}: {_need(row)}")
    out(f"by {what}: {done.labels:,} of {plural(done.drawn, 'kind')} drawn; promise: of kinds not met before, "
        f"of the programs drawn from; {1 - done.delta:.1%} sure of all of it")  # fmt: skip
    say(f"the cert set has {done.left:.4f} of its budget of error left")
    hint("`dioptre learn` decides the kinds anew under what is certified now")


def _need(row: dict[str, Any]) -> str:
    more = (
        f"need {plural(row['needed'], 'more label', 'more labels')}" if row["needed"] else "more labels would not help"
    )
    return f"uncertified: {more}; {row['reason']}"
