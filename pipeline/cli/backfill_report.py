"""What a backfill tells people and programs: its plan, and what it came to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import OPTIONS
from pipeline.cli.output import Column, emit_json, hint, human_bytes, out, plural, say, table

if TYPE_CHECKING:
    from pipeline.backfill import Planned, Summary

MOST_LISTED = 20
"""Files listed one by one; the rest is counted (--json and -v list all)."""


@dataclass(frozen=True)
class Done:
    """What a backfill came to. `kinds`, `labels`: in the lake now; `new`: kinds it had not known before."""

    summary: "Summary"
    planned: "Planned"
    kinds: int
    new: int
    labels: int


def preview(planned: "Planned", *, json: bool) -> None:
    """Print what would be read, and what not."""
    reads = _reads(planned)
    if json:
        emit_json({"dry_run": True, "reads": reads, **_left_out(planned)})
        return
    if reads:
        size, start = Column("size", right=True), Column("from", right=True)
        columns = [Column("file", wide=True), size, Column("codec"), Column("source"), start]
        table(columns, [(r["file"], human_bytes(r["size"]), r["codec"], r["source"], r["from"]) for r in reads])
    files, disk = plural(len({r["file"] for r in reads}), "file"), human_bytes(planned.bytes_on_disk)
    out(f"would read {files}, {disk} on disk; nothing was written")
    _list_left_out(planned)


def _reads(planned: "Planned") -> list[dict[str, Any]]:
    """List the reads: each archive, or part of one, with its chain and the byte from which it is read."""
    return [
        {
            "file": r.archive.name, "size": r.archive.size // r.parts, "codec": r.archive.codec,
            "source": r.source(r.first), "from": r.resume.get(r.first, (r.first * r.range_size, None))[0],
        }
        for r in planned.plan.reads
    ]  # fmt: skip


def _left_out(planned: "Planned") -> dict[str, Any]:
    """List what is not read, with the reasons."""
    return {
        "done": [[done.archive.name, done.why] for done in planned.plan.done],
        "waiting": [archive.name for archive in planned.plan.waiting],
        "outside": [archive.name for archive in planned.found.outside],
        "skipped": [[str(one.path), one.reason] for one in planned.found.skipped],
        "refused": [[str(one.path), one.reason] for one in planned.found.refused],
        "findings": [[f.name, f.kind, f.detail] for f in planned.plan.findings],
    }


def _list_left_out(planned: "Planned") -> None:
    """Tell what is not read: hazards one by one, the rest by number."""
    plan, found = planned.plan, planned.found
    if plan.done:
        say(f"{plural(len(plan.done), 'file')} read before or empty: nothing new in there")
        _list([(done.archive.name, done.why) for done in plan.done] if OPTIONS.verbose else [])
    if plan.waiting:
        say(f"{plural(len(plan.waiting), 'file')} without a complete line yet: run again later")
    if found.outside:
        say(f"{plural(len(found.outside), 'file')} outside --since and --until")
    if found.skipped:
        say(
            f"{plural(len(found.skipped), 'file')} skipped that are no logs"
            + ("" if OPTIONS.verbose else " (-v lists)")
        )
        _list([(str(one.path), one.reason) for one in found.skipped] if OPTIONS.verbose else [])


def _list(pairs: Sequence[tuple[str, str]]) -> None:
    shown = pairs if OPTIONS.verbose else pairs[:MOST_LISTED]
    for name, why in shown:
        say(f"  {name}: {why}")
    if len(shown) < len(pairs):
        say(f"  and {len(pairs) - len(shown):,} more (-v lists all)")


def tell(done: Done, *, json: bool) -> None:
    """Print the summary: on stdout what came of it, on stderr what to look at and what to do next."""
    if json:
        body = asdict(done.summary) | _left_out(done.planned)
        body["findings"] = [list(finding) for finding in done.summary.findings]
        emit_json(
            body | {"lines": _lines(done.summary), "new_kinds": done.new, "kinds": done.kinds, "labels": done.labels}
        )
        return
    _list_left_out(done.planned)
    if done.summary.findings:
        say(f"{plural(len(done.summary.findings), 'finding')}:")
        _list([(name, f"{kind}: {detail}") for name, kind, detail in done.summary.findings])
    if done.summary.refused:
        say(f"{plural(len(done.summary.refused), 'file')} refused:")
        _list(done.summary.refused)
    out(result(done))
    if _lines(done.summary):
        say(f"in {done.summary.seconds:.1f} s, {_lines(done.summary) / max(done.summary.seconds, 0.001):,.0f} lines/s")
    if done.summary.stopped:
        say("stopped before the end: the same command goes on where it stopped")
    if done.new:
        hint(f"dioptre learn --lake {done.summary.lake} settles {plural(done.new, 'new kind')}")
    hint(f"next: dioptre sql --lake {done.summary.lake} \"FROM recent('1h')\"")


def _lines(summary: "Summary") -> int:
    return summary.events + summary.rejects


def result(done: Done) -> str:
    """Say in one line what a backfill came to."""
    s = done.summary
    if not _lines(s):
        return f"nothing new in {plural(s.archives, 'file')}; the lake knows {plural(done.kinds, 'kind')}"
    kinds = (
        plural(done.kinds, "kind") if done.new == done.kinds else f"{done.new:,} new of {plural(done.kinds, 'kind')}"
    )
    parts = [kinds, plural(done.labels, "label"), f"{100 * s.unknown / max(1, s.events):.1f} % unknown"]
    return f"{plural(_lines(s), 'line')} -> {', '.join(parts)}, {plural(s.rejects, 'reject')}"
