"""The closed set of labels: 16 domains, 55 leaves, each with a definition and a typical severity."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

UNKNOWN = "unknown"
"""The label of a kind that no stage was sure about."""

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""Syslog severities; the index is the code, 0 to 7."""


@dataclass(frozen=True)
class Leaf:
    """One label. `severity` is the typical syslog code (0 to 7); `actionable` is "yes", "no" or "depends"."""

    id: str
    definition: str
    severity: int
    actionable: str

    @property
    def domain(self) -> str:
        """The part before the dot."""
        return domain_of(self.id)


@dataclass(frozen=True)
class Domain:
    """A group of leaves."""

    id: str
    title: str
    definition: str


@dataclass(frozen=True)
class Taxonomy:
    """Domains and leaves by id, in the order of the taxonomy; `hash` is the sha256 of its file, 64 hex digits."""

    domains: dict[str, Domain]
    leaves: dict[str, Leaf]
    hash: str

    def __contains__(self, label: object) -> bool:
        return label in self.leaves or label == UNKNOWN


def domain_of(label: str) -> str:
    """Give the domain of a dotted label; `unknown` is its own domain."""
    return label.partition(".")[0]


@cache
def taxonomy() -> Taxonomy:
    """Load the taxonomy that ships with the package, once a process."""
    data = files("schemas").joinpath("taxonomy.json").read_bytes()
    tree = json.loads(data)["domains"]
    leaves = (leaf for domain in tree for leaf in domain["leaves"])
    return Taxonomy(
        domains={d["id"]: Domain(d["id"], d["title"], d["definition"]) for d in tree},
        leaves={
            x["id"]: Leaf(x["id"], x["definition"], SEVERITIES.index(x["severity"]), x["actionable"]) for x in leaves
        },
        hash=hashlib.sha256(data).hexdigest(),
    )
