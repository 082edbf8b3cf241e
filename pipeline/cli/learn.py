"""`dioptre learn`: settle the kinds that a lake has met since."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from pipeline.cli.app import LABEL, DryRunOption, JsonOption, LakeOption, app, command, settings
from pipeline.cli.keeping import refresh
from pipeline.cli.output import emit_json, hint, out, plural

if TYPE_CHECKING:
    from classifiers.ledger import Meter
    from pipeline.learn import Learned


@command(
    app, "learn", panel=LABEL,
    examples=(
        "dioptre learn --lake lake           # merge, cluster and label what is new",
        "dioptre learn --lake lake --dry-run # say what would be settled",
        "dioptre learn --lake lake --all     # learn anew; what people and rules said stays",
    ),
)  # fmt: skip
def learn(
    lake: LakeOption = None,
    all_: Annotated[bool, typer.Option("--all", help="Learn all kinds anew, settled ones too.")] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Settle new kinds: merge them into templates, cluster these, label each cluster once.

    A kind that fits a known template, or is near to a labelled cluster, takes over its label without a call. Of a new
    cluster a few members go through tiny and large; if they agree, the others take the label. What people and rules
    said stays. `dioptre stream` does this by itself.
    """
    from connectors.lake import Lake
    from pipeline.learn import Learner
    from pipeline.learn_run import learner_of
    from schemas.ledger import LEARN

    config = settings({"lake.path": lake})
    opened = Lake.open(config.settings.lake.path)
    learner: Learner = learner_of(opened, config.job())
    began, meter = time.monotonic(), _meter()
    passes = [learner.once(again=all_, dry=dry_run)]
    while passes[-1].left and not dry_run and not all_:
        passes.append(learner.once())
    told = total(passes) | {"cpu_seconds": round(meter.settle(LEARN), 2)}
    if not dry_run and told["published"]:
        run = f"learn-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
        opened.record_run({"run_id": run, "command": "learn", **told})
        coefficients = config.settings.ledger.coefficients()
        opened.note_ledger(meter.table(run, coefficients), coefficients)
        refresh(opened.root)
    if json:
        emit_json({"lake": str(opened.root), "dry_run": dry_run, **told})
        return
    _tell(told, dry_run, time.monotonic() - began)


def _meter() -> "Meter":
    from classifiers.ledger import METER

    METER.begin()
    return METER


def total(passes: "list[Learned]") -> dict[str, Any]:
    """Add passes up; what is a state is the last one's."""
    out: dict[str, Any] = asdict(passes[-1])
    for name in ("fitted", "vectors", "inherited", "clusters", "split", "published"):
        out[name] = sum(getattr(one, name) for one in passes)
    for name in ("calls", "settled"):
        counts: dict[str, int] = {}
        for one in passes:
            for stage, n in getattr(one, name).items():
                counts[stage] = counts.get(stage, 0) + n
        out[name] = dict(sorted(counts.items()))
    return out | {"fresh": passes[0].fresh, "turned": passes[0].turned, "passes": len(passes)}


def _tell(told: dict[str, Any], dry_run: bool, seconds: float) -> None:
    """Tell people what was learnt."""
    if told["turned"]:
        out("another policy holds than the one that kinds were decided under: all are decided anew")
    if not told["fresh"]:
        out("nothing new to learn")
        return
    would = "would be " if dry_run else ""
    out(f"{plural(told['fresh'], 'new kind')} of {told['kinds']:,}: {plural(told['templates'], 'template')} in all")
    out(f"{told['fitted']:,} {would}settled by their template, {plural(told['clusters'], 'cluster')} formed, "
        f"{told['split']:,} split")  # fmt: skip
    settled = ", ".join(f"{stage} {n:,}" for stage, n in told["settled"].items())
    out(f"templates {would}settled by: {settled or 'none'}")
    calls = ", ".join(f"{stage} {n:,}" for stage, n in told["calls"].items())
    out(f"calls: {calls or 'none'}; {told['vectors']:,} vectors; {seconds:.1f} s, {told['cpu_seconds']:.1f} CPU-s")
    if told["waiting"]:
        hint(f"the server of [remote] did not answer: {plural(told['waiting'], 'template')} will be asked about again")
    if told["left"]:
        hint(f"{plural(told['left'], 'template')} left for the next pass")
