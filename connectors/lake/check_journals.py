"""Check what a lake remembers of certificates, draws, audits and costs: each file that is torn, strange or missing."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.lake.certificates import FOLDERS, read_certificates
from connectors.lake.check_segment import Finding
from connectors.lake.layout import LEDGER_FOLDER, TornError, sequence_name, sequence_of
from connectors.lake.ledger import table_of
from schemas.ledger import Coefficients

_ASIDE = "`dioptre lake repair` moves it to quarantine"
_RESTORE = "restore a copy: what was withdrawn, spent, drawn or answered there is not known any more"


def journals(root: Path) -> Iterator[Finding]:
    """Name torn and strange files of certificates, draws and audits, and numbers that are missing: they follow one on
    another without a gap, so a gap is a file that was lost.
    """
    for folder, schema in FOLDERS.items():
        files = [path for path in _listed(root / folder) if path.is_file()]
        for path in files:
            if sequence_of(path.name) is None:
                yield _strange(root, path, "this journal")
            elif why := _unsound(path, schema):
                yield Finding("error", _where(root, path), why, f"{_ASIDE}; {_RESTORE}", "quarantine")
        there = {n for path in files if (n := sequence_of(path.name)) is not None}
        for n in sorted(set(range(1, max(there, default=0))) - there):
            yield Finding("error", f"{folder}/{sequence_name(n)}", "missing: later ones are there", _RESTORE)


def ledger(root: Path) -> Iterator[Finding]:
    """Name files of the ledger that cannot be read, and coefficients that its rows name and nobody finds.

    No label rests on it, but its sums are too low then.
    """
    named: dict[str, Path] = {}
    for path in _listed(root / LEDGER_FOLDER):
        try:
            if path.suffix == ".parquet":
                named |= dict.fromkeys(table_of(path)["coefficients"].to_pylist(), path)
            elif path.suffix == ".json":
                if Coefficients.of(path.read_text("utf-8")).id != path.stem:
                    raise ValueError("its content is not what its name says")
            else:
                yield _strange(root, path, "the ledger")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"torn or unreadable: {str(error).splitlines()[0]}"
            hint = f"{_ASIDE}; sums of the ledger are too low"
            yield Finding("warning", _where(root, path), what, hint, "quarantine")
    for id_, path in sorted(named.items()):
        if not (root / LEDGER_FOLDER / f"{id_}.json").exists():
            what = f"missing: the coefficients of {path.name}"
            hint = "restore a copy: its Wh and money cannot be told"
            yield Finding("warning", f"{LEDGER_FOLDER}/{id_}.json", what, hint)


def _unsound(path: Path, schema: pa.Schema) -> str:
    """Say why a file of a journal cannot be used; "": it can. Columns that came later than it may be missing."""
    try:
        known = pq.read_schema(path).names
        if lacks := [f.name for f in schema if not f.nullable and f.name not in known]:
            return f"wrong schema: no column {', '.join(lacks)}"
        read_certificates(path, schema)
    except (TornError, OSError, ValueError) as error:
        return f"torn or unreadable: {str(error).splitlines()[0].rpartition(': ')[2]}"
    return ""


def _strange(root: Path, path: Path, of: str) -> Finding:
    return Finding("warning", _where(root, path), f"foreign: no file of {of}", "move it elsewhere")


def _where(root: Path, path: Path) -> str:
    return str(path.relative_to(root))


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
