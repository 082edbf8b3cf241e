"""Mend a lake: move what is unsound aside (never delete it), so that its positions are read again."""

import difflib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.lake import check_files as files
from connectors.lake import commit
from connectors.lake.check import verify
from connectors.lake.check_segment import Finding
from connectors.lake.layout import EMPTY, EVENTS, LANDING, QUARANTINE, SETTINGS, LakeError
from connectors.lake.mend_compacted import count_as_lost, forget_compacted, restore
from connectors.lake.settings import settings_json
from connectors.lake.store import Lake, make_whole
from connectors.lake.switch import hold

LANDED = "landing"
"""Where in the folder of a forgotten source its landing files lie, if some of it was compacted."""


@dataclass(frozen=True)
class Action:
    """One thing that repair did (or would do): to which file, what, and why. Paths are relative to the lake."""

    where: str
    did: str
    why: str


def repair(lake: Lake | Path, *, dry_run: bool = False) -> list[Action]:
    """Mend what verify finds: unsound files go to quarantine/, old leftovers in staging go, lost fixtures are remade.

    Holes stay until the next backfill of the source: it begins at the first hole and fills it.

    `dry_run` only says what would be done.

    Raises:
        LakeError: no lake, or the file system refused.
    """
    root = lake if isinstance(lake, Path) else lake.root
    wrong: dict[str, list[Finding]] = {}
    for finding in verify(root).findings:
        if finding.mend:
            wrong.setdefault(finding.where, []).append(finding)
    if dry_run:
        return [_plan(root, where, found) for where, found in wrong.items()]
    mended = _mend_compacted(root, wrong)
    with commit.told(root, "repair"), commit.held(root, alone=True):
        done = [_move(root, where, found) for where, found in wrong.items() if found[0].mend in _MOVED]
    return mended + done + _rebuild(root, {w: found for w, found in wrong.items() if found[0].mend == "rebuild"})


_MOVED = ("quarantine", "remove", "lost")


def _mend_compacted(root: Path, wrong: dict[str, list[Finding]]) -> list[Action]:
    """Make records anew; count what was in torn or missing day files as lost, before the files are moved."""
    restored = [where for where, found in wrong.items() if found[0].mend == "restore"]
    for where in restored:
        restore(root, where)
    lost = [where.removeprefix(f"{EVENTS}/") for where, found in wrong.items() if found[0].mend == "lost"]
    if lost:
        lake = Lake(root.absolute(), files.opened(root)[0].settings)
        with hold(lake, "repair"):
            count_as_lost(lake, lost)
    return [_plan(root, where, wrong[where]) for where in restored]


def forget(lake: Lake, source: str, *, dry_run: bool = False) -> Path:
    """Move a whole chain to quarantine/forgotten-<time>/, so that its source is read again from its beginning.

    Returns:
        where the chain lies now (or would lie).

    Raises:
        LakeError: no such source; the message names the nearest.
    """
    sources = lake.sources()
    if source not in sources:
        near = difflib.get_close_matches(source, sources, n=1, cutoff=0.5)
        told = f"did you mean {near[0]}?" if near else "`dioptre lake status` lists the sources"
        raise LakeError(f"{source}: no such source in {lake.root}; {told}")
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = lake.root / QUARANTINE / f"forgotten-{now}" / source
    if not dry_run:
        lake.record_run({"run_id": f"forget-{now}-{source}"[:200], "command": "lake forget", "forgot": source})
        with hold(lake, "forget"):
            forget_compacted(lake, source, aside / "compacted")
            with commit.told(aside, "move the chain there"), commit.held(lake.root, alone=True):
                _rename(lake.root / LANDING / source, aside if not aside.exists() else aside / LANDED)
    return aside


def _plan(root: Path, where: str, found: list[Finding]) -> Action:
    aside = f"move to {_aside(root, where).relative_to(root)}"
    did = {"quarantine": aside, "remove": "remove", "rebuild": "make anew", "restore": "make anew from its copy"}
    did["lost"] = f"count as lost, {aside}"
    return Action(where, did[found[0].mend], "; ".join(f.what for f in found))


def _move(root: Path, where: str, found: list[Finding]) -> Action:
    """Remove a leftover, or move a file to quarantine."""
    plan = _plan(root, where, found)
    if found[0].mend == "remove":
        (root / where).unlink(missing_ok=True)
    else:
        _rename(root / where, _aside(root, where))
    return plan


def _aside(root: Path, where: str) -> Path:
    """Find a free place in quarantine/, under the path the file has in the lake."""
    aside = root / QUARANTINE / where
    number = 1
    while aside.exists():
        number += 1
        aside = root / QUARANTINE / f"{where}.{number}"
    return aside


def _rename(path: Path, to: Path) -> None:
    """Move within the lake, durably on both sides; what is gone already needs no move."""
    if path.exists():
        commit.make_folder(to.parent)
        path.rename(to)
        commit.sync_folder(to.parent)
        commit.sync_folder(path.parent)


def _rebuild(root: Path, wrong: dict[str, list[Finding]]) -> list[Action]:
    """Write lake.json, the folders and the zero-row segment anew from what the other one knows."""
    if not wrong:
        return []
    settings = files.opened(root)[0].settings
    for where in (SETTINGS, EMPTY):
        if where in wrong and (root / where).exists():
            with commit.told(root, "repair"):
                _rename(root / where, _aside(root, where))
    make_whole(root, settings)
    if SETTINGS in wrong:
        commit.replace(root, settings_json(settings), root / SETTINGS)
    return [Action(where, "made anew", "; ".join(f.what for f in found)) for where, found in wrong.items()]
