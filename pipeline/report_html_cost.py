"""The part of the report that tells what the work took: calls, CPU-seconds, Wh, gCO2e, litres, money, as bands."""

from collections.abc import Mapping
from typing import Any

from pipeline.report_page import soft, table
from pipeline.report_svg import e, number

Told = Mapping[str, Any]

TARGET_WH = 0.05
"""Wh per million events, from the source to the lake, that dioptre means to stay under."""


def cost(told: Told) -> str:
    """Draw the ledger."""
    ledger, per = told["funnel"]["ledger"], told["per_million"]
    if not ledger:
        return soft("The ledger is empty: what was read into this lake before there was one is not counted.")
    currency = next((row["currency"] for row in told["funnel"]["coefficients"]), "")
    out = soft(
        "Estimates, not readings of a meter: CPU-seconds x watts x PUE; requests to servers by the request. "
        "The central value, and from low to high beneath it; a band, not a confidence interval."
    )
    if per:
        out += "<h3>Per million events</h3>" + _per_million(per, currency)
    out += "<h3>In all, by stage</h3>" + _by_stage(ledger, currency)
    return out + "<h3>Reckoned with</h3>" + _coefficients(told["funnel"]["coefficients"])


def band(row: Told, name: str) -> str:
    """Write a measure: central, and low to high beneath."""
    low, central, high = (float(row[f"{name}{b}"] or 0.0) for b in ("_low", "", "_high"))
    return f'{number(central)}<br><span class="soft">{number(low)} to {number(high)}</span>'


def _per_million(per: Told, currency: str) -> str:
    rows = [
        (
            e(name),
            number(round(part["kinds"])),
            f"{part['cpu_s']:,.1f}",
            *(band(part, m) for m in ("wh", "gco2e", "litres", "money")),
        )
        for name, part in (("from the source to the lake", per["inflow"]), ("with all that was learnt", per["all"]))
    ]
    wh = per["inflow"]["wh"]
    css, kept = ("good", "within") if wh <= TARGET_WH else ("warn", "over")
    few = " (start-up weighs, of so few events)" if per["events"] < 1_000_000 and wh > TARGET_WH else ""
    told = f"{number(wh)} Wh per million events: {kept} the {TARGET_WH:g} Wh aimed at{few}."
    columns = ("", "calls", "CPU-s", "Wh", "gCO2e", "litres", currency)
    return table(columns, rows, right=range(1, 7)) + f'<p class="{css}">{e(told)}</p>'


def _by_stage(ledger: list[Told], currency: str) -> str:
    rows = [
        (e(row["stage"]), f"{row['cpu_s']:,.2f}", number(row["tokens_in"] + row["tokens_out"]),
         *(band(row, m) for m in ("wh", "gco2e", "litres", "money")))
        for row in sorted(ledger, key=lambda row: -row["cpu_s"])
        if row["cpu_s"] or row["tokens_in"] or row["kinds"]
    ]  # fmt: skip
    return table(("stage", "CPU-s", "tokens", "Wh", "gCO2e", "litres", currency), rows, right=range(1, 7))


def _coefficients(coefficients: list[Told]) -> str:
    rows = [
        (
            e(row["name"]),
            number(row["low"]),
            number(row["central"]),
            number(row["high"]),
            e(row["unit"]),
            e(row["source"]),
        )
        for row in coefficients
    ]
    remark = soft("Set your own in [ledger] of dioptre.toml; what was done before keeps the coefficients of its time.")
    return table(("", "low", "central", "high", "unit", "source"), rows, right=(1, 2, 3)) + remark
