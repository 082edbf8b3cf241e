"""What is known of kinds: key -> template and verdict, in memory, fed from the lake's registry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from schemas.registry import COPIES, ORDER, PERSON, RULE, UNDO, Kind, Verdict
from schemas.taxonomy import UNKNOWN

__all__ = ["MOST_KINDS", "PERSON", "RULE", "Entry", "Registry", "counts", "place"]

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

    def known(self, keys: Iterable[str]) -> list[Entry | None]:
        """Give what is known of the kinds of some keys, in the order given; None for one never met."""
        return [self._entries.get(key) for key in keys]

    def learn(self, kinds: Iterable[tuple[Kind, Verdict]]) -> None:
        """Remember verdicts on kinds met for the first time, up to the bound."""
        self.note((kind, Entry(kind.key, verdict)) for kind, verdict in kinds)

    def note(self, kinds: Iterable[tuple[Kind, Entry]]) -> None:
        """Remember kinds met for the first time, with their templates, up to the bound."""
        for kind, entry in kinds:
            if len(self._entries) < self._most:
                self._entries.setdefault(kind.key, entry)

    def settle(self, verdicts: Mapping[str, Verdict]) -> None:
        """Take over what now holds for known kinds, by key."""
        for key, verdict in verdicts.items():
            if key in self._entries:
                self._entries[key] = Entry(self._entries[key].template_id, verdict)

    def refresh(self, kinds: pa.Table) -> None:
        """Take over what the lake knows; of a kind that a person labelled only what a person says, or an undo.

        Args:
            kinds: of the schema KINDS, one row a key: a fold, or a file of the registry, in their order.
        """
        columns = ("label", "confidence", "stage", "model", "settled", "cert_id")
        verdicts = zip(*(kinds.column(name).to_pylist() for name in columns), strict=True)
        told = (kinds.column(name).to_pylist() for name in ("key", "template_id", "set_by"))
        for key, template_id, set_by, verdict in zip(*told, verdicts, strict=True):
            known = self._entries.get(key)
            if known is not None:
                says = Verdict(*verdict)
                holds = says if counts(known.verdict, says, set_by) else known.verdict
                self._entries[key] = Entry(template_id, holds)
            elif len(self._entries) < self._most and verdict[2] != ORDER:
                self._entries[key] = Entry(template_id, Verdict(*verdict))


def counts(known: Verdict, says: Verdict, set_by: str | None) -> bool:
    """Say whether a row of the registry changes the verdict on a kind, as the fold of the lake would have it."""
    if says.stage == ORDER:
        return False
    if says.stage == PERSON:
        return set_by not in COPIES or known.stage == PERSON
    return known.stage != PERSON or set_by == UNDO


Place = tuple[bool, bool, bool, bool, bool, float, str]


def place(verdict: Verdict, key: str, *, heir: bool) -> Place:
    """Give the place of a settled kind among those of its template: the least one's label is that of the template.

    A person's comes first, then a rule's, then one that says something, a certified one, the surest, the smallest key;
    so it does not matter which was met first.

    Args:
        heir: it only took over what others of its template had, and counts when there is no other.
    """
    person, fixed = verdict.stage == PERSON, verdict.stage in (PERSON, RULE)
    nothing, bare = verdict.label == UNKNOWN, verdict.cert_id is None
    return heir, not person, not fixed, nothing, bare, -verdict.confidence, key
