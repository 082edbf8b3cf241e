"""What a pass of learning publishes: rows of the registry, for what is settled now or is of another template."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from clustering.templates import OTHER, Template
from pipeline.learn_labels import Labelled
from pipeline.learn_state import DEFERRED, FITS, State
from pipeline.resolving import inherited
from schemas.registry import KINDS, LEARN, Verdict


def rows_of(
    state: State, templates: list[Template], settled: Mapping[str, int], labelled: Mapping[str, Labelled]
) -> pa.Table:
    """Make the rows to publish: what is settled now, and settled kinds whose template is another, or says another."""
    chosen: list[int] = []
    said: list[tuple[Verdict, str | None, str | None]] = []
    for i, one in enumerate(templates):
        if one.text == OTHER or (
            state.done[i] and not state.moved(i, one) and not _outdated(state, i, settled.get(one.id, i))
        ):
            continue
        told = _said(state, i, one, settled, labelled)
        if told is not None and not (told[2] == DEFERRED and state.deferred(i) and _same(told[0], state.verdict(i))):
            chosen.append(i)
            said.append(told)
    rows = state.table.take(pa.array(chosen, pa.int64()))
    own = [templates[i] for i in chosen]
    texts = [None if one.text == state.kind(i).template else one.text for one, i in zip(own, chosen, strict=True)]
    columns: dict[str, list[Any]] = {
        "template_id": [one.id for one in own],
        "merged_text": texts,
        "cluster_id": [one[1] for one in said],
        "reason": [one[2] for one in said],
        "set_by": [LEARN] * len(said),
        **dict.fromkeys(("ordered", "muted", "spread"), [None] * len(said)),
        **{n: [getattr(one[0], n) for one in said] for n in ("label", "confidence", "stage", "model", "settled")},
        "cert_id": [one[0].cert_id for one in said],
    }
    return _with(rows, columns)


def _with(rows: pa.Table, columns: Mapping[str, list[Any]]) -> pa.Table:
    """Put values in the place of columns of the schema KINDS."""
    for name, values in columns.items():
        at = KINDS.get_field_index(name)
        rows = rows.set_column(at, KINDS.field(at), pa.array(values, KINDS.field(at).type))
    return rows


def _outdated(state: State, i: int, like: int) -> bool:
    """Tell whether a row says what does not hold of its template (any more): that has one label, save people's own."""
    if not state.heir(i):
        return not state.fixed(i) and state.label(i) != state.label(like)
    return not state.heir(like) and not _same(state.verdict(i), inherited(state.verdict(like)))


def _same(a: Verdict, b: Verdict) -> bool:
    return (a.label, a.stage) == (b.label, b.stage)


def _said(
    state: State, i: int, one: Template, settled: Mapping[str, int], labelled: Mapping[str, Labelled]
) -> tuple[Verdict, str | None, str | None] | None:
    """Give verdict, cluster and reason of a row; None: it waits."""
    like = settled.get(one.id, i)
    if state.done[i] and not (state.heir(i) and one.id in settled) and not _outdated(state, i, like):
        return state.verdict(i), state.cluster(i), "its template is another now"
    if one.id in settled:
        return inherited(state.verdict(like)), state.cluster(like), FITS
    if one.id in labelled:
        now = labelled[one.id]
        return now.verdict, now.cluster, now.reason
    return None
