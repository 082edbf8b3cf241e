"""What was done to a lake and when: one JSON file a run. It informs; only the segments are the truth."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.lake import commit
from connectors.lake.layout import RUNS, LakeError, is_source

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def record_run(root: Path, run: dict[str, Any]) -> Path:
    """Write runs/<run_id>.json, durable; a second record of the same run takes the place of the first.

    Of the run, `run_id` names the file; `ends` (source -> end of its chain) lets verify see that a newest segment is
    lost; `forgot` (a source) withdraws the ends recorded before. `recorded_at` is added.

    Raises:
        LakeError: the run_id cannot name a file, or the file system refused.
    """
    run_id = str(run.get("run_id", ""))
    if not _RUN_ID.fullmatch(run_id):
        raise LakeError(f"run_id {run_id!r}: cannot name a file; use 1 to 200 of A-Z a-z 0-9 . _ -, first no . _ -")
    final = root / RUNS / f"{run_id}.json"
    told = {**run, "recorded_at": datetime.now(UTC).isoformat(timespec="microseconds")}
    commit.replace(root, (json.dumps(told, indent=1, default=str) + "\n").encode(), final)
    return final


def read_runs(root: Path) -> tuple[list[dict[str, Any]], list[tuple[Path, str]]]:
    """Read all runs, oldest first, and those that are torn, each with what is wrong."""
    runs: list[dict[str, Any]] = []
    torn: list[tuple[Path, str]] = []
    with commit.told(root / RUNS, "list"):
        paths = sorted((root / RUNS).iterdir())
    for path in paths:
        try:
            runs.append(_read_run(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            torn.append((path, str(error).splitlines()[0]))
    return sorted(runs, key=lambda run: run["recorded_at"]), torn


def _read_run(path: Path) -> dict[str, Any]:
    """Read one run; whatever is not as record_run writes it raises."""
    run = json.loads(path.read_bytes())
    if path.name != f"{run['run_id']}.json":
        raise ValueError(f"not the record of a run: it tells of {run['run_id']!r}")
    if not all(is_source(source) and int(end) >= 0 for source, end in (run.get("ends") or {}).items()):
        raise ValueError("its ends are not those of sources")
    return {**run, "recorded_at": str(run["recorded_at"])}


def recorded_ends(runs: list[dict[str, Any]]) -> dict[str, tuple[int, str]]:
    """Give for each source the farthest end that a run recorded, and the run; what was forgotten since is left out."""
    ends: dict[str, tuple[int, str]] = {}
    for run in runs:
        for source, end in (run.get("ends") or {}).items():
            ends[source] = max(ends.get(source, (-1, "")), (int(end), str(run["run_id"])))
        ends.pop(str(run.get("forgot", "")), None)
    return ends
