"""What a bench says: rows of figures beside their goals, as one table or one JSON object."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure. `passed` is None where no goal is set."""

    part: str
    what: str
    value: float
    unit: str
    goal: str = ""
    passed: bool | None = None

    @property
    def figure(self) -> str:
        """The value with as many digits as it deserves."""
        whole = isinstance(self.value, int) or abs(self.value) >= 1000
        digits = 0 if whole else 2 if abs(self.value) < 100 else 1
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()


def least(part: str, what: str, value: float, unit: str, goal: float) -> Row:
    """A figure that should be at least `goal`."""
    return Row(part, what, value, unit, f">= {goal:,.6g}", value >= goal)


def most(part: str, what: str, value: float, unit: str, goal: float) -> Row:
    """A figure that should be at most `goal`."""
    return Row(part, what, value, unit, f"<= {goal:,.6g}", value <= goal)


def machine() -> dict[str, str | float]:
    """Where, with what, and how busy it was at the start: a busy machine's figures are low."""
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": cpu[0].partition(": ")[2] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "pyarrow": version("pyarrow"),
        "apache-beam": version("apache-beam"),
        "dioptre": version("dioptre"),
    }


def table(rows: list[Row]) -> str:
    """Lay rows out; a blank line between parts."""
    cells = [(r.what, r.figure, r.goal, {None: "", True: "PASS", False: "MISS"}[r.passed]) for r in rows]
    wide = [max(len(c[i]) for c in cells) for i in range(4)]
    out, part = [], rows[0].part
    for row, (what, figure, goal, verdict) in zip(rows, cells, strict=True):
        out += [""] if row.part != part else []
        part = row.part
        out.append(f"{what:<{wide[0]}}  {figure:>{wide[1]}}  {goal:<{wide[2]}}  {verdict}".rstrip())
    return "\n".join(out)


def told(rows: list[Row], as_json: bool) -> str:
    """Give the whole report."""
    if as_json:
        return json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}, indent=1)
    where = ", ".join(f"{name} {value}" for name, value in machine().items())
    goals = [row.passed for row in rows if row.passed is not None]
    verdict = f"\n\n{goals.count(False)} of {len(goals)} goals missed" if goals else ""
    return f"{where}\n\n{table(rows)}{verdict}"
