"""Signals of a job without end: the first asks it to drain, the second ends it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType


@dataclass
class Asked:
    """Whether somebody asked to stop, and by which signal."""

    stop: threading.Event = field(default_factory=threading.Event)
    by: int | None = None


@contextmanager
def draining() -> Iterator[Asked]:
    """Give what SIGTERM and SIGINT set while the block runs; a second one raises KeyboardInterrupt.

    Outside the main thread nothing is ever set.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, _: FrameType | None) -> None:
        if asked.stop.is_set():
            raise KeyboardInterrupt
        asked.by = number
        asked.stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
