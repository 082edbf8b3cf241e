"""The kinds of `kinds.txt`: what programs write, on which hosts, and how often."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.bench.values import HOSTS

Ints = npt.NDArray[np.int64]

TAIL = 2.2
"""Within a program the n-th kind is n^-TAIL times as common as the first."""

FACILITIES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock".split()
FACILITIES += [f"local{i}" for i in range(8)]
SEVERITIES = "emerg alert crit error warning notice info debug".split()


@dataclass(frozen=True)
class Program:
    """Who writes: its name; whether a process a session (`fork`), one (`daemon`), or the name alone (`bare`); where."""

    name: str
    facility: int
    pids: str
    hosts: list[int]


@dataclass(frozen=True)
class Kinds:
    """The kinds of `kinds.txt`: (k,) texts, programs, severities and the share of each in the lines."""

    texts: list[str]
    programs: list[Program]
    of: Ints
    pri: Ints
    shares: npt.NDArray[np.float64]


def kinds() -> Kinds:
    """Read `kinds.txt`."""
    texts, programs, of, pri, shares = [], [], [], [], []
    weight, rank = 0.0, 0
    for line in (Path(__file__).parent / "kinds.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            severity, text = line[1:].split(" ", 1)
            rank += 1
            texts.append(text)
            of.append(len(programs) - 1)
            pri.append(programs[-1].facility * 8 + SEVERITIES.index(severity))
            shares.append(weight * rank**-TAIL)
        elif line and not line.startswith("#"):
            name, facility, parts, pids, roles = line.split()
            hosts = [i for i, host in enumerate(HOSTS) if roles == "all" or host[:-2] in roles.split(",")]
            programs.append(Program(name, FACILITIES.index(facility), pids, hosts))
            weight, rank = float(parts), 0
    told = np.array(shares)
    return Kinds(texts, programs, np.array(of), np.array(pri), told / told.sum())
