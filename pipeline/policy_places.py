"""Which templates have lines from the hosts and facilities that routes name: a kind itself tells neither."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from connectors.lake import Lake
from pipeline.settings_precision import FACILITIES
from schemas.policy import Route

FRESH_S = 600.0
"""So long what was found is taken for true: the events are read through for it."""

Places = Mapping[str, tuple[tuple[str, str], ...]]
"""Key of a kind -> (host, facility) of lines of its template, those that a route names."""


def places_of(lake: Lake, routes: Sequence[Route], now: Callable[[], float] = time.monotonic) -> Places:
    """Find them; {} at no cost where no route names a host or a facility."""
    hosts = tuple(sorted({route.host for route in routes if route.host}))
    codes = tuple(sorted({FACILITIES.index(route.facility) for route in routes if route.facility}))
    return _found(lake, hosts, codes, int(now() // FRESH_S)) if hosts or codes else {}


@lru_cache(maxsize=4)
def _found(lake: Lake, hosts: tuple[str, ...], codes: tuple[int, ...], _: int) -> Places:
    from connectors.catalog import Session

    wanted = [*("host GLOB ?" for _ in hosts), *("facility = ?" for _ in codes)]
    query = f"SELECT DISTINCT template_id, host, facility FROM events WHERE {' OR '.join(wanted)}"
    with Session(lake) as asked:
        rows = asked.run(query, [*hosts, *codes]).to_pylist()
    by_template: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        place = (row["host"] or "", "" if row["facility"] is None else FACILITIES[row["facility"]])
        by_template.setdefault(row["template_id"], set()).add(place)
    kinds = lake.kinds()
    pairs = zip(kinds.column("key").to_pylist(), kinds.column("template_id").to_pylist(), strict=True)
    return {key: tuple(sorted(by_template[id_])) for key, id_ in pairs if id_ in by_template}
