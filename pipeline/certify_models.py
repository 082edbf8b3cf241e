"""The models that are certified: all stages of the cascade as it is configured, and what names them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.certify import Asks

if TYPE_CHECKING:
    from classifiers.plan import Plan
    from pipeline.config import Config


def plan(config: "Config") -> "Plan":
    """Plan the cascade of a configuration; nothing dear is loaded. A server that is asked last is no part of it."""
    from pipeline.learn_run import plan_for

    return plan_for(config.job())


def asks_of(config: "Config") -> Asks:
    """Make what asks all stages; they are loaded when first asked.

    Raises:
        ModelError: one is missing or damaged.
    """
    from classifiers.cascade import Cascade

    made = plan(config)
    cascade = Cascade(made.stages, 0.0, made.score, made.near)
    score = made.score
    return Asks(cascade, made.models(), score.offsets if score else {}, score.gaps if score else {})


def frozen_of(config: "Config") -> Mapping[str, str]:
    """Name what verdicts depend on today; a certificate of anything else is void."""
    return plan(config).models()
