"""The ledger in a catalog: its rows, its coefficients, and a view that reckons Wh, gCO2e, litres and money."""

import duckdb
import pyarrow as pa

from connectors.catalog.ddl import comment_columns, run_file
from connectors.lake import Lake
from schemas.ledger import LEDGER, Coefficients

BANDS = ("low", "central", "high")

_IT_WH = "r.cpu_s / 3600 * c.watts_{b}"
_WH = "({it} * c.pue_{b} + CASE WHEN r.stage = 'remote' THEN r.kinds * c.wh_per_request_{b} ELSE 0 END)"
_TOKENS = (
    "CASE WHEN r.money > 0 THEN r.money ELSE r.tokens_in / 1e6 * c.money_per_million_tokens_in_{b}"
    " + r.tokens_out / 1e6 * c.money_per_million_tokens_out_{b} END"
)
_MEASURES = {
    "wh": "{wh}",
    "gco2e": "{wh} / 1000 * c.gco2e_per_kwh_{b}",
    "litres": "{wh} / 1000 * (c.litres_site_{b} / c.pue_{b} + c.litres_grid_{b})",
    "money": "r.cpu_s / 3600 * c.money_per_cpu_hour_{b} + {tokens}",
}


def make_ledger(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Make the tables and the view in the current database."""
    rows, sets = lake.ledger()
    _table(con, "ledger_rows", rows)
    _table(con, "coefficients", _long(sets))
    _table(con, "coefficient_sets", _wide(sets))
    run_file(con, "ledger.sql", measures=",\n  ".join(_measures()))
    comment_columns(con, "ledger", LEDGER)


def _measures() -> list[str]:
    """Write the columns of the view: each measure low, central (under the plain name) and high."""
    found = []
    for name, formula in _MEASURES.items():
        for band in BANDS:
            wh = _WH.format(it=_IT_WH.format(b=band), b=band)
            text = formula.format(wh=wh, tokens=_TOKENS.format(b=band), b=band)
            found.append(f"{text} AS {name}" + ("" if band == "central" else f"_{band}"))
    return found


def _long(sets: dict[str, Coefficients]) -> pa.Table:
    rows = [
        {"id": id_, "name": name, **{b: getattr(one, b) for b in BANDS}, "unit": one.unit, "source": one.source}
        for id_, told in sets.items()
        for name, one in told.each().items()
    ]
    numbers = [(band, pa.float64()) for band in BANDS]
    schema = pa.schema([("id", pa.string()), ("name", pa.string()), *numbers])
    return pa.Table.from_pylist(
        rows, schema.append(pa.field("unit", pa.string())).append(pa.field("source", pa.string()))
    )


def _wide(sets: dict[str, Coefficients]) -> pa.Table:
    names = [f"{name}_{band}" for name in Coefficients().each() for band in BANDS]
    fields = [
        pa.field("id", pa.string()),
        pa.field("currency", pa.string()),
        *(pa.field(n, pa.float64()) for n in names),
    ]
    rows = [
        {"id": id_, "currency": told.currency}
        | {f"{name}_{band}": getattr(one, band) for name, one in told.each().items() for band in BANDS}
        for id_, told in sets.items()
    ]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def _table(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    con.register("given_rows", rows.replace_schema_metadata(None))
    con.execute(f"CREATE TABLE {name} AS FROM given_rows")
    con.unregister("given_rows")
