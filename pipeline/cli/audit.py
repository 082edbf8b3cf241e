"""`dioptre audit`: random lines for people to check; what they say tells whether the certificates still hold."""

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import CARE, JsonOption, LakeOption, app, command, settings
from pipeline.cli.curating import ByOption, who
from pipeline.cli.errors import CommandError, findings
from pipeline.cli.output import Column, emit_json, hint, out, plural, say, table

if TYPE_CHECKING:
    from connectors.lake import Lake
    from pipeline.audit import Watch
    from pipeline.config import Config


@command(
    app, "audit", panel=CARE,
    examples=(
        "dioptre audit --lake lake                               # draw lines; at a terminal, answer them",
        "dioptre audit --lake lake --draw 50 --json              # for another program to show",
    ),
)  # fmt: skip
def audit(
    lake: LakeOption = None,
    draw: Annotated[
        int | None, typer.Option("--draw", "-n", metavar="N", help="Lines to draw; 0: none. [precision.audits]", min=0)
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="ID=LABEL", help="What a drawn line is; several times for several."),
    ] = None,
    days: Annotated[
        float, typer.Option("--days", metavar="N", help="Draw among the lines of the last N days of the lake.")
    ] = 7.0,
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Draw raw lines at random among those whose labels stand under a certificate, and take what people say of them.

    Too many errors for what is promised withdraw the certificate: then kinds escalate until there is a new one, and
    four times as many lines are drawn. Few errors among enough prove the promise for today's stream. The chance each
    line had to be drawn is kept. Exit code 1: a certificate is withdrawn.
    """
    from connectors.lake import Lake
    from pipeline import audit as audits

    config = settings({"lake.path": lake})
    opened = Lake.open(config.settings.lake.path)
    given = dict(_pair(text) for text in answer or ())
    if given:
        audits.answer(opened, given, by=who(by))
    n = audits.size(opened, config.settings.precision) if draw is None else draw
    if n and not given:
        _draw(config, opened, n, days)
    if not given and not json and sys.stdin.isatty():
        _ask(opened, who(by))
    withdrawn, proved = audits.follow_up(opened, config.settings.precision)
    _finish(opened, withdrawn, proved, json=json)


def _pair(text: str) -> tuple[str, str]:
    id_, _, label = text.partition("=")
    if not id_ or not label:
        raise CommandError(f"--answer {text}: ID=LABEL would be right", "`dioptre audit` lists the ids")
    return id_, label


def _draw(config: "Config", lake: "Lake", n: int, days: float) -> None:
    """Draw, among the last days of the lake."""
    from pipeline.audit import draw_audits
    from pipeline.cli.asking import session
    from pipeline.cli.keeping import refresh

    refresh(lake.root)
    with session(config) as opened:
        newest = opened.run("SELECT newest()").column(0)[0].as_py() or datetime.now(UTC)
        drawn = draw_audits(lake, opened.run, n, newest - timedelta(days=days))
    if not drawn:
        say("no line to draw: no label of these days stands under a certificate; `dioptre tiers` shows them")


def _ask(lake: "Lake", by: str) -> None:
    """Ask at the terminal, line by line."""
    from pipeline.audit import answer, waiting
    from pipeline.curate_find import CurateError

    for row in waiting(lake):
        out(f"{row['app'] or '(no program)'}: {row['message']}")
        while True:
            try:
                told = input(f"  {row['label']}? [Enter: right; another label; s: skip; q: leave] ").strip()
                if told == "q":
                    return
                if told != "s":
                    answer(lake, {row["audit_id"]: told or row["label"]}, by=by)
                break
            except CurateError as error:
                say(f"  {error}", always=True)
            except EOFError:
                return


def _finish(lake: "Lake", withdrawn: "list[Watch]", proved: "list[Watch]", *, json: bool) -> None:
    """Tell how audits stand."""
    from pipeline.audit import alarms, waiting, watches
    from pipeline.certify import standings
    from pipeline.cli.keeping import refresh

    if withdrawn or proved:
        refresh(lake.root)
    found = standings(lake)
    rows = [_row(one) for one in watches(lake, found) if one.standing.status in ("valid", "withdrawn")]
    left = waiting(lake)
    if json:
        told = [{n: r[n] for n in ("audit_id", "app", "message", "label", "cert_id", "inclusion")} for r in left]
        emit_json({"lake": str(lake.root), "waiting": told, "certificates": rows})
    else:
        _show(rows, left)
        for one in proved:
            wrong = f"{one.audits.errors} of {one.audits.n} events are wrong"
            out(f"{one.standing.tier}: proved for today's stream: {wrong}")
    if alarms(found):
        raise findings()


def _row(one: "Watch") -> dict[str, Any]:
    names = ("tier", "domain", "p", "status", "cert_id")
    told = {name: getattr(one.standing, name) for name in names}
    return told | {"audits": one.audits.n, "errors": one.audits.errors, "wealth": one.audits.wealth, "alarm_at": 20.0}


def _show(rows: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
    if left:
        shown = [[row["audit_id"][:8], row["label"], row["app"], row["message"]] for row in left]
        table([Column("id", style="dim"), Column("label", style="cyan"), "app", Column("message", wide=True)], shown)
        out()
        hint("answer with --answer ID=LABEL; the label that is right, though it be the same")
    if rows:
        names = ("tier", "domain", "p", "status", "audits", "errors", "wealth")
        table([Column(name, right=name in {"p", "audits", "errors", "wealth"}) for name in names],
              ([row[name] for name in names] for row in rows))  # fmt: skip
    out(f"{plural(len(left), 'line')} wait for an answer; an alarm is at a wealth of 20")
