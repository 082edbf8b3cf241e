"""What each stage of the cascade says of a kind, and whether it may answer alone: for which tier, by which promise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from classifiers.card import MODELS, ModelError, read_card
from classifiers.evidence import Weighty, weighty
from classifiers.exits import DOMAINS, LEAVES, domains
from classifiers.opinions import NONE, Judge, Opinion, domain_name, spread
from classifiers.plan import Plan
from classifiers.stage import Model
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.learn_models import Models
from pipeline.learn_run import plan_for
from schemas.policy import DOMAIN, LEAF, Exits, Policy
from schemas.registry import Kind


@dataclass(frozen=True)
class Said:
    """What a stage says.

    Attributes:
        probability, domain_probability: the model's own. score: how sure the stage is to be right at the tier's depth.
        needed: of the score, to answer alone; None: it never does. answers: it does, and the cascade ends here.
        cert_id: the certificate under which it would; None: uncertified. card: what its card tells, in a line.
    """

    stage: str
    model: str
    label: str
    probability: float
    domain: str
    domain_probability: float
    score: float
    needed: float | None
    answers: bool
    cert_id: str | None
    card: str


@dataclass(frozen=True)
class Asked:
    """All stages, in order of cost.

    Attributes:
        tier, depth, p: what the kind's route wants. floor: what the last stage must reach.
        left_out: stages that are not asked, and why.
        evidence: words of the template that weigh most for the first stage's answer.
    """

    tier: str
    depth: str
    p: float
    floor: float
    stages: Sequence[Said]
    left_out: dict[str, str]
    evidence: Sequence[Weighty]


def asked(kind: Kind, job: Job) -> Asked:
    """Ask every model about a kind, those too that the cascade would not reach. A server is never asked.

    Raises:
        ModelError: a model is missing or damaged.
    """
    plan = plan_for(job)
    judge = Judge(plan.stages, plan.score, plan.near)
    policy, seen = _policy(plan, job), judge.seen([kind])
    before, exits, open_, out = None, None, True, []
    for stage in plan.stages:
        found = judge.opinion(stage, [kind], seen, before)
        before = found.answer if stage.name in judge.scored else before
        exits = exits or policy.exits(kind.app, domain_name(int(found.answer[DOMAIN][0])), kind.key)
        out.append(_said(stage, kind, found, exits, open_))
        open_ = open_ and not out[-1].answers
    assert exits is not None
    first = plan.stages[0]
    left_out = plan.left_out | ({"remote": "explain asks no server"} if job.remote.url else {})
    evidence = weighty(first, kind, out[0].label)
    floor = plan.floor if job.floor is None else job.floor
    return Asked(exits.tier.name, exits.tier.depth, exits.tier.p, floor, out, left_out, evidence)


def _policy(plan: Plan, job: Job) -> Policy:
    """The policy that holds: that of the lake, else what ships without certificates."""
    models = Models(plan.stages, plan.floor, plan.score, plan.near)
    if job.lake is None:
        return replace(job.precision.policy(), tuned=models.tuned, passes=models.passes)
    from pipeline.policy import policy_of

    found = policy_of(Lake.open(job.lake), job.precision, plan.models(), models.tuned)
    return replace(found, passes=models.passes)


def _said(stage: Model, kind: Kind, found: Opinion, exits: Exits, open_: bool) -> Said:
    p = spread(stage, [kind])
    leaf, domain = int(found.answer[LEAF][0]), int(found.answer[DOMAIN][0])
    score, needed = float(found.q[exits.tier.depth][0]), exits.thresholds.get(stage.name)
    return Said(
        stage.name, stage.model, LEAVES[leaf] if leaf != NONE else "unknown", round(float(p[0].max()), 4),
        DOMAINS[domain] if domain != NONE else "", round(float(domains(p)[0].max()), 4), score, needed,
        open_ and needed is not None and score >= needed, exits.cert_id, card_line(stage.name),
    )  # fmt: skip


def card_line(name: str) -> str:
    """Tell a packaged model's card in a line; "" if there is none."""
    try:
        card: dict[str, Any] = read_card(MODELS / name)
    except ModelError:
        return ""
    training, scores = card.get("training") or {}, card.get("scores_unseen_programs") or {}
    told = [str(card.get("what", ""))]
    if training.get("kinds"):
        told.append(f"trained on {training['kinds']:,} kinds of {training.get('programs', 0):,} programs")
    if scores.get("leaf_macro_f1"):
        told.append(f"macro-F1 {scores['leaf_macro_f1']:.2f} over leaves on programs never met")
    return "; ".join(part for part in told if part)
