"""`dioptre rejects`: the positions that hold no event, why, and their bytes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import ASK, JsonOption, LakeOption, command, group, settings
from pipeline.cli.errors import CommandError
from pipeline.cli.naming import sources_of
from pipeline.cli.output import Column, emit_json, hint, out, table

if TYPE_CHECKING:
    from pipeline.config import Config

rejects = group(
    "rejects",
    "Look at what was read and holds no event.",
    panel=ASK,
    examples=("dioptre rejects list --lake lake", "dioptre rejects list --lake lake --reason empty --json"),
)


@command(
    rejects, "list",
    examples=(
        "dioptre rejects list --lake lake                # newest first",
        "dioptre rejects list --lake lake --reason empty # of this reason",
        "dioptre rejects list --lake lake --json",
    ),
)  # fmt: skip
def list_(
    lake: LakeOption = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="WORD", help="Only of this reason.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", help="So many at most; 0: all. [40]", min=0)] = 40,
    json: JsonOption = False,
) -> None:
    """List rejected positions, each with its reason and the beginning of its bytes; the reasons are counted below."""
    config = settings({"lake.path": lake})
    counts = {row["reason"]: row["n"] for row in _asked(config, _COUNTS)}
    _known(reason)
    where = f" WHERE reason = '{reason}'" if reason else ""
    found = _asked(
        config, f"{_ROWS}{where} ORDER BY observed_ts DESC, source, source_offset" + (f" LIMIT {limit}" * bool(limit))
    )
    if json:
        emit_json({"reasons": counts, "rejects": found})
        return
    columns = [
        Column("reason", style="yellow"), Column("at", right=True), Column("source", style="dim"), Column("received"),
        Column("bytes", wide=True),
    ]  # fmt: skip
    rows = ([r["reason"], r["source_offset"], r["source"], r["observed_ts"], _start(r["raw"])] for r in found)
    if found:
        table(columns, rows)
    out(", ".join(f"{n:,} {word}" for word, n in counts.items()) or "no rejects")
    if found:
        hint(f"all of one: dioptre rejects show {found[0]['source']} {found[0]['source_offset']}")


@command(
    rejects, "show",
    examples=(
        "dioptre rejects show logs/odd.log 0 --lake lake",
        "dioptre rejects show logs/odd.log 0 --lake lake --json",
    ),
)  # fmt: skip
def show(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, or a source as `rejects list` shows it.")],
    position: Annotated[int, typer.Argument(metavar="POSITION", help="The position in it.", min=0)],
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Show one rejected position whole: why, when, and its bytes with escapes."""
    from connectors.lake import Lake

    config = settings({"lake.path": lake})
    meant = sources_of(Lake.open(config.settings.lake.path), source)
    found = _asked(config, _ROWS + _ONE, {"sources": meant, "position": position})
    if not found:
        raise CommandError(
            f"{source} {position}: no reject there", "`dioptre rejects list` shows them", code="not_found"
        )
    if json:
        emit_json(found[0])
        return
    for name, value in found[0].items():
        text = _bytes(value) if name == "raw" else value
        out(f"{name.replace('_', ' '):<14}{text}")


_ROWS = "SELECT * FROM (SELECT source, source_offset, observed_ts, reject_reason AS reason, raw FROM rejects)"
_COUNTS = "SELECT reject_reason AS reason, count(*) AS n FROM rejects GROUP BY 1 ORDER BY 2 DESC"


_ONE = " WHERE list_contains($sources, source) AND source_offset = $position"


def _asked(config: "Config", query: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    from pipeline.cli.asking import answer

    return list(answer(config, query, parameters).to_pylist())


def _known(reason: str | None) -> None:
    from schemas.events import REJECTS

    if reason is not None and reason not in REJECTS:
        raise CommandError(f"{reason!r}: no such reason", f"known: {', '.join(REJECTS)}")


def _start(raw: bytes | None) -> str:
    return _bytes((raw or b"")[:200])


def _bytes(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "backslashreplace")
