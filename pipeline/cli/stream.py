"""`dioptre stream`: topics into the lake, without end."""

import signal
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import typer

from pipeline.cli.app import LABEL, JsonOption, LakeOption, app, command, settings
from pipeline.cli.errors import INTERRUPTED, CommandError
from pipeline.cli.options import OPTIONS
from pipeline.cli.reading import FormatOption, RulesOption, ZoneOption
from pipeline.cli.stream_options import (
    BeamArgument,
    BrokersOption,
    FlushOption,
    GroupOption,
    ListenOption,
    RunnerOption,
    StartOption,
    TopicOption,
    UntilEndOption,
    WorkersOption,
)
from pipeline.cli.times import moment

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from connectors.kafka import Client, Partition
    from pipeline.cli.stream_report import Report
    from pipeline.config import Config
    from pipeline.job import Job
    from pipeline.stream import Stream
    from pipeline.stream_engine import EngineStream
    from pipeline.stream_plan import Plan


@command(
    app, "stream", panel=LABEL,
    examples=(
        "dioptre stream --brokers localhost:9092 --topic logs --lake lake   # needs a broker",
        "dioptre stream --brokers localhost:9092 --topic logs --until-end   # needs a broker; for cron",
        "dioptre stream --workers 2 --listen 127.0.0.1:9464 # needs [kafka] in dioptre.toml",
    ),
)  # fmt: skip
def stream(
    beam: BeamArgument = None,
    brokers: BrokersOption = None,
    topic: TopicOption = None,
    lake: LakeOption = None,
    workers: WorkersOption = None,
    start: StartOption = None,
    until_end: UntilEndOption = False,
    flush_s: FlushOption = None,
    runner: RunnerOption = None,
    listen: ListenOption = None,
    group: GroupOption = None,
    rules: RulesOption = None,
    tz: ZoneOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Read topics into a lake without end: every record once, labelled, seconds later ready for SQL.

    Where a partition goes on is what the lake already has of it; no offset is stored elsewhere. Interrupted at any
    point (even by kill -9), or run twice by mistake, nothing is lost and nothing doubled. A broker that goes away is
    waited for. A record that cannot be read becomes a reject with its bytes; it stops nothing.

    SIGTERM finishes the batch at hand, exit code 0; Ctrl-C the same, exit code 130; a second one ends it at once.
    With --json, a summary is printed when it ends.
    """  # fmt: skip
    given = {
        "kafka.brokers": brokers.split(",") if brokers else None, "kafka.start": _start(start), "kafka.group": group,
        "lake.path": lake, "label.rules": rules, "source.tz": tz, "source.format": format_, "stream.workers": workers,
        "stream.flush_s": flush_s, "stream.runner": runner, "stream.listen": listen,
    }  # fmt: skip
    config = settings(given)
    if _run(config, tuple(topic or ()), until_end=until_end, beam=beam or [], json=json) == signal.SIGINT:
        raise typer.Exit(INTERRUPTED)


def _start(text: str | None) -> Any:
    return text if text in (None, "earliest", "latest") else moment(text, "--start")


def _run(config: "Config", named: tuple[str, ...], *, until_end: bool, beam: list[str], json: bool) -> int | None:
    """Read until the end, or until asked to stop; gives the signal that asked."""
    from connectors.kafka import Client
    from connectors.lake import Lake
    from pipeline import config_stream as said
    from pipeline.cli.stream_report import Report, summary, tell
    from pipeline.stream_plan import begin
    from pipeline.stream_signals import draining

    options = _engine(config, beam)
    plan = _plan(config, named, until_end=until_end)
    with draining() as asked:
        client, began = Client(plan.cluster), time.monotonic()
        partitions = begin(client, plan)
        _make_ready()
        job = said.job(config, said.topics(config, named), f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}")
        job.check()
        made = Lake.create(config.settings.lake.path, range_size=config.settings.lake.range_size)
        with Report() as report:
            report.log("start", run_id=job.run, lake=str(made.root), topics=plan.topics, partitions=len(partitions))
            work = _work(job, plan, client, partitions, report, options)
            with _health(config, work):
                totals = work.run(asked.stop)
    tell(summary(totals, time.monotonic() - began, asked.by is not None), made.root, json=json)
    return asked.by


def _engine(config: "Config", beam: list[str]) -> list[str]:
    """Check the engine before anything else; gives Beam's options, none for the embedded stream."""
    from pipeline.stream_guard import completed, engine, reach

    said = config.settings.stream
    if said.runner:
        name = engine(said.runner, beam, workers=said.workers)
        import pipeline.quiet  # noqa: F401 - before Beam
        from pipeline.beam_options import checked

        checked(beam)
        reach(beam)
        return completed(name, beam)
    if beam:
        raise CommandError(f"{beam[0]}: without an engine there is nothing to pass it to", "name one with --runner")
    return []


def _make_ready() -> None:
    """Start what workers are forked from; it is a process of its own, so no client is ever forked."""
    from pipeline.draining import start_forkserver
    from pipeline.stream import PRELOADED

    start_forkserver(PRELOADED)


def _work(
    job: "Job", plan: "Plan", client: "Client", partitions: "list[Partition]", report: "Report", options: list[str]
) -> "Stream | EngineStream":
    """Make what reads: processes of our own, or an engine."""
    if not options:
        from pipeline.stream import Stream

        return Stream(job, plan, client, partitions, report)
    import pipeline.quiet  # noqa: F401 - before Beam
    from pipeline.stream_engine import EngineStream

    if not OPTIONS.verbose:
        _hush()
    return EngineStream(job, plan, client, partitions, report, options)


def _hush() -> None:
    """Keep engines from logging beside us, and their threads from complaining when an engine goes; -v lets them."""
    import logging
    import threading

    logging.disable(logging.CRITICAL)
    threading.excepthook = lambda _: None


def _health(config: "Config", work: "Stream | EngineStream") -> "AbstractContextManager[object]":
    """Serve metrics and health while the stream runs, if an address is given."""
    if not config.settings.stream.listen:
        return nullcontext()
    from pipeline.health import Health

    said = config.settings.stream
    return Health(said.listen, work.totals, flush_s=said.flush_s, processes=work.processes, now=time.monotonic)


def _plan(config: "Config", named: tuple[str, ...], *, until_end: bool) -> "Plan":
    from pipeline import config_stream as said
    from pipeline.stream_plan import Plan

    stream = config.settings.stream
    return Plan(
        cluster=said.cluster(config),
        topics=tuple(said.topics(config, named)),
        policy=said.policy(config),
        workers=stream.workers,
        flush_s=stream.flush_s,
        until_end=until_end,
        group=config.settings.kafka.group,
        compact_every_s=stream.compact_every_s,
        grace_s=stream.grace_s,
        learn_every_s=stream.learn_every_s,
    )
