"""A report of a lake: all it shows, gathered as plain values, from which the page is drawn and the JSON printed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline import report_sql as sql
from pipeline.report_trust import trust

if TYPE_CHECKING:
    from connectors.catalog import Session
    from connectors.lake import Lake
    from pipeline.report_sql import Row


def gather(
    lake: "Lake",
    session: "Session",
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    frozen: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Gather what a report shows.

    Args:
        since, until: of the events; None: all.
        frozen: what the cascade is made of today, by which certificates of another one are void; None: not looked at.

    Raises:
        CatalogError, LakeError: the lake cannot be read.
    """

    def ask(query: str, given: Mapping[str, Any]) -> "list[Row]":
        return list(session.run(query, dict(given) or None).to_pylist())

    since, until = since or sql.far(past=True), until or sql.far(past=False)
    span = sql.span(ask, since, until)
    funnel = sql.funnel(ask, since, until)
    return {
        "lake": str(lake.root), "written_at": datetime.now(UTC), "span": span, "kinds": lake.kinds().num_rows,
        "rejects": ask("SELECT count(*) AS n FROM rejects", {})[0]["n"],
        "pictures": sql.pictures(ask, span["first"], span["last"]) if span["events"] else None,
        "quality": sql.quality(ask, since, until), "funnel": funnel, "per_million": per_million(funnel["ledger"]),
        "domains": sql.domains(ask), "run": _last_run(lake), "trust": trust(lake, ask, frozen),
    }  # fmt: skip


def per_million(ledger: "list[Row]") -> dict[str, Any] | None:
    """Give what a million events took: from reading to the lake (`inflow`), and with all that was learnt (`all`).

    None: the ledger tells of no events.
    """
    events = sum(row["events"] for row in ledger)
    if not events:
        return None
    names = ["cpu_s", "kinds", *(f"{m}{b}" for m in sql.MEASURES for b in sql.BANDS)]

    def total(rows: "list[Row]") -> dict[str, float]:
        return {name: sum(row[name] or 0.0 for row in rows) * 1e6 / events for name in names}

    inline = [row for row in ledger if row["stage"] in ("pipeline", "rule", "tiny", "small")]
    return {"events": events, "inflow": total(inline), "all": total(ledger)}


def _last_run(lake: "Lake") -> dict[str, Any] | None:
    """Give the pace of the last backfill that wrote something; None: there is none."""
    runs = [run for run in lake.runs() if run.get("command") == "backfill" and run.get("events")]
    if not runs:
        return None
    names = ("run_id", "written_at", "events", "rejects", "seconds", "cpu_seconds", "input_bytes", "pace")
    return {name: runs[-1].get(name) for name in names}
