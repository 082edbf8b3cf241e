"""catalog.duckdb: views, macros and small tables over a lake. A cache: built beside, renamed over, never missed."""

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from connectors.catalog import ddl
from connectors.catalog.certificates import make_certificates
from connectors.catalog.errors import one_line
from connectors.catalog.ledger import make_ledger
from connectors.lake import Lake, commit
from connectors.lake.certificates import Certificates
from connectors.lake.layout import LANDING, STAGING, is_source
from schemas.taxonomy import taxonomy

CATALOG = "catalog.duckdb"
_VERSION = 6
"""Of the catalog's content: one more whenever the SQL changes, so that older files are built anew."""
_STORAGE = "v1.0.0"
"""A file of this storage version is read by DuckDB 1.1 and all later ones."""

_KINDS = """
CREATE TABLE kinds AS
SELECT
  k.* EXCLUDE (source, source_offset, merged_text, ordered, spread)
    REPLACE (coalesce(k.merged_text, k.template) AS template, coalesce(k.muted, false) AS muted),
  k.template AS key_template,
  coalesce(l.domain, split_part(k.label, '.', 1)) AS domain,
  l.severity_hint,
  row_number() OVER (PARTITION BY k.template_id ORDER BY k.stage = 'person' DESC, k.first_seen, k.key) = 1 AS leads,
  count(*) OVER (PARTITION BY k.template_id) AS keys,
  k.source, k.source_offset
FROM given_kinds AS k LEFT JOIN labels AS l USING (label)
ORDER BY k.key;

CREATE TABLE template_ids AS
SELECT old, new FROM (
  SELECT h.template_id AS old, k.template_id AS new FROM given_history AS h JOIN kinds AS k USING (key)
  UNION SELECT key, template_id FROM kinds
  UNION SELECT template_id, template_id FROM kinds
)
ORDER BY old, new;

CREATE TABLE registry_rows AS
SELECT key, _rank AS sequence, set_at, label, confidence, stage, model, set_by, reason
FROM given_history
WHERE key IN (SELECT key FROM given_history WHERE _rank > 0)
ORDER BY sequence, key;

CREATE TABLE kinds_in_one_row AS
SELECT list({
  'key': key, 'template_id': template_id, 'template': template, 'label': label, 'domain': domain,
  'severity_hint': severity_hint, 'confidence': confidence, 'stage': stage, 'model': model, 'settled': settled,
  'cert_id': cert_id
}) AS kinds
FROM kinds;
"""


def build(lake: Lake) -> Path:
    """Write catalog.duckdb from what the lake knows now, durable and whole, over what was there.

    Sessions that hold the old file keep it. Deleting the file loses nothing.

    Returns:
        its path.

    Raises:
        CatalogError, LakeError: it cannot be written; what was there is still there.
    """
    path = lake.root / CATALOG
    aside = lake.root / STAGING / f"{uuid.uuid4().hex}.duckdb"
    with commit.told(path, "write"), one_line(f"{path}: cannot write: "):
        commit.make_folder(aside.parent)
        try:
            _write(lake, aside)
            aside.replace(path)
            commit.sync_folder(path.parent)
        finally:
            for left in (aside, aside.with_name(aside.name + ".wal")):
                with contextlib.suppress(OSError):
                    left.unlink()
    return path


def fresh(lake: Lake) -> bool:
    """Tell whether catalog.duckdb is there and holds what the lake knows now: the kinds, and whether it is empty."""
    return read_stamp(lake.root / CATALOG) == stamp(lake)


def stamp(lake: Lake) -> str:
    """Give what a catalog depends on, as JSON. Cheap: four folders are listed.

    New segments change nothing, since the views find them by their place; new kinds and compactions do.
    """
    with commit.told(lake.root / LANDING, "list"):
        empty = not any(_has_segment(entry) for entry in os.scandir(lake.root / LANDING))
    told = {"version": _VERSION, "root": str(lake.root), "empty": empty, "registry": lake.registry_stamp()}
    told["ledger"], told["certificates"] = lake.ledger_stamp(), Certificates(lake.root).stamp()
    told["compaction"] = lake.compacted().sequence
    return json.dumps(told | {"taxonomy": taxonomy().hash}, sort_keys=True)


def _has_segment(folder: os.DirEntry[str]) -> bool:
    """Say whether a folder of landing is a source's and holds a file that the glob of the views finds."""
    if not is_source(folder.name) or not folder.is_dir():
        return False
    with contextlib.suppress(FileNotFoundError):
        return any(entry.name.endswith(".parquet") for entry in os.scandir(folder))
    return False


def read_stamp(path: Path) -> str | None:
    """Read the stamp of a catalog; None when there is no file, or none of ours, or it cannot be read."""
    if not path.is_file():
        return None
    with contextlib.suppress(duckdb.Error), duckdb.connect() as con:
        con.execute(f"ATTACH {ddl.quoted(path)} AS catalog (READ_ONLY)")
        rows = con.execute("SELECT stamp FROM catalog.catalog_stamp").fetchall()
        return str(rows[0][0]) if rows else None
    return None


def fill(con: duckdb.DuckDBPyConnection, lake: Lake) -> str:
    """Make everything a catalog holds in the current database of a connection; give its stamp."""
    now = stamp(lake)
    make_labels(con)
    con.register("given_kinds", lake.kinds())
    con.register("given_history", lake.history())
    con.execute(_KINDS)
    con.unregister("given_kinds")
    con.unregister("given_history")
    con.execute("CREATE TABLE catalog_stamp AS SELECT ? AS stamp", [now])
    ddl.run_lake(con, lake, empty=json.loads(now)["empty"])
    make_ledger(con, lake)
    make_certificates(con, lake)
    return now


def make_labels(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table of the taxonomy."""
    leaves = taxonomy().leaves.values()
    columns = {
        "label": pa.array([x.id for x in leaves]),
        "domain": pa.array([x.domain for x in leaves]),
        "definition": pa.array([x.definition for x in leaves]),
        "severity_hint": pa.array([x.severity for x in leaves], pa.int8()),
        "actionable": pa.array([x.actionable for x in leaves]),
    }
    con.register("given_labels", pa.table(columns))
    con.execute("CREATE TABLE labels AS FROM given_labels")
    con.unregister("given_labels")


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection whose current database is a new file that older readers understand; durable at the end."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH {ddl.quoted(path)} AS catalog (STORAGE_VERSION '{_STORAGE}')")
        con.execute("USE catalog")
        yield con
        con.execute("USE memory")
        con.execute("DETACH catalog")
    with path.open("rb+") as written:
        os.fsync(written.fileno())


def _write(lake: Lake, aside: Path) -> None:
    with new_file(aside) as con:
        con.execute("BEGIN")  # one commit: each statement by itself would be made durable, which takes half the time
        fill(con, lake)
        con.execute("COMMIT")
