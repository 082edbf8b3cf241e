"""`dioptre lake compact`, `expire` and `erase`: small files become large ones, old days go, and what must not stay."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import DryRunOption, JsonOption, LakeOption, YesOption, command
from pipeline.cli.errors import CommandError, findings
from pipeline.cli.keeping import refresh
from pipeline.cli.lake_group import agreed, lake_app
from pipeline.cli.naming import root_of
from pipeline.cli.output import emit_json, human_bytes, out, plural, say
from pipeline.cli.times import moment

if TYPE_CHECKING:
    from connectors.lake import Compacted, Erased, Expired, Lake

_NOT_REACHED = "not reached: quarantine/, runs/, exported files and backups, and the source itself"

WaitOption = Annotated[
    str, typer.Option("--older-than", metavar="TIME", help="Only if a segment has waited so long: 15m, 1h. [0s]")
]
RestOption = Annotated[
    str, typer.Option("--at-rest", metavar="TIME", help="Take a chain's newest segment once it is so old.")
]
GraceOption = Annotated[
    str, typer.Option("--grace", metavar="TIME", help="Keep what is replaced so long: statements may still read it.")
]


def _seconds(text: str, option: str) -> float:
    """Read a time as so long ago."""
    now = datetime.now(UTC)
    return max(0.0, (now - (moment(text, option) or now)).total_seconds())


@command(
    lake_app, "compact",
    examples=(
        "dioptre lake compact --lake lake                  # all that is sealed, now",
        "dioptre lake compact --lake lake --older-than 15m # from cron, each minute",
        "dioptre lake compact --lake lake --at-rest 0s --json",
    ),
)  # fmt: skip
def compact(
    lake: LakeOption = None,
    older_than: WaitOption = "0s",
    at_rest: RestOption = "1d",
    grace: GraceOption = "2h",
    json: JsonOption = False,
) -> None:
    """Write small segments into larger files, one or a few a day, sorted by time; no answer changes.

    `dioptre stream` does so by itself. Killed at any moment, it harms nothing.
    """
    from connectors.lake import Compacted, Lake
    from connectors.lake import compact as squeeze

    opened = Lake.open(root_of(lake))
    waited, rest = _seconds(older_than, "--older-than"), _seconds(at_rest, "--at-rest")
    kept = _seconds(grace, "--grace")
    done, more = Compacted(), True
    while more:
        step = squeeze(opened, older_than_s=waited, newest_after_s=rest, grace_s=kept)
        done = _both(done, step)
        more = step.more and bool(step.made or step.merged)
    refresh(opened.root)
    if json:
        emit_json({"lake": str(opened.root), **asdict(done)})
    else:
        _tell_compacted(opened, done)
    if done.refused:
        raise findings()


def _both(one: "Compacted", other: "Compacted") -> "Compacted":
    """Add up two steps."""
    from connectors.lake import Compacted

    made = [*one.made, *other.made]
    return Compacted(
        one.segments + other.segments, one.rows + other.rows, one.merged + other.merged, made,
        one.removed + other.removed, other.more, sorted({*one.refused, *other.refused}),
    )  # fmt: skip


def _tell_compacted(lake: "Lake", done: "Compacted") -> None:
    files = lake.compacted().files.values()
    size = human_bytes(sum(file.bytes for file in files))
    if done.segments or done.merged:
        merged = f", {plural(done.merged, 'small file')} merged" if done.merged else ""
        out(f"compacted: {plural(done.segments, 'segment')} of {done.rows:,} rows{merged}")
    else:
        out("nothing to compact")
    if done.removed:
        out(f"removed: {plural(done.removed, 'file')} replaced before")
    out(f"{lake.root}: {plural(len(files), 'compacted file')}, {size}")
    for source in done.refused:
        say(f"left alone: {source}: its rows are not what its footers say; `dioptre lake verify` names the file")


@command(
    lake_app, "expire",
    examples=(
        "dioptre lake expire --lake lake --older-than 90d --dry-run  # what would go",
        "dioptre lake expire --lake lake --older-than 90d --yes      # from cron, each night",
        "dioptre lake expire --lake lake --before 2026-01-01 --yes --json",
    ),
)  # fmt: skip
def expire(
    lake: LakeOption = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TIME", help="Days that ended before.")] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="Days that ended so long ago: 90d, 12w.")
    ] = None,
    grace: GraceOption = "2h",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Drop whole days of events that are over. Their positions stay counted, and are never read again."""
    from connectors.lake import Lake
    from connectors.lake import expire as drop

    if (before is None) == (older_than is None):
        raise CommandError("from when on are events kept?", "give one of --before 2026-01-01 and --older-than 90d")
    when = moment(before, "--before") or moment(older_than, "--older-than")
    assert when is not None
    opened = Lake.open(root_of(lake))
    would = drop(opened, when, dry_run=True)
    what = f"{plural(would.events, 'event')} of {opened.root} from before {when:%Y-%m-%d %H:%M} would go for good"
    do = agreed(bool(would.files), dry_run, yes, what)
    done = drop(opened, when, grace_s=_seconds(grace, "--grace")) if do else would
    if do:
        refresh(opened.root)
    if json:
        emit_json({"lake": str(opened.root), "dry_run": not do, "before": when, **asdict(done)})
    else:
        _tell_expired(done, do)


def _tell_expired(done: "Expired", do: bool) -> None:
    if not done.files:
        out("nothing is that old")
        return
    days = f", {done.days[0]} to {done.days[-1]}" if done.days else ""
    verb = "expired" if do else "would expire"
    out(f"{verb}: {plural(done.events, 'event')}, {plural(done.rejects, 'reject')}{days}")
    out(f"{plural(done.files, 'file')}, {human_bytes(done.bytes)}" + ("; removed after the grace" if do else ""))


@command(
    lake_app, "erase",
    examples=(
        "dioptre lake erase --lake lake --where \"message LIKE '%alice%'\" --dry-run",
        "dioptre lake erase --lake lake --where \"host = 'laptop-7'\" --yes --json",
    ),
)  # fmt: skip
def erase(
    where: Annotated[
        str, typer.Option("--where", metavar="SQL", help="A condition on the columns of events_raw, label, template.")
    ],
    lake: LakeOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Erase records of which an event or reject fulfils a condition, from all files of the lake, examples too.

    Their positions stay counted, and are never read again. It does not reach quarantine/, runs/, what was exported or
    copied elsewhere, and the source: erase there too. A stream may run meanwhile; run it once more afterwards.
    """
    from connectors.lake import Lake
    from connectors.lake import erase as wipe

    opened = Lake.open(root_of(lake))
    would = wipe(opened, where, dry_run=True)
    what = (
        f"{plural(would.positions, 'record')} and {plural(would.kinds, 'example')} of {opened.root} would go for good"
    )
    do = agreed(bool(would.positions or would.kinds or would.drawn), dry_run, yes, what)
    done = wipe(opened, where) if do else would
    if do:
        refresh(opened.root)
    if json:
        emit_json({"lake": str(opened.root), "dry_run": not do, **asdict(done), "not_reached": _NOT_REACHED})
    else:
        _tell_erased(done, do)


def _tell_erased(done: "Erased", do: bool) -> None:
    rows = f"{plural(done.events, 'event')}, {plural(done.rejects, 'reject')} in {plural(done.positions, 'record')}"
    out(f"{'erased' if do else 'would erase'}: {rows}; {plural(done.kinds, 'example')} of kinds")
    if done.drawn:
        out(f"{plural(done.drawn, 'line')} and templates drawn for audits and cert sets")
    out(f"{plural(done.files, 'file')} {'written anew' if do else 'to be written anew'}")
    say(_NOT_REACHED)
