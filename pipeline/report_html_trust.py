"""The part of the report that tells how far labels are to be trusted: certificates, curve, what is missing, drift."""

from collections.abc import Mapping
from typing import Any

from pipeline import report_svg as draw
from pipeline.report_page import bar, legend, soft, table
from pipeline.report_svg import e, number

Told = Mapping[str, Any]

_CSS = {"valid": "good", "withdrawn": "bad", "void": "bad", "expired": "warn", "uncertified": "soft"}
COLORS = {"domain": "f0", "leaf": "f1"}


def trust_of(told: Told) -> str:
    """Draw certificates and what they rest on."""
    trust = told["trust"]
    out = _certificates(trust) + _curve(trust)
    missing = [row for row in told["domains"] if row["kinds"]]
    return out + ("<h3>Domains</h3>" + _domains(missing, trust) if missing else "")


def _certificates(trust: Told) -> str:
    found = trust["certificates"]
    if not found:
        rows = [
            (e(row["tier"]), e(row["depth"]), f"{row['p']:.2f}", number(row["least"]), number(row["more"]))
            for row in trust["needed"]
        ]
        columns = ("tier", "depth", "precision", "labels at least", "still needed")
        return soft(_NOTHING) + table(columns, rows, right=(2, 3, 4)) + soft(_rests(trust["cert_set"]))
    told = [_certificate(one) for one in found]
    names = "status tier of promise precision proved wrong coverage reference"
    heads = [*names.split(), "valid until", "why"]
    return table(heads, told, right=(4, 5, 6, 7)) + soft(_rests(trust["cert_set"])) + soft(_WORDS)


_NOTHING = (
    "Nothing is promised of labels yet: no precision has been proved on this lake. The fewest labelled kinds that "
    "could prove it, were all answers right:"
)
_WORDS = (
    "novel: of kinds not met before, of programs like those drawn from; mix: of an event of today's stream. "
    "Reference people: labels by people; last-stage: agreement with the last stage, which may be wrong itself."
)
_NO_DRAW = (
    "No kinds have been drawn for a certificate: `dioptre certify` draws them, `dioptre review --cert` labels them."
)
_NO_CURVE = (
    "No curve yet: it is drawn from at least 10 labelled kinds of a cert set, since only those were chosen without "
    "looking."
)


def _rests(drawn: Told) -> str:
    """Say what certificates rest on."""
    if not drawn["id"]:
        return _NO_DRAW
    return (
        f"The newest cert set {drawn['id']} holds {number(drawn['drawn'])} kinds drawn at random before any label was "
        f"seen; people have labelled {number(drawn['labelled'])} of them, in order."
    )


def _certificate(one: Told) -> tuple[str, ...]:
    status = str(one["status"])
    proof = one["n"] and status != "uncertified"
    need = f"{number(one['needed'])} more labels; " if one["needed"] else ""
    return (
        f'<span class="{_CSS.get(status, "soft")}">{e(status)}</span>', e(one["tier"]),
        e(f"{one['depth']}{' in ' + one['domain'] if one['domain'] else ''}"), e(one["promise"]), f"{one['p']:.2f}",
        f"{one['lower']:.3f}" if proof else "", f"{number(one['errors'])} of {number(one['n'])}" if proof else "",
        f"{100 * one['coverage']:.0f} %" if proof else "", e(one["reference"] or ""),
        f'<span class="n">{one["valid_until"]:%Y-%m-%d}</span>' if one["valid_until"] else "",
        e(need + (one["reason"] or "")),
    )  # fmt: skip


def _curve(trust: Told) -> str:
    curves, heading = trust["curves"], "<h3>Risk against coverage</h3>"
    if not curves:
        return heading + soft(_NO_CURVE)
    pooled = (one for one in trust["certificates"] if one["promise"] == "novel" and not one["domain"])
    certified = [
        (one["depth"], one["coverage"], one["errors"] / one["n"],
         f"{one['tier']}: {one['errors']} of {one['n']} wrong at {100 * one['coverage']:.0f} % coverage")
        for one in pooled if one["status"] == "valid" and one["n"]
    ]  # fmt: skip
    areas = [
        f"{name}: area under the curve {one['aurc']:.3f}, {number(one['n'])} kinds" for name, one in curves.items()
    ]
    picture = draw.curve({name: one["points"] for name, one in curves.items()}, certified, COLORS)
    remark = "The surest kinds first, by the confidence machines had: what share of them is wrong. Points: certified."
    entries = [(f"b{COLORS[name][1:]}", f"{name} right") for name in curves]
    return heading + soft(remark) + picture + legend(entries) + soft("; ".join(areas))


def _domains(rows: list[Told], trust: Told) -> str:
    own = {one["domain"]: one for one in trust["certificates"] if one["domain"]}
    pooled = next((one for one in trust["certificates"] if not one["domain"] and one["status"] == "valid"), None)
    least = number(trust["needed"][0]["more"])

    def state(row: Told) -> str:
        mine = own.get(row["domain"])
        if mine is not None and mine["status"] == "valid":
            return f'<span class="good">{e(mine["tier"])}, its own certificate</span>'
        if mine is not None and mine["needed"]:
            return e(f"uncertified: {number(mine['needed'])} more labels")
        if row["domain"] == "unknown":
            return '<span class="soft">nobody was sure</span>'
        if pooled is not None:
            return f'<span class="soft">pooled: {e(pooled["tier"])}</span>'
        return f'<span class="soft">uncertified: at least {least} more labels</span>'

    shown = [
        (e(row["domain"]), number(row["kinds"]), bar(row["certified"] / row["kinds"], "b2"), number(row["certified"]),
         number(row["by_people"]), f"{row['confidence'] or 0:.2f}", state(row))
        for row in rows
    ]  # fmt: skip
    columns = ("domain", "templates", "certified", "", "by people", "mean confidence", "stands")
    return table(columns, shown, right=(1, 3, 4, 5))


def drift_of(told: Told) -> str:
    """Draw what tells that a promise may no longer hold."""
    trust = told["trust"]
    drift = trust["drift"]
    out = "".join(f'<p class="warn">{e(text)}</p>' for text in drift["warnings"])
    rates = f"{number(drift['rate'])} new kinds on the last day of the lake; "
    rates += f"{drift['usual']:.1f} a day in the two weeks before."
    if drift["index"]:
        rates += f" Scores of new kinds since the newest certificate: index {drift['index']:.2f}, from .25 on a shift."
    out += soft(rates) + _audits(trust["audits"])
    days = drift["days"][-14:]
    if len(days) < 2:
        return out
    top = max(row["kinds"] for row in days)
    shown = [
        (e(row["day"]), number(row["kinds"]), bar(row["kinds"] / top, "b1"), f"{row['confidence'] or 0:.2f}")
        for row in days
    ]
    return out + table(("first seen on", "new kinds", "", "mean confidence now"), shown, right=(1, 3))


def _audits(audits: list[Told]) -> str:
    if not audits:
        return soft("No audits: `dioptre audit` draws random lines under a certificate for people to check.")
    rows = [
        (
            e(f"{row['tier']} in {row['domain']}" if row["domain"] else row["tier"]), number(row["n"]),
            number(row["errors"]), f"{100 * (1 - row['p']):.0f} %", f"{row['wealth']:.2f} of {row['alarm_at']:.0f}",
            '<span class="bad">alarm</span>' if row["alarmed"] else '<span class="good">quiet</span>',
        )
        for row in audits
    ]  # fmt: skip
    columns = ("certificate", "lines audited", "wrong", "allowed", "evidence against it", "")
    return table(columns, rows, right=(1, 2, 3, 4))
