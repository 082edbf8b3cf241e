"""Signals of a long job: SIGTERM asks to stop after the segments at hand; helpers are started deaf to both."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_sigterm() -> Iterator[threading.Event]:
    """Give an event that SIGTERM sets while the block runs; outside the main thread nothing is ever set."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(_: int, __: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


def start_forkserver(preload: Sequence[str]) -> None:
    """Start the process that workers are forked from, deaf to SIGTERM and SIGINT.

    A signal to the whole group must not kill it, or its children, before they can finish their segments. It imports
    the modules while this process goes on.
    """
    from multiprocessing import forkserver, get_context

    get_context("forkserver").set_forkserver_preload(list(preload))
    if threading.current_thread() is not threading.main_thread():
        return
    before = {which: signal.signal(which, signal.SIG_IGN) for which in (signal.SIGTERM, signal.SIGINT)}
    try:
        forkserver.ensure_running()
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
