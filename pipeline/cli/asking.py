"""Asks a lake through its catalog, within the bounds of `[sql]`: where the command line meets connectors.catalog."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.catalog import Session
    from pipeline.config import Config

T = TypeVar("T")


def session(config: "Config") -> "Session":
    """Open a session on the lake of a configuration; it is to be closed.

    Raises:
        LakeError: there is no lake.
        CatalogError: the catalog can neither be written nor made.
    """
    from connectors.catalog import Session
    from connectors.lake import Lake
    from pipeline.settings import cores

    bounds = config.settings.sql
    return Session(
        Lake.open(config.settings.lake.path),
        memory=f"{bounds.memory_mib}MiB",
        threads=bounds.threads or cores(),
        timeout_s=bounds.timeout_s,
    )


def answer(config: "Config", query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> "pa.Table":
    """Ask one question and close the session."""
    with session(config) as opened:
        return _stoppable(opened, lambda: opened.run(query, parameters))


def answers(opened: "Session", text: str, *, each: bool) -> "Iterator[pa.Table]":
    """Give the answers to statements: of `each`, or only the last; what answers nothing is left out."""
    results = opened.results(text) if each else iter([_stoppable(opened, lambda: opened.run(text))])
    while (found := _stoppable(opened, lambda: next(results, None))) is not None:
        if found.num_columns:
            yield found


def _stoppable(opened: "Session", work: Callable[[], T]) -> T:
    """Do work of a session so that Ctrl-C ends it: DuckDB leaves Python no moment to notice while it computes."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            opened._con.interrupt()
            raise
