"""`dioptre backfill`: archives into the lake."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import backfill_report as report
from pipeline.cli.app import LABEL, DryRunOption, JsonOption, LakeOption, app, command
from pipeline.cli.errors import CommandError, findings
from pipeline.cli.reading import FormatOption, RulesOption, ZoneOption, config_of
from pipeline.cli.times import moment

if TYPE_CHECKING:
    from connectors.archives import Outcome
    from connectors.lake import Lake
    from pipeline.backfill import Planned
    from pipeline.cli.keeping import Keeper
    from pipeline.cli.progress import Bar, Volume
    from pipeline.committed import Committed
    from pipeline.config import Config

    Between = tuple[datetime | None, datetime | None]

LOOK_AGAIN = frozenset(("truncated", "corrupt", "limit", "unreadable", "replaced"))
"""Findings of files that were not read whole: exit code 1, as for files that were refused."""


@command(
    app, "backfill", panel=LABEL,
    examples=(
        "dioptre backfill logs --lake lake             # again whenever you like: only what is new is read",
        "dioptre backfill 'logs/*' --lake lake --dry-run",
        "dioptre backfill logs --lake lake --since 7d --workers 2",
    ),
)  # fmt: skip
def backfill(
    sources: Annotated[
        list[str], typer.Argument(metavar="SRC", help="Files, folders, globs in quotes; - is standard input.")
    ],
    lake: LakeOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes. [one a core]")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Leave out files that end before: 2h, 3d, ISO 8601.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Leave out files that begin after.")
    ] = None,
    dry_run: DryRunOption = False,
    rules: RulesOption = None,
    tz: ZoneOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Read archives into a lake: every line once, labelled, ready for SQL.

    Plain, gzip, bzip2, xz and zstd files, rotated sets oldest first. Interrupted at any point (even by kill -9 or a
    power cut), the same command goes on where it stopped. A file that was renamed, rotated, compressed or has grown
    is recognised by its content and continued. --since and --until choose whole files, never lines.

    SIGTERM stops after the segments at hand, exit code 0. The exit code is 1 if a file could not be read whole.
    What follows -- goes to Apache Beam: dioptre backfill SRC -- --max_cache_memory_usage_mb=50
    """
    own, beam = _parted(sources)
    config = config_of(lake=lake, rules=rules, tz=tz, format_=format_, workers=workers)
    between = moment(since, "--since"), moment(until, "--until")
    if dry_run:
        report.preview(_look(config, own, between), json=json)
        return
    done = _run(config, own, between, beam)
    report.tell(done, json=json)
    if done.summary.refused or any(kind in LOOK_AGAIN for _, kind, _ in done.summary.findings):
        raise findings()


def _parted(sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part sources from Beam's options; click has taken the -- away, and before it no source begins with two dashes."""
    first = next((i for i, word in enumerate(sources) if word.startswith("--")), len(sources))
    if not first:
        raise CommandError("no source is named before --", "dioptre backfill logs --lake lake -- --beam_option=...")
    return list(sources[:first]), list(sources[first:])


def _look(config: "Config", sources: Sequence[str], between: "Between") -> "Planned":
    """Plan without touching anything: against the lake if there is one, else against nothing."""
    from connectors import archives
    from connectors.lake import Lake
    from pipeline.backfill import Planned, plan
    from pipeline.once import no_chain

    settings = config.settings.lake
    if (settings.path / "lake.json").exists():
        return plan(Lake.open(settings.path), sources, *between)
    found = archives.find(sources, since=between[0], until=between[1])
    return Planned(found, archives.plan(found.archives, no_chain, settings.range_size))


def _run(config: "Config", sources: Sequence[str], between: "Between", beam: Sequence[str]) -> report.Done:
    """Plan, read, keep the catalog fresh; what it came to."""
    from connectors import archives
    from connectors.lake import Lake
    from pipeline.backfill import backfill, plan_found
    from pipeline.cli.keeping import Keeper
    from pipeline.cli.progress import Bar, Volume
    from pipeline.draining import stop_on_sigterm
    from pipeline.team import Team

    job = config.job()
    job.check()
    found = archives.find(sources, since=between[0], until=between[1])
    with stop_on_sigterm() as stop:
        lake = Lake.create(config.settings.lake.path, range_size=config.settings.lake.range_size)
        known = set(lake.kinds().column("key").to_pylist())
        planned = plan_found(lake, found)
        volume = Volume((r.archive for r in planned.plan.reads), _read_before(planned))
        with (
            Team(job, planned.plan.reads, config.workers, beam) as team,  # first: it forks, which threads do not like
            Keeper(lake.root) as keeper,
            Bar(volume, "backfill") as bar,
        ):
            watch = _Watch(lake, volume, keeper, bar)
            summary = backfill(job, planned, team, on_commit=watch.committed, on_outcome=watch.read, stop=stop)
            keeper.finish()
    return report.Done(summary, planned, *_kinds(lake, known))


def _kinds(lake: "Lake", known: set[str]) -> tuple[int, int, int]:
    """Count the kinds of the lake, those not known before, and their labels."""
    kinds = lake.kinds()
    keys, labels = kinds.column("key").to_pylist(), set(kinds.column("label").to_pylist())
    return len(keys), len(set(keys) - known), len(labels - {"unknown"})


def _read_before(planned: "Planned") -> dict[str, int]:
    """Bytes of each archive that the lake has already."""
    return {
        r.archive.name: sum(max(0, end - k * r.range_size) for k, (end, _) in r.resume.items())
        for r in planned.plan.reads
    }


class _Watch:
    """Hears of commits: moves the bar, and lets the catalog be built."""

    def __init__(self, lake: "Lake", volume: "Volume", keeper: "Keeper", bar: "Bar") -> None:
        self._lake, self._volume, self._keeper, self._bar = lake, volume, keeper, bar
        self._lines = self._rejects = 0
        self._kinds, self._count_at = 0, 0.0

    def committed(self, one: "Committed") -> None:
        """Count a segment."""
        self._lines += one.events + one.rejects
        if one.novel:
            self._count()
        self._rejects += one.rejects
        self._volume.take(one.name, one.end - one.start)
        self._keeper.committed()
        self._bar.show(self._lines, self._kinds, self._rejects)

    def _count(self) -> None:
        """Count the lake's kinds, which workers meet at once; seldom enough to cost little."""
        began = time.monotonic()
        if began >= self._count_at:
            self._kinds = self._lake.kinds().num_rows
            self._count_at = time.monotonic() + max(0.5, 20 * (time.monotonic() - began))

    def read(self, outcome: "Outcome") -> None:
        """Note that an archive is over; of a plain one the size tells."""
        if outcome.archive.codec != "plain":
            self._volume.end(outcome.archive.name)
