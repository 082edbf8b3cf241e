"""`dioptre scan`: label and summarise, store nothing."""

import fnmatch
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import LABEL, JsonOption, app, command
from pipeline.cli.options import width
from pipeline.cli.output import Column, emit_json, out, plural, say, table
from pipeline.cli.reading import FormatOption, NowOption, RulesOption, ZoneOption, alone, config_of, received

if TYPE_CHECKING:
    from connectors.archives import Found
    from pipeline.cli.summary import KindCount, Tally
    from pipeline.config import Config
    from pipeline.once import Pass

ROOMY = 150
"""Columns of a terminal from which on an example fits beside the template."""


@command(
    app, "scan", panel=LABEL,
    examples=(
        "dioptre scan logs                       # what kinds of lines are in there?",
        "dioptre scan 'logs/*' --label 'auth.*'  # only these labels",
        "dioptre scan logs --limit 0 --json      # all kinds, for a program",
    ),
)  # fmt: skip
def scan(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders, globs in quotes; - is stdin.")],
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Show the N largest templates; 0: all.")
    ] = 20,
    label: Annotated[
        str | None, typer.Option("--label", metavar="GLOB", help="Show only those whose label fits, as 'auth.*'.")
    ] = None,
    examples: Annotated[
        bool | None, typer.Option("--examples/--no-examples", help="Show an example of each kind. [if there is room]")
    ] = None,
    rules: RulesOption = None,
    now: NowOption = None,
    tz: ZoneOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Label the lines of archives and summarise them; store nothing.

    Shows the templates of the lines (kinds that say the same are one), most frequent first, each with its label, how
    sure that is (conf), its text, and an example with addresses, users, mail and secrets masked. A file that is the
    beginning of another, or its copy, counts once.
    """
    from pipeline.cli.summary import Tally

    config, tally = config_of(rules=rules, tz=tz, format_=format_), Tally()
    found, read, size = _read(paths, config, received(now, config), tally)
    if json:
        emit_json(_document(found, read, tally, size, limit, label))
    else:
        roomy = width() >= ROOMY or not sys.stdout.isatty()
        _show(read, tally, limit, label, examples=roomy if examples is None else examples)
    _say_unread(found, read)


def _read(paths: Sequence[str], config: "Config", now: datetime | None, tally: "Tally") -> "tuple[Found, Pass, int]":
    """Count everything; the archives found, the pass over them, and the bytes read."""
    from connectors.archives import find
    from pipeline.cli.progress import Bar, Volume
    from pipeline.once import Once, Pass

    once, found = Once(alone(config, lake=False, now=now), now=now), find(paths)
    volume = Volume(found.archives)
    read = Pass(found.archives, alike=True, on_end=lambda outcome: volume.end(outcome.archive.name))
    with Bar(volume, "scan") as bar:
        for records in read.batches():
            told = records.schema.metadata
            tally.add(once.label(records))
            volume.take(told[b"name"].decode(), int(told[b"end"]) - int(told[b"start"]))
            bar.show(tally.lines, len(tally.kinds), tally.rejected)
    tally.merge()
    return found, read, volume.done


def _say_unread(found: "Found", read: "Pass") -> None:
    for refused in found.refused:
        say(f"not read: {refused.path}: {refused.reason}")
    for finding in read.findings:
        say(f"{finding.name}: {finding.kind}: {finding.detail}")


def _chosen(tally: "Tally", limit: int, label: str | None) -> "list[KindCount]":
    return tally.top(limit or None, lambda kind: label is None or fnmatch.fnmatchcase(kind.label, label))


def _show(read: "Pass", tally: "Tally", limit: int, label: str | None, *, examples: bool) -> None:
    """Print the totals' line, the table of kinds, and what it leaves out."""
    chosen = _chosen(tally, limit, label)
    columns = [
        Column("count", right=True), Column("share", right=True), Column("label", style="bold"),
        Column("conf", right=True), Column("app"), Column("template", wide=True),
    ]  # fmt: skip
    columns += [Column("example", wide=True)] if examples else []
    if chosen:
        table(columns, [_row(kind, tally.events, examples=examples) for kind in chosen])
    left = len(_chosen(tally, 0, label)) - len(chosen)
    if left:
        out(f"{plural(left, 'more template')}; --limit 0 shows all")
    if tally.other:
        out(f"{plural(tally.other, 'event')} of other kinds, met after the first {len(tally.kinds):,}: not told apart")
    if tally.rejected:
        out("rejects: " + ", ".join(f"{reason} {n:,}" for reason, n in tally.rejects.most_common()))
    out(_totals(read, tally))


def _row(kind: "KindCount", events: int, *, examples: bool) -> tuple[object, ...]:
    share = f"{100 * kind.count / max(1, events):.1f} %"
    row = (kind.count, share, kind.label, f"{kind.confidence:.2f}", kind.app, kind.template)
    return (*row, kind.example) if examples else row


def _totals(read: "Pass", tally: "Tally") -> str:
    """Say in one line what was read and what became of it."""
    labels = len([name for name in tally.labels if name != "unknown"])
    parts = [
        plural(len(tally.kinds), "kind") + (" and more" if tally.other else ""),
        plural(len(tally.templates or ()), "template"), plural(labels, "label"),
        f"{100 * tally.unknown_share:.1f} % unknown", plural(tally.rejected, "reject"),
    ]  # fmt: skip
    goes_on = f" ({tally.continuations:,} of them go on with the line before)" if tally.continuations else ""
    files = plural(len(read.found) - len(read.done), "file")
    return f"{plural(tally.lines, 'line')}{goes_on} in {files} -> {', '.join(parts)}"


def _document(found: "Found", read: "Pass", tally: "Tally", size: int, limit: int, label: str | None) -> dict[str, Any]:
    """Make the document of --json."""
    from dataclasses import asdict

    return {
        "lines": tally.lines, "bytes": size, "events": tally.events, "continuations": tally.continuations,
        "kinds": len(tally.kinds), "templates": len(tally.templates or ()),
        "other": tally.other, "unknown_share": round(tally.unknown_share, 6),
        "labels": dict(tally.labels.most_common()), "rejects": dict(tally.rejects.most_common()),
        "top": [asdict(kind) | {"share": round(kind.count / max(1, tally.events), 6)}
                for kind in _chosen(tally, limit, label)],
        "files": [archive.name for archive in found.archives],
        "not_read": [[name, why] for name, why in read.done],
        "refused": [[str(refused.path), refused.reason] for refused in found.refused],
        "findings": [asdict(finding) for finding in read.findings],
    }  # fmt: skip
