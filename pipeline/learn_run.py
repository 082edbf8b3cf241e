"""A learner with the packaged models: made late, as they take a second to load."""

from functools import cache
from typing import TYPE_CHECKING

from connectors.lake import Lake
from pipeline.job import Job
from pipeline.learn import Learner

if TYPE_CHECKING:
    from classifiers.encoder import Encoder
    from pipeline.learn_models import Models


def learner_of(lake: Lake, job: Job) -> Learner:
    """Make the learner of a job: with its inline model and its floor."""
    return Learner(lake, _encoder, lambda: _models(job))


@cache
def _encoder() -> "Encoder":
    from classifiers.encoder import Encoder

    return Encoder.load()


def _models(job: Job) -> "Models":
    from pipeline.learn_models import Models

    return Models.load(_encoder(), job.model, job.floor)
