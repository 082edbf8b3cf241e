"""The marks of compacted segments: hashes of a file's bytes by which it is known again; one file a compaction."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from connectors.lake.compactions import Range
from connectors.lake.layout import COMPACTIONS, TornError, proof_name


@lru_cache(maxsize=16)
def read_proof(folder: str, name: str) -> dict[str, list[list[Any]]]:
    """Read the marks of the segments that one compaction took: source -> (position, first digits of the hash).

    Raises:
        TornError: it is missing, or its bytes are not those of its name.
    """
    path = Path(folder) / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TornError(f"{path}: unreadable: {error.strerror}; restore a copy") from error
    if proof_name(data) != name:
        raise TornError(f"{path}: torn: its bytes are not those it is named after; restore a copy")
    marks: dict[str, list[list[Any]]] = json.loads(data)
    return marks


class CompactedFooter(dict[str, Any]):
    """A footer whose `marks` are read when they are asked for: there may be a thousand a chain, and few ask."""

    def __init__(self, told: Mapping[str, Any], marks: Callable[[], list[list[Any]]]) -> None:
        super().__init__(told)
        self._marks = marks

    def get(self, name: str, default: Any = None) -> Any:
        """As that of a dict; `marks` are read now."""
        return self[name] if name in self or name == "marks" else default

    def __missing__(self, name: str) -> Any:
        if name != "marks":
            raise KeyError(name)
        self[name] = self._marks()
        return self[name]


def marks_of(root: Path, source: str, known: Range) -> list[list[Any]]:
    """Give all marks of a source's compacted part, by position."""
    folder = str(root / COMPACTIONS)
    return [mark for proof in known.proofs for mark in read_proof(folder, proof).get(source, ())]
