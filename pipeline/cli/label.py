"""`dioptre label`: each record in order to one line of JSON."""

import io
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import LABEL, app, command
from pipeline.cli.output import say
from pipeline.cli.reading import FormatOption, NowOption, RulesOption, ZoneOption, alone, config_of, received

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.job import Job
    from pipeline.jsonl import Line
    from pipeline.merged import Merging
    from pipeline.once import Once
    from pipeline.rendered import Templates

BATCH_ROWS, BATCH_BYTES = 16_384, 4 << 20
"""Smaller than a segment: the first lines come out sooner."""


@command(
    app, "label", panel=LABEL,
    examples=(
        "dioptre label logs               # every record of the files in there, one JSON object a line",
        "dioptre label --lake lake logs   # with what people said about the kinds in that lake",
        "dioptre label --tz Europe/Berlin --now 2026-11-22 logs",
    ),
)  # fmt: skip
def label(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="File, folder or glob; - is standard input, labelled as it arrives.")
    ] = "-",
    lake: Annotated[
        Path | None,
        typer.Option("--lake", metavar="DIR", help="Use what this lake knows of kinds; nothing is written."),
    ] = None,
    rules: RulesOption = None,
    now: NowOption = None,
    tz: ZoneOption = None,
    format_: FormatOption = None,
    jsonl: Annotated[
        str | None,
        typer.Option("--jsonl", metavar="FIELD", help="The input is JSON lines; the record is this field of each."),
    ] = None,
    base64: Annotated[bool, typer.Option("--base64", help="The record (the field, or the line) is in base64.")] = False,
) -> None:
    """Label each record: one line of JSON for each, in order.

    Every line holds the same fields, null where there is nothing. status is ok, reject (the record holds no event;
    reason says why, detail in words) or skip (there was no record: reason tombstone for null, missing_field). Then
    come the columns of the lake (ts in RFC 3339 with microseconds, UTC; raw in base64), and key, template,
    template_id, params (a list), label, domain, confidence, stage, model, settled.

    A record that holds several events (octet counts) gives one line with the fields of its first event, and all of
    them as objects under events. A line that goes on with the one before it, as in a stack trace, takes over its host,
    app, ts and label; with --jsonl and --base64 each record stands alone.

    A file is read twice: template and template_id are those of the template that its kind merges into, among all kinds
    of the file and of the lake; key and params stay those of the kind itself. Standard input, which may never end, is
    labelled as it arrives, and there a template is the lake's, else the kind itself.

    With --jsonl FIELD the `id` of each object is echoed; what is no JSON object is a reject, reason bad_jsonl.
    """
    config = config_of(lake=lake, rules=rules, tz=tz, format_=format_)
    received_at = received(now, config)
    work = _work(path, alone(config, lake=lake is not None, now=received_at), received_at, jsonl, base64=base64)
    if path != "-":
        work.meet()
    for chunk in work.output():
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def _kinds(job: "Job") -> "pa.Table":
    """What the lake knows; nothing without one."""
    from connectors.lake import Lake
    from schemas.registry import KINDS

    return Lake.open(job.lake).kinds() if job.lake else KINDS.empty_table()


def _work(path: str, job: "Job", now: datetime | None, field: str | None, *, base64: bool) -> "_Work":
    from pipeline.merged import Merging
    from pipeline.once import Once
    from pipeline.rendered import Templates

    kinds = _kinds(job)
    return _Work(path, Once(job, kinds, now=now), Templates(kinds), Merging(kinds), field, base64)


@dataclass(frozen=True)
class _Work:
    """What is read, and how it is written."""

    path: str
    once: "Once"
    templates: "Templates"
    merging: "Merging"
    field: str | None
    base64: bool

    def meet(self) -> None:
        """Read all once, to know which templates there are."""
        self.once.on_novel = self.merging.meet
        for _ in self._wrapped_events() if self.field is not None or self.base64 else self._plain_events():
            continue
        self.merging.finish()
        self.templates.name(self.merging)

    def output(self) -> Iterator[bytes]:
        """Yield the output, a chunk a batch."""
        lines = self._wrapped() if self.field is not None or self.base64 else self._plain()
        return ("".join(f"{{{line}}}\n" for line in batch).encode() for batch in lines)

    def _plain(self) -> Iterator[list[str]]:
        from pipeline.rendered import by_line, objects

        for events in self._plain_events():
            yield by_line(events, objects(events, self.templates))[0]

    def _plain_events(self) -> Iterator["pa.RecordBatch"]:
        from connectors.archives import Limits
        from pipeline.inflow import Flow

        flow = Flow(self.once)
        for records in _input(self.path, Limits().line_bytes):
            yield self.merging.renamed(flow.label(records))

    def _wrapped(self) -> Iterator[list[str]]:
        from pipeline.rendered import by_line, merged, objects

        for told, events in self._wrapped_events():
            lines, where = by_line(events, objects(events, self.templates)) if events else ([], {})
            yield list(merged(told, lines, where, named=self.field is not None))

    def _wrapped_events(self) -> Iterator[tuple[list["Line"], "pa.RecordBatch | None"]]:
        from connectors.archives import Limits
        from pipeline.jsonl import LINE_LIMIT, Unwrap

        unwrap = Unwrap(self.field, base64=self.base64, limit=Limits().line_bytes)
        for wrapped in _input(self.path, LINE_LIMIT):
            told, records = unwrap.unwrap(wrapped)
            yield told, self.merging.renamed(self.once.label(records).events) if records.num_rows else None


def _input(path: str, limit: int) -> Iterator["pa.RecordBatch"]:
    """Yield the lines of a file, or of standard input as they arrive (unless it is compressed)."""
    from connectors.archives import Limits, find
    from connectors.archives.codecs import MAGIC_BYTES, codec_of
    from pipeline.inflow import arriving
    from pipeline.once import Pass

    stdin: Any = None
    if path == "-":
        stdin = sys.stdin.buffer
        stdin = stdin if hasattr(stdin, "peek") else io.BufferedReader(stdin)
        if codec_of(stdin.peek(MAGIC_BYTES)[:MAGIC_BYTES]) == "plain":
            return arriving(stdin, limit, lambda: time.time_ns() // 1000)
    found = find([path], stdin=stdin)
    for refused in found.refused:
        say(f"{refused.path}: {refused.reason}")
    return Pass(found.archives, BATCH_ROWS, BATCH_BYTES, Limits(line_bytes=limit)).batches()
