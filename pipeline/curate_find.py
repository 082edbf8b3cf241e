"""Which kinds are meant by what people type: a template's id of today or before, a key, or the beginning of one."""

import difflib
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.lake import Lake

Row = dict[str, Any]
"""A row of KINDS."""

_HEX = frozenset("0123456789abcdef")
_LEAST = 4
"""Digits of an id that have to be told."""


class CurateError(ValueError):
    """What people asked for cannot be done. One line: what, where, and what would be right."""


def keys_of(lake: Lake, kinds: pa.Table, told: str) -> list[str]:
    """Find all keys of the template that is meant.

    Args:
        told: id of a template as it is today; a key, or an id that a template had before, both of which mean the
            template of today; the beginning of one; or words of the template.

    Raises:
        CurateError: nothing fits, or several templates do.
    """
    meant = templates_meant(lake, kinds, told)
    if len(meant) > 1:
        shown = ", ".join(meant[:5])
        raise CurateError(f"{told}: {len(meant)} templates fit: {shown}; give the whole id of one")
    if not meant:
        raise CurateError(_unknown(kinds, told))
    return list(kinds.filter(pc.equal(kinds["template_id"], meant[0]))["key"].to_pylist())


def templates_meant(lake: Lake, kinds: pa.Table, told: str) -> list[str]:
    """Give the ids of the templates of today that something typed may mean, in order."""
    text = told.strip().lower()
    if len(text) >= _LEAST and set(text) <= _HEX:
        for column in ("template_id", "key"):
            found = _ids(kinds.filter(pc.starts_with(kinds[column], text)))
            if found:
                return found
        rows = lake.history()
        keys = rows.filter(pc.starts_with(rows["template_id"], text))["key"]
        return _ids(kinds.filter(pc.is_in(kinds["key"], value_set=keys.combine_chunks())))
    texts = pc.utf8_lower(pc.coalesce(kinds["merged_text"], kinds["template"]))
    return _ids(kinds.filter(pc.match_substring(texts, text))) if text else []


def _ids(kinds: pa.Table) -> list[str]:
    return sorted(kinds["template_id"].unique().to_pylist())


def _unknown(kinds: pa.Table, told: str) -> str:
    near = difflib.get_close_matches(told.lower(), _ids(kinds)[:50_000], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "`dioptre templates list` shows what there is"
    return f"{told}: no such template in this lake; {hint}"
