"""What each stage of the cascade says of a kind, and whether it may answer alone: for which tier, by which promise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from classifiers.card import MODELS, ModelError, read_card
from classifiers.cascade import Cascade
from classifiers.evidence import Weighty, weighty
from classifiers.exits import DOMAINS, LEAVES, domains
from classifiers.opinions import NONE, Judge, Opinion, domain_name, spread
from classifiers.plan import Plan
from classifiers.stage import Model, Stage
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.learn_models import Models
from pipeline.learn_run import plan_for
from schemas.policy import DOMAIN, LEAF, Exits, Policy
from schemas.registry import Kind, Verdict


@dataclass(frozen=True)
class Said:
    """What a stage says.

    Attributes:
        probability, domain_probability: the model's own. score: how sure the stage is to be right at the tier's depth.
        needed: of the score, to answer alone; None: it never does.
        passes: of the score, to pass the kind on, in a thrifty tier; None: it passes on whatever it does not answer.
        reached: the cascade asks it. answers: it answers alone, and the cascade ends here.
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
    passes: float | None
    reached: bool
    answers: bool
    cert_id: str | None
    card: str


@dataclass(frozen=True)
class Asked:
    """All stages, in order of cost.

    Attributes:
        tier, depth, p: what the kind's route wants. floor: what the last stage must reach.
        abstains: the route has no certificate, and then says `unknown`.
        verdict: what the cascade comes to; to_server: unless a server, which it asks at last, says otherwise.
        left_out: stages that are not asked, and why.
        evidence: words of the template that weigh most for the answer of the stage that decides, `weighed_by`.
    """

    tier: str
    depth: str
    p: float
    floor: float
    abstains: bool
    verdict: Verdict
    to_server: bool
    stages: Sequence[Said]
    left_out: dict[str, str]
    weighed_by: str
    evidence: Sequence[Weighty]


class _Server:
    """Stands where the cascade would ask a server, and says nothing."""

    name = "remote"

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        return [None] * len(kinds)


def asked(kind: Kind, job: Job) -> Asked:
    """Ask every model about a kind, those too that the cascade would not reach. A server is never asked.

    Raises:
        ModelError: a model is missing or damaged.
    """
    plan = plan_for(job)
    floor = plan.floor if job.floor is None else job.floor
    stages: list[Stage] = [*plan.stages, *([_Server()] if job.remote.url else [])]
    policy, cascade = _policy(plan, stages, job), Cascade(stages, floor, plan.score, plan.near)
    verdict, reached = cascade.classify([kind], policy)[0], {name for name, n in cascade.asked.items() if n}
    opinions = _opinions(plan, cascade.judge, kind)
    exits = policy.exits(kind.app, domain_name(int(opinions[0].answer[DOMAIN][0])), kind.key)
    out = [
        _said(stage, kind, found, exits, stage.name in reached, job)
        for stage, found in zip(plan.stages, opinions, strict=True)
    ]
    at = max(i for i, said in enumerate(out) if said.reached)
    last, label = plan.stages[at], opinions[at].verdict(0, exits.tier.depth, out[at].stage).label
    left_out = plan.left_out | ({"remote": "explain asks no server"} if job.remote.url else {})
    return Asked(
        exits.tier.name, exits.tier.depth, exits.tier.p, floor, exits.abstain, verdict, _Server.name in reached, out,
        left_out, last.name, weighty(last, kind, label),
    )  # fmt: skip


def _opinions(plan: Plan, judge: Judge, kind: Kind) -> list[Opinion]:
    """Give what each model thinks of a kind, none skipped."""
    seen, before, out = judge.seen([kind]), None, list[Opinion]()
    for stage in plan.stages:
        out.append(judge.opinion(stage, [kind], seen, before))
        before = out[-1].answer if stage.name in judge.scored else before
    return out


def _policy(plan: Plan, stages: Sequence[Stage], job: Job) -> Policy:
    """The policy that holds: that of the lake, else what ships without certificates."""
    models = Models(stages, plan.floor, plan.score, plan.near)
    if job.lake is None:
        return replace(job.precision.policy(), tuned=models.tuned, passes=models.passes)
    from pipeline.policy import policy_of

    found = policy_of(Lake.open(job.lake), job.precision, plan.models(), models.tuned)
    return replace(found, passes=models.passes)


def _said(stage: Model, kind: Kind, found: Opinion, exits: Exits, reached: bool, job: Job) -> Said:
    p = spread(stage, [kind])
    leaf, domain = int(found.answer[LEAF][0]), int(found.answer[DOMAIN][0])
    score, needed = float(found.q[exits.tier.depth][0]), exits.thresholds.get(stage.name)
    return Said(
        stage.name, stage.model, LEAVES[leaf] if leaf != NONE else "unknown", round(float(p[0].max()), 4),
        DOMAINS[domain] if domain != NONE else "", round(float(domains(p)[0].max()), 4), score, needed,
        exits.passes.get(stage.name), reached, reached and needed is not None and score >= needed, exits.cert_id,
        card_line(stage.name, job),
    )  # fmt: skip


def card_line(name: str, job: Job) -> str:
    """Tell the card of a stage's model, the job's own or the packaged one, in a line; "" if there is none."""
    if name == "large" and job.large:
        return f"the Hugging Face model {job.large}, without a card here"
    try:
        card: dict[str, Any] = read_card(job.model if name == "tiny" and job.model else MODELS / name)
    except ModelError:
        return ""
    training, scores = card.get("training") or {}, card.get("scores_unseen_programs") or {}
    told = [str(card.get("what", ""))]
    if training.get("kinds"):
        told.append(f"trained on {training['kinds']:,} kinds of {training.get('programs', 0):,} programs")
    if scores.get("leaf_macro_f1"):
        told.append(f"macro-F1 {scores['leaf_macro_f1']:.2f} over leaves on programs never met")
    return "; ".join(part for part in told if part)
