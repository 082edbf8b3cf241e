"""A sitting of `dioptre review`: one kind after the other, a key each; undo, skip, and how long an answer takes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from pipeline.cli import keys
from pipeline.cli.output import out, plural
from pipeline.cli.tables import cell
from pipeline.review import CERT, Item
from pipeline.review_look import Look
from schemas.taxonomy import UNKNOWN, taxonomy

HELP = "1-3 a proposal   / type a label   s skip   u undo   q quit"


@dataclass
class Told:
    """What a sitting came to: labels given and standing, skips, and the seconds each label took."""

    labelled: int = 0
    skipped: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def seconds_a_label(self) -> float | None:
        """The median; None: nothing was labelled."""
        return median(self.seconds) if self.seconds else None


class Sitting:
    """Puts items before a person.

    Args:
        look: gathers what is shown. label, undo: change the lake.
        every: after so many labels `milestone` is called.
    """

    def __init__(
        self,
        items: Sequence[Item],
        look: Callable[[Item], Look],
        label: Callable[[Item, str], None],
        undo: Callable[[Item], None],
        milestone: Callable[[], None] = lambda: None,
        *,
        every: int = 60,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._items, self._look, self._label, self._undo = items, look, label, undo
        self._milestone, self._every, self._now = milestone, every, now
        self._given: list[int] = []
        self.told = Told()

    def run(self) -> Told:
        """Go on until the items are over or somebody quits; Ctrl-C quits, what was labelled stays."""
        at: int | None = 0
        try:
            while at is not None and at < len(self._items):
                at = self._one(at)
        except KeyboardInterrupt:
            out()
        return self.told

    def _one(self, at: int) -> int | None:
        """Show an item and obey a key; gives the next item, or None: quit."""
        look = self._look(self._items[at])
        show(look, at + 1, len(self._items))
        began = self._now()
        while True:
            typed = keys.key()
            if typed in (keys.END, "q"):
                return None
            if typed == "s":
                return self._skip(at)
            if typed == "u":
                return self._back(at)
            label = self._choice(typed, look)
            if label is not None:
                self._give(at, label, self._now() - began)
                return at + 1
            out(HELP)

    def _choice(self, typed: str, look: Look) -> str | None:
        """Give the label that a key means; None: none."""
        if typed in ("1", "2", "3") and int(typed) <= len(look.proposals):
            return look.proposals[int(typed) - 1].label
        return ask_label() if typed == "/" else None

    def _give(self, at: int, label: str, seconds: float) -> None:
        self._label(self._items[at], label)
        self._given.append(at)
        self.told.labelled += 1
        self.told.seconds.append(seconds)
        out(f"  -> {label}")
        if self.told.labelled % self._every == 0:
            self._milestone()

    def _skip(self, at: int) -> int:
        self.told.skipped += 1
        if self._items[at].why == CERT:
            out("  skipped: labels of a cert set count up to the first that is missing; `unknown` is a label too")
        return at + 1

    def _back(self, at: int) -> int:
        """Take the last label back, and show its kind again."""
        if not self._given:
            out("  nothing to undo in this sitting; `dioptre labels undo` goes farther back")
            return at
        last = self._given.pop()
        self._undo(self._items[last])
        self.told.labelled -= 1
        self.told.seconds.pop()
        out("  taken back")
        return last


def ask_label() -> str | None:
    """Ask for a leaf, by its beginning or a part of it; None: nothing was meant."""
    words = [*taxonomy().leaves, UNKNOWN]
    typed = keys.line("label: ", words)
    if not typed:
        return None
    found = keys.completed(typed.lower(), words)
    if len(found) == 1:
        return found[0]
    out(f"  {typed}: {'no such label' if not found else ', '.join(found[:12])}; Tab completes")
    return None


def show(look: Look, number: int, total: int) -> None:
    """Print an item: what it is, lines of it, what is near, what is proposed. All of it made harmless."""
    item = look.item
    why = {"queue": "", "audit": "  (drawn at random)", "cert": "  (for the certificate)"}[item.why]
    out()
    out(f"{number:,} of {total:,}{why}   {item.kind.app or '(no program)'}")
    out(f"  {item.kind.template}")
    for text in look.lines:
        out(f"    | {cell(text)[:300]}")
    hosts = f" on {plural(look.hosts, 'host')}" if look.hosts else ""
    out(f"  {plural(item.events, 'event')}{hosts}, first seen {cell(item.row['first_seen'])} UTC")
    for near in look.nearest:
        out(f"  near {near.cosine:.2f}  {near.label:<26} {near.program}: {near.template[:90]}")
    for i, one in enumerate(look.proposals, 1):
        sure = "" if item.blind else f"{one.probability:.2f}  "
        out(f"  [{i}] {sure}{one.label:<26} {one.definition[:90]}")
    out(f"  {HELP}")
