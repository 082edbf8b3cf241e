"""What `dioptre lake status` gathers and shows: read from footers alone, so that a large lake answers at once."""

import textwrap
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import width
from pipeline.cli.output import Column, cell, hint, human_bytes, out, plural, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.lake import Chain, Lake, Segment
    from pipeline.certify_life import Standing

_RUNS = 5
_SOURCES = 20


def gather(lake: "Lake", found: "list[Standing] | None" = None) -> dict[str, Any]:
    """Gather what a lake holds.

    Args:
        found: how its certificates stand; None: as they do whatever the models are.
    """
    from pipeline.certify import standings
    from pipeline.certify_gauges import gathered

    sources = [_source(lake.chain(name)) for name in lake.sources()]
    kinds = lake.kinds()
    labels = Counter(kinds.column("label").to_pylist())
    runs = lake.runs()
    newest = [s["newest"] for s in sources if s["newest"]]
    files = lake.compacted().files.values()
    return {
        "lake": str(lake.root),
        "created_at": lake.settings.created_at,
        "bytes": sum(p.stat().st_size for p in lake.root.rglob("*") if p.is_file()),
        "events": sum(s["events"] for s in sources),
        "rejects": sum(s["rejects"] for s in sources),
        "segments": sum(s["segments"] for s in sources),
        "compacted": {"files": len(files), "bytes": sum(file.bytes for file in files)},
        "newest": max(newest, default=None),
        "kinds": kinds.num_rows,
        "labels": [{"label": label, "kinds": n} for label, n in labels.most_common()],
        "holes": sum(bool(s["hole"]) for s in sources),
        "findings": sum(len(run.get("findings", ())) for run in runs),
        "sources": sorted(sources, key=lambda s: -s["events"]),
        "runs": [_run(run) for run in reversed(runs) if run.get("command") == "backfill"],
        **gathered(lake, standings(lake) if found is None else found),
    }


def _source(chain: "Chain") -> dict[str, Any]:
    """Add up one chain."""
    segments = chain.segments()
    last = segments[-1]
    return {
        "source": chain.source,
        "name": last.footer.get("name", ""),
        "events": sum(int(s.footer.get("events", 0)) for s in segments),
        "rejects": sum(int(s.footer.get("rejects", 0)) for s in segments),
        "segments": sum(int(s.footer.get("segments", 1)) for s in segments),
        "start": segments[0].start,
        "end": max(s.end for s in segments),
        "hole": chain.hole(),
        "newest": _newest_of(segments),
    }


def _newest_of(segments: "Sequence[Segment]") -> datetime | None:
    """Give the newest stamp of an event, as the compacted part and the last segment tell it."""
    told = [str(s.footer["newest"]) for s in segments if s.footer.get("newest")]
    stamps = [datetime.fromisoformat(stamp) for stamp in told]
    last = segments[-1]
    if not last.footer.get("compacted"):
        newest = _newest(last.path, rejects=bool(last.footer.get("rejects")))
        stamps += [newest] if newest else []
    return max(stamps, default=None)


def _newest(path: Path, *, rejects: bool) -> datetime | None:
    """Give the newest stamp of an event: from statistics, unless rejects are in them, whose stamp is their receipt."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if rejects:
        rows = pq.ParquetFile(path).read(["ts", "reject_reason"])
        found: datetime | None = pc.max(rows.filter(pc.is_null(rows["reject_reason"]))["ts"]).as_py()
        return found
    meta = pq.read_metadata(path)
    at = meta.schema.names.index("ts")
    told = [meta.row_group(i).column(at).statistics for i in range(meta.num_row_groups)]
    newest = [s.max for s in told if s is not None and s.has_min_max]
    return max((t if t.tzinfo else t.replace(tzinfo=UTC) for t in newest), default=None)


def _run(run: dict[str, Any]) -> dict[str, Any]:
    told = {
        name: run.get(name) for name in ("run_id", "recorded_at", "archives", "events", "rejects", "kinds", "seconds")
    }
    return told | {"findings": len(run.get("findings", ())), "stopped": bool(run.get("stopped"))}


def show(found: dict[str, Any]) -> None:
    """Show it to people."""
    known = {row["label"]: row["kinds"] for row in found["labels"]}
    unknown = known.pop("unknown", 0)
    out(f"lake      {found['lake']}, {human_bytes(found['bytes'])}")
    out(
        f"events    {found['events']:,} in {plural(found['segments'], 'segment')}, {plural(found['rejects'], 'reject')}"
    )
    if found["compacted"]["files"]:
        files = plural(found["compacted"]["files"], "file")
        out(f"compacted {files} of days, {human_bytes(found['compacted']['bytes'])}")
    out(f"newest    {cell(found['newest']) or 'no event yet'}")
    out(f"kinds     {found['kinds']:,}, of {plural(len(known), 'label')}; {unknown:,} unknown")
    if known:
        told = textwrap.wrap(", ".join(f"{label} {n:,}" for label, n in list(known.items())[:8]), max(40, width() - 11))
        out(f"labels    {told[0]}")
        for line in told[1:]:
            out(f"          {line}")
    if found["holes"]:
        lacking = f"{plural(found['holes'], 'source')} lack positions"
        out(f"holes     {lacking}; run the backfill again, or `dioptre lake verify`")
    if found["findings"]:
        out(f"findings  {found['findings']:,} in what was read; `dioptre lake status --json` has the runs")
    _certificates(found)
    _tables(found)


def _certificates(found: dict[str, Any]) -> None:
    """Show what is promised of labels, and what speaks against it."""
    for one in found["certificates"]:
        proved = f"{one['lower']:.3f} proved" if one["n"] else one["reason"]
        more = f", need {one['needed']:,} more labels" if one["needed"] else ""
        what = f"{one['tier']} {one['domain']}".rstrip()
        out(f"promise   {what} ({one['promise']}, {one['p']:g}): {one['status']}{more}; {proved}")
        if one["status"] in ("withdrawn", "void", "expired"):
            out(f"          {one['reason']}")
    for told in found["drift"]:
        out(f"drift     {told}")


def _tables(found: dict[str, Any]) -> None:
    """Show the largest sources and the last runs."""
    shown = found["sources"][:_SOURCES]
    if shown:
        out()
        right = [Column(name, right=True) for name in ("events", "rejects", "segments")]
        columns = [Column("file", style="bold"), *right, Column("newest"), Column("source", style="dim", wide=True)]
        names = ("name", "events", "rejects", "segments", "newest", "source")
        table(columns, [[s[name] for name in names] for s in shown])
    if len(found["sources"]) > len(shown):
        hint(f"and {len(found['sources']) - len(shown):,} sources more; --json lists them all")
    if found["runs"]:
        out()
        numbers = [Column(name, right=True) for name in ("archives", "events", "rejects", "kinds", "seconds")]
        rows = [
            [
                run["recorded_at"][:19].replace("T", " "),
                *(run[c.name] for c in numbers),
                "stopped" if run["stopped"] else "",
            ]
            for run in found["runs"][:_RUNS]
        ]
        table([Column("run"), *numbers, Column("")], rows)
