"""Score templates on the development half of Loghub-2k: one configuration, all eight systems, beside Drain3 and the bare key.

The data lies beside the project (../shared/data/loghub2k) and is never copied into it.
`python -m tests.bench.bench_templates --help`.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clustering.key import key_of
from clustering.templates import Templates
from schemas.registry import Kind
from tests.bench import drain
from tests.bench.report import Row, least, most, told

ROOT = Path(__file__).parents[2]
LOGHUB = ROOT.parent / "shared" / "data" / "loghub2k"
GOAL_GA, GOAL_FGA, GOAL_IMPURE = 0.90, 0.92, 0.5


@dataclass(frozen=True)
class Score:
    """How groups of lines agree with the events that people found.

    Attributes:
        ga: share of lines in a group that holds exactly the lines of one event.
        fga: harmonic mean of the shares of groups, and of events, that are exactly right.
        impure: share of lines that would get another event's label if each group were labelled by its majority.
        groups, events: how many.
    """

    ga: float
    fga: float
    impure: float
    groups: int
    events: int


def score(groups: Sequence[Hashable], events: Sequence[str]) -> Score:
    """Score groups against events, both by line. Source: Zhu et al. 2019 (GA), Khan et al. 2022 (FGA)."""
    members: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for group, event in zip(groups, events, strict=True):
        members[group][event] += 1
    sizes = Counter(events)
    right = [next(iter(held.items())) for held in members.values() if len(held) == 1]
    exact = [n for event, n in right if n == sizes[event]]
    impure = sum(held.total() - max(held.values()) for held in members.values())
    return Score(
        ga=sum(exact) / len(events),
        fga=2 * len(exact) / (len(members) + len(sizes)),
        impure=impure / len(events),
        groups=len(members),
        events=len(sizes),
    )


def systems() -> dict[str, tuple[list[str], list[str]]]:
    """Messages and events of each system."""
    out = {}
    for path in sorted(LOGHUB.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        out[path.stem] = ([row["content"] for row in rows], [row["event_id"] for row in rows])
    return out


def by_templates(kinds: list[Kind]) -> list[Hashable]:
    """Group kinds by the templates learnt from them all."""
    return [one and one.id for one in Templates().merge(kinds).resolve(kinds)]


def by_drain(venv: Path, messages: list[list[str]]) -> list[list[int]] | None:
    """Group messages by Drain3, in its own environment; None when that cannot be made."""
    try:
        python = drain.setup(venv)
    except subprocess.CalledProcessError:
        print(f"left out: Drain3 {drain.VERSION} could not be installed into {venv}", file=sys.stderr)
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(messages, file)
        file.flush()
        script = Path(__file__).with_name("drain_groups.py")
        said = subprocess.run([python, script, file.name], check=True, capture_output=True, text=True)
    found: list[list[int]] = json.loads(said.stdout)
    return found


def rows_of(part: str, scores: dict[str, Score], goals: bool) -> list[Row]:
    """A row a system and figure, then the means."""
    out = []
    for system, s in scores.items():
        what = f"{part}: {system:<10} GA {s.ga:.3f}  FGA {s.fga:.3f}  groups {s.groups:>3} for {s.events:>3} events, impure"
        out.append(Row(part, what, 100 * s.impure, "%"))
    ga, fga, impure = (sum(getattr(s, name) for s in scores.values()) / len(scores) for name in ("ga", "fga", "impure"))
    if not goals:
        return [*out, Row(part, f"{part}: mean GA", ga, ""), Row(part, f"{part}: mean FGA", fga, ""),
                Row(part, f"{part}: mean impure", 100 * impure, "%")]  # fmt: skip
    return [
        *out,
        least(part, f"{part}: mean GA", ga, "", GOAL_GA),
        least(part, f"{part}: mean FGA", fga, "", GOAL_FGA),
        most(part, f"{part}: mean impure", 100 * impure, "%", GOAL_IMPURE),
    ]


def main() -> None:
    """Score and tell."""
    ask = argparse.ArgumentParser(prog="python -m tests.bench.bench_templates", description=__doc__)
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.add_argument("--venv", type=Path, default=Path.home() / ".cache/dioptre-bench/drain3", help="Drain3's own")
    args = ask.parse_args()
    if not LOGHUB.is_dir():
        sys.exit(f"bench-templates needs the development half of Loghub-2k in {LOGHUB}, which is not there")
    read = systems()
    events = {name: found for name, (_, found) in read.items()}
    kinds = {name: [key_of(None, message).kind for message in messages] for name, (messages, _) in read.items()}
    drained = by_drain(args.venv, [messages for messages, _ in read.values()])
    parts: dict[str, dict[str, Sequence[Hashable]]] = {
        "key": {name: [kind.key for kind in those] for name, those in kinds.items()}
    }
    if drained is not None:
        parts["Drain3"] = dict(zip(read, drained, strict=True))
    parts["templates"] = {name: by_templates(those) for name, those in kinds.items()}
    out: list[Row] = []
    for part, grouped in parts.items():
        scores = {name: score(groups, events[name]) for name, groups in grouped.items()}
        out += rows_of(part, scores, goals=part == "templates")
    print(told(out, args.json))


if __name__ == "__main__":
    main()
