"""How long the stages of this process have taken, for the metrics."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS: defaultdict[str, float] = defaultdict(float)
"""Stage -> seconds since the process began, threads added up."""


@contextmanager
def by(stage: str) -> Iterator[None]:
    """Add the time of the block to a stage."""
    began = time.perf_counter()
    try:
        yield
    finally:
        SECONDS[stage] += time.perf_counter() - began
