"""Archives as sources: find files, tell who they are, and read what the lake lacks of them, batch by batch."""

from connectors.archives.archive import Archive, ArchiveError
from connectors.archives.chains import ChainView, LakeChain, in_step
from connectors.archives.content import Finding
from connectors.archives.finder import Found, find
from connectors.archives.limits import Limits
from connectors.archives.places import Refused
from connectors.archives.planner import Done, Hints, Plan, Read, plan
from connectors.archives.reader import Outcome, hints_of, read

__all__ = [
    "Archive",
    "ArchiveError",
    "ChainView",
    "Done",
    "Finding",
    "Found",
    "Hints",
    "LakeChain",
    "Limits",
    "Outcome",
    "Plan",
    "Read",
    "Refused",
    "find",
    "hints_of",
    "in_step",
    "plan",
    "read",
]
