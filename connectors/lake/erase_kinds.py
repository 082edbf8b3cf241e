"""Erasure in what is known of kinds: an example or a template that says what is to be erased says nothing any more."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.lake import commit
from connectors.lake.kinds import novel_name, read_novel, read_registry, registry_bytes
from connectors.lake.layout import NOVEL, REGISTRY, TornError
from connectors.lake.store import Lake
from schemas.registry import KINDS

if TYPE_CHECKING:
    import duckdb

BLANK = "<erased>"
"""Stands for an example or a template."""


def spoken(con: "duckdb.DuckDBPyConnection", lake: Lake, where: str) -> dict[str, tuple[bool, bool]]:
    """Find the kinds that say what is to be erased: key -> whether the example does, whether the template does.

    An example does if its own record is gone, or if it fulfils the condition as the message of an event of its kind; a
    template if it does so, or its merged text.
    """
    con.register("all_kinds", pa.concat_tables([KINDS.empty_table(), *(table for _, table in _tables(lake))]))
    pseudo = """
      SELECT no_rows.* REPLACE (k.{text} AS message, k.app AS app, k.key AS key, k.template_id AS template_id,
          k.label AS label_at_ingest, k.source AS source, k.source_offset AS source_offset, k.first_seen AS ts),
        k.label AS label, k.template AS template
      FROM all_kinds AS k LEFT JOIN no_rows ON false"""
    own = "SELECT key FROM all_kinds AS e JOIN gone AS g USING (source, source_offset)"
    said = {
        text: {
            key for (key,) in con.execute(f"SELECT key FROM ({pseudo.format(text=text)}) WHERE ({where}\n)").fetchall()
        }
        for text in ("example", "template", "merged_text")
    }
    said["template"] |= said["merged_text"]
    said["example"] |= {key for (key,) in con.execute(own).fetchall()}
    return {key: (True, key in said["template"]) for key in sorted(said["example"] | said["template"])}


def erase(lake: Lake, found: dict[str, tuple[bool, bool]]) -> None:
    """Write novel and registry files anew, in which a kind that was found stands; durable on return.

    A file of novel/ is named by its bytes, so it gets a new name. Last, the kinds are published once more, so that
    whoever remembers the old ones takes over the new.
    """
    if not found:
        return
    for path, table in _tables(lake):
        blank = _blanked(table, found)
        if not blank.equals(table):
            _write(lake.root, path, blank)
    known = _blanked(lake.kinds(), found)
    lake.publish(known.filter(pc.is_in(known["key"], value_set=pa.array(list(found), pa.string()))))


def _tables(lake: Lake) -> Iterator[tuple[Path, pa.Table]]:
    """Read all files that tell of kinds, but for torn ones."""
    for folder, read in ((NOVEL, read_novel), (REGISTRY, read_registry)):
        for path in sorted((lake.root / folder).iterdir()):
            with contextlib.suppress(TornError):
                yield path, read(path)


def _blanked(table: pa.Table, found: dict[str, tuple[bool, bool]]) -> pa.Table:
    """Blank what a table says."""
    for number, column in ((0, "example"), (1, "template"), (1, "merged_text")):
        keys = pa.array([key for key, which in found.items() if which[number]], pa.string())
        said = pc.and_(pc.is_in(table["key"], value_set=keys), table[column].is_valid())
        told = pc.if_else(said, BLANK, table[column])
        at = table.schema.get_field_index(column)
        table = table.set_column(at, table.schema.field(at), told)
    return table


def _write(root: Path, path: Path, table: pa.Table) -> None:
    if path.parent.name == REGISTRY:
        commit.replace(root, registry_bytes(table), path)
        return
    sink: Any = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, KINDS) as out:
        out.write_table(table.cast(KINDS))
    data = sink.getvalue().to_pybytes()
    commit.create(root, data, path.with_name(novel_name(data)))
    with commit.told(path, "remove"):
        path.unlink(missing_ok=True)
        commit.sync_folder(path.parent)
