"""One step of a compaction: files sorted into new ones, which take their place by one record."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.lake.sorting import CrampedError, Sorted, remove, sort, sorter
from connectors.lake.store import Lake
from connectors.lake.switch import Signature, switch

CRAMPED = "2GB"
"""For records of a megabyte, some thousand of which must be held at once whatever the bound."""


@dataclass(frozen=True)
class Step:
    """Where, when, and with what bounds: memory and threads of the sort; `kinds` give the labels that are stamped."""

    lake: Lake
    now: datetime
    memory: str
    threads: int
    kinds: pa.Table

    def sort(self, paths: Sequence[Path], where: str = "true") -> Sorted:
        """Write the rows of files as new day files, which are nobody's yet."""
        try:
            return self._sort(paths, where, self.memory)
        except CrampedError:
            return self._sort(paths, where, CRAMPED)

    def _sort(self, paths: Sequence[Path], where: str, memory: str) -> Sorted:
        with sorter(self.lake.root, memory=memory, threads=self.threads) as con:
            return sort(con, self.lake.root, paths, kinds=self.kinds, now=self.now, where=where)

    def nothing(self) -> Sorted:
        """Stand for what is made of no file."""
        return Sorted()

    def switch(self, record: Mapping[str, Any], made: Sorted, before: Signature) -> bool:
        """Switch to what was made; False: something else came first, and what was made is removed."""
        told = {**record, "made": [asdict(file) for file in made.files]}
        if switch(self.lake, told, now=self.now, inputs=before) is not None:
            return True
        self.discard(made)
        return False

    def discard(self, made: Sorted) -> None:
        """Remove what was made."""
        remove(self.lake.root, [file.name for file in made.files])
