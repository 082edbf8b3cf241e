"""A learner with the models of a job: made late, as they take a second to load, and let go of when idle."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.lake import Lake
from connectors.privacy import NAMES, Masks
from pipeline.job import Job
from pipeline.learn import Learner
from pipeline.learn_vectors import Encodes
from schemas.policy import Policy
from schemas.registry import Kind

if TYPE_CHECKING:
    from classifiers.neighbours import Neighbours
    from classifiers.plan import Plan
    from classifiers.remote import Remote
    from classifiers.serving import Lazy
    from classifiers.stage import Stage
    from pipeline.learn_models import Models, Tuned


def learner_of(lake: Lake, job: Job) -> Learner:
    """Make the learner of a job: with its models, its floor, its policy, and whom it may ask beyond."""
    from pipeline.policy import Dial

    dial = Dial(lake, job.precision, lambda: plan_for(job).models())
    return Learner(lake, lambda: None if job.edge else _encoder(), lambda: models_of(lake, job), dial=dial)


def plan_for(job: Job) -> "Plan":
    """Plan the cascade of a job; nothing dear is loaded.

    Raises:
        ModelError: a model is missing or damaged.
    """
    from classifiers.plan import plan_of

    return plan_of(job.model, job.large, edge=job.edge)


def models_of(lake: Lake | None, job: Job) -> "Models":
    """Put the stages of a job together, with the policy that holds in its lake each time they are asked.

    Raises:
        ModelError: a model is missing or damaged.
    """
    from pipeline.learn_models import Models

    plan = plan_for(job)
    floor = plan.floor if job.floor is None else job.floor
    stages: list[Stage] = [*plan.stages]
    if job.remote.url:
        stages.append(remote_of(job))
    policy = _policy(lake, job, plan) if lake is not None else None
    return Models(stages, floor, plan.score, plan.near, policy=policy, left_out=plan.left_out)


def remote_of(job: Job) -> "Remote":
    """Make the stage that asks a server: it sees text masked by every mask, whatever `[privacy]` says."""
    from classifiers.remote import Limits, Remote
    from classifiers.remote_http import Server

    said = job.remote
    limits = Limits(said.calls_per_hour, said.money_per_hour, 4, said.pass_s, said.price_in, said.price_out)
    server = Server(said.url, said.key or "", said.timeout_s, said.ca_file)
    examples = Examples(job, said.examples) if said.examples else None
    return Remote(server, said.model, limits, mask=Masked(job.masks.patterns), examples=examples)


class Masked:
    """Masks a text with every mask, and the operator's patterns."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._masks = Masks(NAMES, patterns)

    def __call__(self, text: str) -> str:
        clean = text.encode("utf-8", "replace").decode("utf-8")
        masked: str = self._masks.column(pa.array([clean], pa.string()))[0].as_py()
        return masked


class Examples:
    """Gives the labelled kinds nearest to a kind, with their labels."""

    def __init__(self, job: Job, most: int) -> None:
        self._job, self._most = job, most
        self._near: Lazy[Neighbours] = _neighbours(job)

    def __call__(self, kind: Kind) -> list[tuple[Kind, str]]:
        found = self._near.get().nearest([kind], self._most)[0]
        return [(Kind("", one.program, one.template), one.label) for one in found]


def _neighbours(job: Job) -> "Lazy[Neighbours]":
    from functools import partial

    from classifiers.neighbours import Neighbours
    from classifiers.serving import Lazy

    return Lazy(partial(Neighbours.load, job.model))


def _policy(lake: Lake, job: Job, plan: "Plan") -> Callable[["Tuned"], Policy]:
    from pipeline.policy import policy_of

    frozen = plan.models()
    return lambda tuned: policy_of(lake, job.precision, frozen, tuned)


def _encoder() -> Encodes:
    from classifiers.plan import packaged_encoder

    return packaged_encoder()
