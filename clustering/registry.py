"""What is known of kinds: key -> template and verdict, in memory, fed from the lake's registry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from schemas.registry import Kind, Verdict

PERSON = "person"
"""The stage of a label that a person gave; it wins over rules and models."""

RULE = "rule"
"""The stage of a label that the operator's rules gave; it goes when the rule goes."""

MOST_KINDS = 500_000
"""Kinds remembered, some 400 bytes each; what comes after is labelled anew each time it is met, never wrongly."""


@dataclass(frozen=True)
class Entry:
    """What holds for a kind: its template (the key itself until templates merge) and its verdict."""

    template_id: str
    verdict: Verdict


class Registry:
    """Kinds by key. `refresh` takes the lake's word, which replaces what was learnt here.

    Args:
        most: bound on the kinds remembered.
    """

    def __init__(self, most: int = MOST_KINDS) -> None:
        self._entries: dict[str, Entry] = {}
        self._most = most

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, kinds: Sequence[Kind]) -> list[Entry | None]:
        """Give what is known of each kind, in the order given; None for one never met."""
        return [self._entries.get(kind.key) for kind in kinds]

    def learn(self, kinds: Iterable[tuple[Kind, Verdict]]) -> None:
        """Remember verdicts on kinds met for the first time, up to the bound."""
        for kind, verdict in kinds:
            if len(self._entries) < self._most:
                self._entries.setdefault(kind.key, Entry(kind.key, verdict))

    def settle(self, verdicts: Mapping[str, Verdict]) -> None:
        """Take over what now holds for known kinds, by key."""
        for key, verdict in verdicts.items():
            if key in self._entries:
                self._entries[key] = Entry(self._entries[key].template_id, verdict)

    def refresh(self, kinds: pa.Table) -> None:
        """Take over what the lake knows.

        Args:
            kinds: of the schema KINDS, one row a key.
        """
        columns = ("label", "confidence", "stage", "model", "settled", "cert_id")
        verdicts = zip(*(kinds.column(name).to_pylist() for name in columns), strict=True)
        keys, templates = kinds.column("key").to_pylist(), kinds.column("template_id").to_pylist()
        for key, template_id, verdict in zip(keys, templates, verdicts, strict=True):
            if key in self._entries or len(self._entries) < self._most:
                self._entries[key] = Entry(template_id, Verdict(*verdict))
