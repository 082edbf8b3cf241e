"""`dioptre lake`: what a lake holds, whether it is whole, and how it is mended."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import lake_old  # noqa: F401 - compact, expire, erase
from pipeline.cli.app import DryRunOption, JsonOption, LakeOption, YesOption, command
from pipeline.cli.errors import findings
from pipeline.cli.keeping import refresh
from pipeline.cli.lake_group import agreed, lake_app
from pipeline.cli.naming import root_of, sources_of
from pipeline.cli.output import Column, emit_json, human_bytes, out, plural, progress, say, table

if TYPE_CHECKING:
    from connectors.lake import Finding, Verification
    from pipeline.recount import Recount


@command(
    lake_app, "status",
    examples=("dioptre lake status --lake lake", "dioptre lake status --lake lake --json"),
)  # fmt: skip
def status(lake: LakeOption = None, json: JsonOption = False) -> None:
    """Tell what a lake holds: sources, events, kinds, labels, promises, the newest event, the last runs.

    Exit code 1: audits have withdrawn a certificate.
    """
    from connectors.lake import Lake
    from pipeline.cli.lake_status import gather, show

    found = gather(Lake.open(root_of(lake)))
    if json:
        emit_json(found)
    else:
        show(found)
    if found["alarms"]:
        raise findings()


@command(
    lake_app, "verify",
    examples=(
        "dioptre lake verify --lake lake                # are all positions there, each once?",
        "dioptre lake verify --lake lake --deep         # read every byte of it",
        "dioptre lake verify --lake lake --against logs # count the archives anew and compare",
    ),
)  # fmt: skip
def verify(
    lake: LakeOption = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against", metavar="SRC", help="Recount these archives and compare; may be given several times."
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read all columns, with their checksums.")] = False,
    json: JsonOption = False,
) -> None:
    """Prove that each position of each source is in the lake exactly once, and name what breaks it.

    Exit code 1 when something is to be mended.
    """
    from connectors.lake import verify as check

    root = root_of(lake)
    checked = check(root, deep=deep)
    counted = _recount(root, against) if against else None
    sound = checked.ok and not (counted and counted.differences)
    if json:
        emit_json(_as_json(root, checked, counted, sound))
    else:
        _tell(root, checked, counted)
    if not sound:
        raise findings()


def _recount(root: Path, specs: list[str]) -> "Recount":
    from connectors.lake import Lake
    from pipeline.recount import recount

    with progress("counting", "{task.description}") as bar:
        task = bar.add_task("", total=None)
        return recount(Lake.open(root), specs, lambda name, _: bar.update(task, description=name))


def _as_json(root: Path, checked: "Verification", counted: "Recount | None", sound: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"lake": str(root), "ok": sound, "findings": [asdict(f) for f in checked.findings]}
    body |= {"sources": [asdict(t) for t in checked.sources], "total": asdict(checked.total)}
    return body | ({"against": asdict(counted)} if counted else {})


def _tell(root: Path, checked: "Verification", counted: "Recount | None") -> None:
    """Tell people what verify found: what is wrong first, the sums last."""
    for finding in checked.findings:
        _finding(finding)
    total = checked.total
    skipped = sum(total.skips.values())
    chains = f"{plural(len(checked.sources), 'source')}, {plural(total.segments, 'segment')}"
    out(f"{root}: {chains}: {plural(total.events, 'event')}, {plural(total.rejects, 'reject')}")
    out(f"positions: {total.positions + skipped:,} accounted for, {total.missing:,} missing")
    if counted:
        _tell_recount(counted)
    if checked.ok:
        out("sound: each position of each source is there exactly once")


def _finding(finding: "Finding") -> None:
    out(f"{finding.severity}: {finding.where}: {finding.what}")
    say(f"  {finding.hint}")


def _tell_recount(counted: "Recount") -> None:
    for difference in counted.differences:
        out(f"error: {difference.name}{f' ({difference.source})' if difference.source else ''}: {difference.what}")
        say(f"  {difference.hint}")
    told = f"recounted: {plural(counted.archives, 'archive')}, {plural(counted.records, 'record')}"
    out(told + ("" if counted.differences else "; all of them in the lake, each once"))
    if counted.beside:
        say(f"beside these, the lake holds {plural(len(counted.beside), 'source')} of other archives")


@command(
    lake_app, "repair",
    examples=(
        "dioptre lake repair --lake lake --dry-run # what would be done",
        "dioptre lake repair --lake lake --yes     # do it",
        "dioptre lake repair --lake lake --dry-run --json",
    ),
)  # fmt: skip
def repair(
    lake: LakeOption = None, dry_run: DryRunOption = False, yes: YesOption = False, json: JsonOption = False
) -> None:
    """Mend what verify finds: unsound files are moved to quarantine/, never deleted, and read again by a backfill."""
    from connectors.lake import repair as mend

    root = root_of(lake)
    planned = mend(root, dry_run=True)
    do = agreed(bool(planned), dry_run, yes, f"{plural(len(planned), 'file')} of {root} would be moved or made anew")
    done = mend(root) if do else planned
    if do:
        refresh(root)
    if json:
        emit_json({"lake": str(root), "dry_run": not do, "actions": [asdict(action) for action in done]})
        return
    columns = [
        Column("file", wide=True),
        Column("done" if do else "would be done", wide=True),
        Column("because", wide=True),
    ]
    if done:
        table(columns, [(a.where, a.did, a.why) for a in done])
    else:
        out("nothing to mend")


@command(
    lake_app, "forget",
    examples=(
        "dioptre lake forget logs/auth.log --lake lake --dry-run # what would be moved",
        "dioptre lake forget logs/auth.log --lake lake --yes     # the next backfill reads it anew",
    ),
)  # fmt: skip
def forget(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A file or a source, as `dioptre lake status` lists them.")
    ],
    lake: LakeOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Move a file's events to quarantine/, so that the next backfill reads it from its beginning."""
    from connectors.lake import Lake
    from connectors.lake import forget as drop

    opened = Lake.open(root_of(lake))
    meant = sources_of(opened, source)
    do = agreed(True, dry_run, yes, f"{plural(len(meant), 'source')} of {opened.root} would be moved to quarantine/")
    moved = [(name, str(drop(opened, name, dry_run=not do))) for name in meant]
    if do:
        refresh(opened.root)
    if json:
        emit_json({"dry_run": not do, "moved": [{"source": name, "to": to} for name, to in moved]})
        return
    for name, to in moved:
        out(f"{name}: {'moved' if do else 'would be moved'} to {to}")


@command(
    lake_app, "relocate",
    examples=("dioptre lake relocate --lake lake # after `mv` or a copy to another machine",),
)  # fmt: skip
def relocate(lake: LakeOption = None, json: JsonOption = False) -> None:
    """Write catalog.duckdb anew, for the place where the lake lies now; nothing else in a lake knows its place."""
    from connectors.catalog import build
    from connectors.lake import Lake

    made = build(Lake.open(root_of(lake)))
    if json:
        emit_json({"catalog": str(made)})
    else:
        out(f"{made}: {human_bytes(Path(str(made)).stat().st_size)}")
