"""Signals of a job without end: the first asks it to drain, the second ends it at once."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

ONE_REQUEST_S = 0.5
"""Signals so close together are one request: `timeout` and some shells signal a process, and then its group."""


@dataclass
class Asked:
    """Whether somebody asked to stop, by which signal, and when."""

    stop: threading.Event = field(default_factory=threading.Event)
    by: int | None = None
    at: float = 0.0


@contextmanager
def draining(clock: Callable[[], float] = time.monotonic) -> Iterator[Asked]:
    """Give what SIGTERM and SIGINT set while the block runs; a second one raises KeyboardInterrupt.

    Outside the main thread nothing is ever set.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, _: FrameType | None) -> None:
        if not asked.stop.is_set():
            asked.by, asked.at = number, clock()
            asked.stop.set()
        elif clock() - asked.at > ONE_REQUEST_S:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
