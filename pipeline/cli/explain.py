"""`dioptre explain`: why a line has its label."""

import re
import sys
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import ASK, JsonOption, app, command
from pipeline.cli.errors import CommandError
from pipeline.cli.options import width
from pipeline.cli.output import Column, cell, clean, emit_json, out, table
from pipeline.cli.reading import FormatOption, NowOption, RulesOption, ZoneOption, alone, config_of, received

if TYPE_CHECKING:
    from pipeline.job import Job
    from pipeline.why import Why
    from pipeline.why_stages import Asked as Stages
    from pipeline.why_stages import Said
    from schemas.registry import Kind

_TEMPLATE_ID = re.compile(r"[0-9a-f]{16}")
_WIDTH = 10


@command(
    app, "explain", panel=ASK,
    examples=(
        'dioptre explain "Nov 20 11:14:15 web01 sshd[811]: Failed password for root from 192.0.2.7 port 22 ssh2"',
        "dioptre explain 'kernel: Out of memory: Killed process 811 (java)' --lake lake",
        "dioptre explain 'Accepted publickey for git' --json",
    ),
)  # fmt: skip
def explain(
    what: Annotated[str, typer.Argument(metavar="LINE|TEMPLATE_ID", help="A log line in quotes, or 16 hex digits.")],
    lake: Annotated[
        Path | None, typer.Option("--lake", metavar="DIR", help="Ask this lake too; a TEMPLATE_ID needs one.")
    ] = None,
    rules: RulesOption = None,
    now: NowOption = None,
    tz: ZoneOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Explain a label: the header as read, the kind, what each stage said, the nearest labelled kinds.

    A person's word counts most, then a rule's, then what the lake remembers, then the model's; below the floor the
    label is unknown. Works offline on one line; the lake is only read.
    """
    config = config_of(lake=lake, rules=rules, tz=tz, format_=format_)
    job = alone(config, lake=lake is not None or bool(_TEMPLATE_ID.fullmatch(what)), now=received(now, config))
    header, kind, params = _of_template(what, job) if _TEMPLATE_ID.fullmatch(what) else _of_line(what, job)
    if kind is None:
        _rejected(what, header, json=json)
        return
    from pipeline.why import why

    found = why(kind, job)
    if json:
        emit_json(_document(header, params, found))
    else:
        _show(header, params, found)


Asked = tuple[dict[str, Any], "Kind | None", list[str] | None]
"""The fields of the header, the kind (None: the line holds no event), the words in its holes."""


def _of_template(name: str, job: "Job") -> Asked:
    """Look a kind up in the lake."""
    from pipeline.why_known import find
    from schemas.registry import Kind

    row = find(job, name)
    if row is None:
        raise CommandError(f"{name}: {job.lake} knows no such template", f"dioptre templates list --lake {job.lake}")
    return {}, Kind(row["key"], row["app"], row["template"]), None


def _of_line(line: str, job: "Job") -> Asked:
    """Read a line as a backfill would; of several events the first counts."""
    import time

    from clustering.key import key_of
    from pipeline.inflow import records_of

    record = line.encode("utf-8", "surrogateescape")
    parsed = job.parse(records_of([(record, 0, False)], time.time_ns() // 1000))
    header = dict(parsed.slice(0, 1).to_pylist()[0])
    if header["reject_reason"]:
        return header, None, None
    keyed = key_of(header["app"], header["message"])
    return header, keyed.kind, keyed.params.split(" ") if keyed.params else []


def _rejected(line: str, header: dict[str, Any], *, json: bool) -> None:
    if json:
        emit_json({"line": line, "status": "reject", "reason": header["reject_reason"], "detail": header["message"]})
    else:
        out(f"no event: {header['reject_reason']} ({header['message']})")


def _document(header: dict[str, Any], params: list[str] | None, found: "Why") -> dict[str, Any]:
    from dataclasses import asdict

    attrs = header.get("attrs")
    parsed = {**header, "attrs": dict(attrs) if attrs else None} if header else None
    return {"status": "ok", "parsed": parsed, "params": params, **asdict(found)}


def _show(header: dict[str, Any], params: list[str] | None, found: "Why") -> None:
    """Print what was found, from the line to the label, and then the reasons."""
    for name, text in _line(header):
        _field(name, text)
    _field("kind", f"{found.kind.key}{f' of {found.kind.app}' if found.kind.app else ''}")
    _field("template", found.template)
    if params:
        _field("holes", "  ".join(params))
    if found.known:
        _field("example", found.known.example)
    out()
    by = f"by {found.decided_by}" if found.decided_by != "none" else "no stage is sure enough"
    _field("label", f"{found.label}  {found.confidence:.2f}  {by}")
    _field("", found.definition)
    out()
    for name, text in _stages(found):
        _field(name, text)
    if found.cascade:
        _cascade(found.cascade)
    if found.scores:
        out()
        columns = [Column("score", right=True), Column("label"), Column("what it means", wide=True)]
        table(columns, [(f"{s.probability:.2f}", s.label, s.definition) for s in found.scores])
    if found.nearest:
        out()
        columns = [Column("cosine", right=True), Column("label"), Column("program"), Column("labelled kind", wide=True)]
        table(columns, [(f"{n.cosine:.2f}", n.label, n.program, n.template) for n in found.nearest])
    if found.cascade:
        out()
        for said in found.cascade.stages:
            _field(said.stage, f"{said.model}{': ' if said.card else ''}{said.card}")


def _cascade(asked: "Stages") -> None:
    """Print what each stage says, what it would need to answer alone, and the words that weigh."""
    out()
    _field("tier", f"{asked.tier}: the {asked.depth} right in {asked.p:.0%}; {_promise(asked)}")
    columns = [
        Column("stage", style="bold"), Column("says"), Column("probability", right=True),
        Column("exit score", right=True), Column("needed", right=True), Column("so", wide=True),
    ]  # fmt: skip
    table(columns, [_row(said, asked) for said in asked.stages])
    out()
    told = asked.verdict
    by = f"by {told.stage}" if told.stage != "none" else "no stage is sure enough"
    unless = ", unless the server says otherwise" if asked.to_server else ""
    _field("cascade", f"{told.label}  {told.confidence:.2f}  {by}{unless}")
    for name, why in asked.left_out.items():
        _field(name, f"left out: {why}")
    if asked.evidence:
        words = "  ".join(f"{one.word} ({one.without:.2f} without)" for one in asked.evidence)
        _field("evidence", f"for {asked.weighed_by}: {words}")


def _promise(asked: "Stages") -> str:
    certs = {said.cert_id for said in asked.stages if said.cert_id}
    return f"certified by {', '.join(sorted(certs))}" if certs else "uncertified, so that is hoped and not promised"


def _row(said: "Said", asked: "Stages") -> tuple[str, str, str, str, str, str]:
    by_domain = asked.depth == "domain"
    says = said.domain if by_domain else said.label
    p = said.domain_probability if by_domain else said.probability
    needed = "" if said.needed is None else f"{said.needed:.2f}"
    return said.stage, says, f"{p:.2f}", f"{said.score:.2f}", needed, _so(said, asked)


def _so(said: "Said", asked: "Stages") -> str:
    """Tell what comes of a stage's answer."""
    enough = said.needed is not None and said.score >= said.needed
    if said.answers:
        return f"answers ({said.cert_id or 'uncertified'})"
    if not said.reached:
        return "would answer too" if enough else "not asked"
    if said.stage == asked.weighed_by:
        return _end(said, asked)
    return "never answers alone" if said.needed is None else "leaves it to the next"


def _end(said: "Said", asked: "Stages") -> str:
    """Tell what comes of a kind that no stage answers alone, at the last one asked."""
    if asked.to_server:
        return "leaves it to the server"
    thrifty = said.passes is not None and said.score < said.passes
    why = f"below {said.passes:.2f} a thrifty tier asks nobody dearer" if thrifty else "the last"
    if asked.abstains:
        return f"{why}: without a certificate the route abstains"
    return f"{why}: {'reaches' if said.score >= asked.floor else 'is below'} the floor of {asked.floor:.2f}"


def _field(name: str, text: str) -> None:
    """Print a named text; on a terminal it is wrapped beside its name."""
    room = max(20, width() - _WIDTH) if sys.stdout.isatty() else len(text) + 1
    for i, line in enumerate(wrap(clean(text), room) or [""] * bool(name)):
        out(f"{'' if i else name:<{_WIDTH}}{line}".rstrip())


def _line(header: dict[str, Any]) -> list[tuple[str, str]]:
    """Tell what the header said."""
    if not header:
        return []
    from schemas.taxonomy import SEVERITIES

    told = [header["format"], f"{cell(header['ts'])} ({header['ts_quality']})"]
    told += [f"{name} {header[name]}" for name in ("host", "app", "procid", "msgid") if header[name] is not None]
    if header["severity"] is not None:
        told.append(f"severity {SEVERITIES[header['severity']]}")
    issues = [("issues", ", ".join(header["issues"]))] if header["issues"] else []
    return [("message", header["message"]), ("header", ", ".join(told)), *issues]


def _stages(found: "Why") -> list[tuple[str, str]]:
    """Tell what each stage said, in the order in which they count."""
    rule, known, tiny = found.rule, found.known, found.tiny
    by_person = known is not None and known.stage == "person"
    of_template = f"{found.person}, of another kind of its template" if found.person else "said nothing"
    rows = [("person", known.label if known and by_person else of_template)]
    if rule:
        rows.append(("rule", f"{rule.label}  {rule.name!r} matches /{rule.match}/ ({rule.file}:{rule.line})"))
    else:
        rows.append(("rule", "no rules given" if found.rules is None else f"none of {found.rules} matches"))
    if known and not by_person:
        settled = "settled" if known.settled else "provisional"
        told = f"{known.label}  {known.confidence:.2f}  by {known.stage} ({known.model}), {settled}"
        rows += [
            ("registry", told),
            ("", f"first seen {cell(known.first_seen)} in {known.source}@{known.source_offset}"),
        ]
    elif not known:
        fits = found.fits
        told = f"; its template has {fits.label}  {fits.confidence:.2f}  by {fits.stage}" if fits else ""
        rows.append(("registry", f"does not know this kind{told}"))
    if tiny is None:
        rows.append(("tiny", "not asked: the template holds no constant word"))
    else:
        enough = "reaches" if tiny.confidence >= found.floor else "is below"
        rows.append(
            ("tiny", f"{tiny.label}  {tiny.confidence:.2f} {enough} the floor of {found.floor:.2f} ({tiny.model})")
        )
    return rows
