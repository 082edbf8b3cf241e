"""Keeps the catalog of a lake fresh while a job fills it, so that people can ask meanwhile."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY_S = 10.0
"""Nobody waits longer than this for what was committed, unless a build takes more than SHARE of the time."""

SHARE = 0.01
"""A build takes some tenths of a second, more of a large lake."""


class Keeper:
    """Builds the catalog every few seconds if something was committed, in a thread; and once more by `finish`."""

    def __init__(self, lake: Path, every_s: float = EVERY_S) -> None:
        self._lake, self._every_s = lake, every_s
        self._committed, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def committed(self) -> None:
        """Tell that something is new."""
        self._committed.set()

    def finish(self) -> None:
        """Build the catalog of all that was committed.

        Raises:
            CatalogError, LakeError: it cannot be built.
        """
        self._end()
        refresh(self._lake)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        """Build now and then."""
        wait_s = self._every_s
        while not self._over.wait(wait_s):
            if not self._committed.is_set():
                continue
            self._committed.clear()
            began = time.thread_time()
            try:
                refresh(self._lake)
            except Exception:  # whatever it is, `finish` raises it if it is still so then; the job goes on meanwhile
                self._committed.set()
            wait_s = max(self._every_s, (time.thread_time() - began) / SHARE)


def refresh(lake: Path) -> None:
    """Build the catalog, unless it holds what the lake knows now.

    Raises:
        CatalogError, LakeError: it cannot be built.
    """
    from connectors.catalog import build, fresh
    from connectors.lake import Lake

    opened = Lake.open(lake)
    if not fresh(opened):
        build(opened)
