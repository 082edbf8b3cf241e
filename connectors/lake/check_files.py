"""Check what is not a chain: lake.json, folders, foreign files, novel and registry, leftovers of killed writers."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from connectors.lake.check_segment import Finding
from connectors.lake.kinds import read_novel, read_registry
from connectors.lake.layout import (
    EMPTY,
    FOLDERS,
    LANDING,
    NOVEL,
    REGISTRY,
    SETTINGS,
    STAGING,
    LakeError,
    TornError,
    VersionError,
    is_source,
    segment_start,
    sequence_name,
    sequence_of,
)
from connectors.lake.segments import FOOTER, stored_schema
from connectors.lake.settings import Settings, parse_settings, read_settings
from connectors.lake.store import Lake

LEFT_OVER_AFTER_S = 3600.0
"""A file in staging older than this belongs to no writer that lives: writing one takes under a second."""

ASIDE = "`dioptre lake repair` moves it to quarantine"
_MADE = "`dioptre lake repair` makes it anew"


def opened(lake: Lake | Path) -> tuple[Lake, list[Finding]]:
    """Open a lake for checking, by its zero-row segment if lake.json is damaged, and check both."""
    root = lake if isinstance(lake, Path) else lake.root
    twin = _twin(root)
    findings = [Finding("error", f, "missing", _MADE, "rebuild") for f in FOLDERS if not (root / f).is_dir()]
    if twin is None:
        what = "missing, torn or not the zero-row segment" if (root / EMPTY).exists() else "missing"
        findings.append(Finding("error", EMPTY, what, _MADE, "rebuild"))
    try:
        settings = read_settings(root)
    except VersionError:
        raise
    except LakeError as error:
        if twin is None:
            raise
        findings.append(Finding("error", SETTINGS, str(error).removeprefix(f"{root / SETTINGS}: "), _MADE, "rebuild"))
        return Lake(root.absolute(), twin), findings
    if twin is not None and twin != settings:
        name = next(k for k, v in asdict(settings).items() if asdict(twin)[k] != v)
        what = f"{name} is {asdict(settings)[name]!r}, it was {asdict(twin)[name]!r} when the lake was made"
        findings.append(Finding("error", SETTINGS, what, _MADE, "rebuild"))
        settings = twin
    return Lake(root.absolute(), settings), findings


def _twin(root: Path) -> Settings | None:
    """Read what the zero-row segment remembers of lake.json; None when it is missing or unsound."""
    try:
        meta = pq.read_metadata(root / EMPTY)
        sound = meta.num_rows == 0 and meta.schema.equals(stored_schema())
        return parse_settings(json.loads(meta.metadata[FOOTER])["lake"]) if sound else None
    except (OSError, ValueError, KeyError, TypeError, LakeError):
        return None


def chains(root: Path) -> Iterator[str]:
    """List the sources that have a folder."""
    folder = root / LANDING
    return (path.name for path in _listed(folder) if is_source(path.name) and path.is_dir())


def segments(folder: Path) -> list[Path]:
    """List the files of a folder that bear a segment's name, by position."""
    return [path for path in _listed(folder) if segment_start(path.name) is not None]


def foreign(root: Path) -> Iterator[Finding]:
    """Name what lies in landing and is no segment; what queries would read is an error."""
    for path in _listed(root / LANDING):
        inside = _listed(path) if path.is_dir() else []
        known = is_source(path.name) or path.name == "_empty"
        if path.is_dir() and known:
            ours = {Path(EMPTY).name} if path.name == "_empty" else {p.name for p in segments(path)}
            yield from (_foreign(root, p, read=p.suffix == ".parquet") for p in inside if p.name not in ours)
        else:
            yield _foreign(root, path, read=any(p.suffix == ".parquet" for p in inside))


def _foreign(root: Path, path: Path, *, read: bool) -> Finding:
    where = str(path.relative_to(root))
    if read:
        return Finding("error", where, "foreign: no segment, and every query reads it", ASIDE, "quarantine")
    return Finding("warning", where, "foreign: no segment of the lake", "move it elsewhere")


def kinds(root: Path) -> Iterator[Finding]:
    """Name torn novel and registry files, and numbers missing from the registry."""
    lost = f"{ASIDE}; its kinds are noted again when next met"
    for folder, read, hint in ((NOVEL, read_novel, lost), (REGISTRY, read_registry, f"{ASIDE}; restore a copy")):
        for path in _listed(root / folder):
            try:
                read(path)
            except TornError as error:
                what = str(error).removeprefix(f"{path}: ")
                yield Finding("error", str(path.relative_to(root)), what, hint, "quarantine")
    there = {n for path in _listed(root / REGISTRY) if (n := sequence_of(path.name)) is not None}
    for n in sorted(set(range(1, max(there, default=0))) - there):
        yield Finding("error", f"{REGISTRY}/{sequence_name(n)}", "missing: later ones are there", "restore a copy")


def leftovers(root: Path) -> Iterator[Finding]:
    """Name the files that killed writers left in staging. They harm nothing."""
    for path in _listed(root / STAGING):
        try:
            age_s = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            continue  # its writer has just linked it to its name
        if age_s > LEFT_OVER_AFTER_S:
            what = f"left over by a writer that was ended {age_s / 3600:.0f} h ago"
            yield Finding("info", f"{STAGING}/{path.name}", what, "`dioptre lake repair` removes it", "remove")


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
