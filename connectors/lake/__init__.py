"""The lake: labelled events as chains of immutable Parquet segments, and what is known of their kinds.

A source is a chain; where to read next is the end of its chain; every input position ends up exactly once.
"""

from connectors.lake.chain import Appended, Chain
from connectors.lake.check import Totals, Verification, verify
from connectors.lake.check_segment import Finding
from connectors.lake.compacting import Compacted, compact
from connectors.lake.erase import Erased, erase
from connectors.lake.expire import Expired, expire
from connectors.lake.layout import ERASED, EXPIRED, FORMAT_VERSION, GapError, LakeError, TornError
from connectors.lake.mend import Action, forget, repair
from connectors.lake.segments import Segment
from connectors.lake.store import Lake

__all__ = [
    "ERASED",
    "EXPIRED",
    "FORMAT_VERSION",
    "Action",
    "Appended",
    "Chain",
    "Compacted",
    "Erased",
    "Expired",
    "Finding",
    "GapError",
    "Lake",
    "LakeError",
    "Segment",
    "TornError",
    "Totals",
    "Verification",
    "compact",
    "erase",
    "expire",
    "forget",
    "repair",
    "verify",
]
