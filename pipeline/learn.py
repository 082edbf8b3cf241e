"""Learning: new kinds are merged into templates, templates into clusters, each cluster is labelled once.

One pass takes what the lake has met since; what it knows stands in the registry alone, so a learner may die at any
time, start again, or run twice. What people, rules or other learners publish during a pass holds: it reads again and
decides anew, but asks no model twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from classifiers.ledger import METER
from clustering.clusters import Clusters, cluster
from clustering.templates import OTHER, Template, Templates
from connectors.lake import Lake, LakeError
from pipeline.learn_labels import Labelled, by_stage, label
from pipeline.learn_rows import rows_of
from pipeline.learn_state import INHERITED, Item, Known, Resolved, State, templates_of
from pipeline.learn_turns import turns
from pipeline.learn_vectors import Encodes, Vectors
from schemas.ledger import CLUSTER
from schemas.policy import Policy
from schemas.registry import Kind, Verdict

MOST = 2_000
"""Templates that one pass gives vectors to, 4 ms each: who comes later waits for the next pass."""

TRIES = 20
"""Times that a pass decides anew because somebody published meanwhile."""

KNOWN_MOST = 20_000
"""Known clusters that new kinds are held against; 30 MB of vectors."""


class Answers(Protocol):
    """Whatever is asked about kinds: the stages behind the inline ones.

    Attributes:
        calls: kinds that went through each stage.
        sure: confidence from which on a verdict given inline needs no second opinion.
    """

    calls: Counter[str]
    sure: float

    def ask(self, kinds: Sequence[Kind], inline: Mapping[str, Verdict]) -> list[Verdict]:
        """Give one verdict a kind; `inline`: what was said of them by key, when they were first met.

        A verdict is settled unless a stage was out of reach.
        """
        ...

    def policy(self) -> Policy:
        """Give the policy that holds now."""
        ...

    def ready(self) -> bool:
        """Tell whether no stage is out of reach now."""
        ...


@dataclass(frozen=True)
class Learned:
    """What a pass did.

    Attributes:
        kinds: in the lake. fresh: of these not settled before. templates: of these kinds.
        fitted: kinds that took over what is known of their template, without a vector.
        inherited: templates that took over the label of a cluster they are near to, without a call.
        vectors: kinds that went through the encoder. calls: kinds through each learn stage.
        settled: templates by the stage that settled them. clusters: formed. split: parted, as their members disagreed.
        waiting: templates that a server could not be asked about now. left: that wait for the next pass.
        published: rows.
        turned: all kinds were decided anew, under another policy.
    """

    kinds: int = 0
    fresh: int = 0
    templates: int = 0
    fitted: int = 0
    vectors: int = 0
    inherited: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    clusters: int = 0
    split: int = 0
    waiting: int = 0
    left: int = 0
    published: int = 0
    turned: bool = False


class Turns(Protocol):
    """Whatever knows whether kinds are to be decided anew: the dial."""

    def turned(self) -> str | None:
        """Give the name of a policy that kinds were not decided under yet; None: they were."""
        ...

    def decided(self, name: str) -> None:
        """Note that they are now."""
        ...


class _Asked:
    """What was asked in a pass; a kind that comes again, as the pass decides anew, is not asked about again.

    Args:
        answers: gives whom to ask; called when first needed.
    """

    def __init__(self, answers: Callable[[], Answers]) -> None:
        self._answers, self.calls = answers, Counter[str]()
        self._said: dict[Kind, Verdict] = {}

    def ask(self, kinds: Sequence[Kind], inline: Mapping[str, Verdict]) -> list[Verdict]:
        """Give one verdict a kind, in the order given."""
        fresh = [kind for kind in kinds if kind not in self._said]
        if fresh:
            answers = self._answers()
            before = Counter(answers.calls)
            self._said |= zip(fresh, answers.ask(fresh, inline), strict=True)
            self.calls += Counter(answers.calls) - before
        return [self._said[kind] for kind in kinds]


class Learner:
    """Learns pass after pass.

    Args:
        encoder, answers: make what is named; called when first needed, as models take a while to load. An encoder that
            is None: no clusters, each template is asked about by itself.
        most: templates that get vectors in one pass, unless all is learnt again; of a flood fewer (`learn_turns`).
        dial: tells when another policy holds than the one that kinds were decided under; then all are decided anew.
    """

    def __init__(
        self,
        lake: Lake,
        encoder: Callable[[], Encodes | None],
        answers: Callable[[], Answers],
        *,
        most: int = MOST,
        dial: Turns | None = None,
    ) -> None:
        self.lake, self._load_encoder, self._load_answers, self._most = lake, encoder, answers, most
        self._dial = dial
        self._vectors: Vectors | None = None
        self._answers: Answers | None = None
        self._templates = Templates()
        self._merged: set[str] = set()
        self._resolved: Resolved = {}
        self._looked: tuple[int, int] | None = None
        self._waiting = False

    def once(self, *, again: bool = False, dry: bool = False) -> Learned:
        """Do one pass.

        Args:
            again: learn anew what was learnt before; what people and rules said stays.
            dry: publish nothing.

        Raises:
            LakeError: the lake cannot be read or written.
            ModelError: a model is damaged.
        """
        mark = self._dial.turned() if self._dial is not None else None
        done = self._pass(again=again or mark is not None, dry=dry)
        if self._dial is not None and mark is not None and not dry:
            self._dial.decided(mark)
        return replace(done, turned=mark is not None)

    def _pass(self, *, again: bool, dry: bool) -> Learned:
        retry = self._answers is None or self._answers.ready()
        if self.lake.registry_stamp() == self._looked and not again and not (self._waiting and retry):
            return Learned()
        asked, before = _Asked(self._models), self._vectors.made if self._vectors else 0
        for _ in range(TRIES):
            if (done := self._try(asked, again=again, dry=dry, retry=retry)) is not None:
                break
        else:
            raise LakeError(f"{self.lake.root}: others published {TRIES} times during a pass; the next one takes it up")
        vectors = self._vectors.made - before if self._vectors else 0
        return replace(done, calls=dict(asked.calls), vectors=vectors)

    def _try(self, asked: _Asked, *, again: bool, dry: bool, retry: bool) -> Learned | None:
        """Decide from what the lake holds now, and publish; None: somebody else published meanwhile."""
        stamp = self.lake.registry_stamp()
        state = State(self.lake.kinds(), again=again, retry=retry)
        templates = self._templates_of(state)
        state.reopen(templates)
        settled = state.settled(templates)
        items = state.items(templates, settled)
        known = Counter(state.kind(i).app for i in settled.values())
        chosen = items if again else turns(items, known, self._most)
        labelled, clusters = self._labelled(chosen, state, asked)
        rows = rows_of(state, templates, settled, labelled)
        left = len(items) - len(chosen)
        fresh = [i for i in range(len(state)) if not state.done[i] and templates[i].text != OTHER]
        if not dry and self.lake.publish_after(stamp[0], rows) is None:
            return None
        METER.clustered([one.verdict for one in labelled.values()])
        self._looked = None if left or dry or rows.num_rows else stamp
        self._waiting = state.waiting() or not all(one.verdict.settled for one in labelled.values())
        heirs = sum(1 for one in labelled.values() if one.reason.startswith(INHERITED))
        split = sum(1 for one in labelled.values() if one.reason.startswith("split"))
        return Learned(
            kinds=len(state), fresh=len(fresh), templates=len({one.id for one in templates}), clusters=clusters,
            fitted=sum(1 for i in fresh if templates[i].id in settled), inherited=heirs, settled=by_stage(labelled),
            waiting=sum(not one.verdict.settled for one in labelled.values()), split=split, left=left,
            published=rows.num_rows,
        )  # fmt: skip

    def _templates_of(self, state: State) -> list[Template]:
        """Merge the keys that are new, follow people's orders, and give the template of each row."""
        orders = state.orders()
        if orders != self._templates.orders:
            self._templates, self._merged, self._resolved = Templates(orders=orders), set(), {}
        fresh = state.fresh(self._merged)
        if fresh:
            self._templates = self._templates.merge([state.kind(i) for i in fresh], [state.since(i) for i in fresh])
            self._merged.update(state.keys[i] for i in fresh)
        self._resolved = templates_of(self._templates, state, self._resolved)
        return [self._resolved[key][1] for key in state.keys]

    def _labelled(self, items: list[Item], state: State, asked: _Asked) -> tuple[dict[str, Labelled], int]:
        """Cluster and label templates; gives them by id, and how many clusters were formed."""
        if not items:
            return {}, 0
        answers = self._models()
        known = state.clusters(KNOWN_MOST)
        with METER.by(CLUSTER):
            found = self._clusters([item.kind for item in items], known)
        by_id = {item.kind.key: item for item in items}
        inline = {i: item.inline for i, item in by_id.items()}
        by_key = label(by_id, found, known, lambda kinds: asked.ask(kinds, inline), answers.sure, answers.policy())
        METER.tallied(getattr(answers, "tally", None))
        return {by_id[key].template_id: one for key, one in by_key.items()}, len(found.found)

    def _models(self) -> Answers:
        self._answers = self._answers or self._load_answers()
        return self._answers

    def _clusters(self, kinds: list[Kind], known: Mapping[str, Known]) -> Clusters:
        """Cluster kinds beside what is known."""
        if self._vectors is None and (encoder := self._load_encoder()) is not None:
            self._vectors = Vectors(encoder)
        if self._vectors is None:
            return Clusters(alone=tuple(kind.key for kind in kinds))
        return cluster(*self._vectors.members(kinds, [one.medoid for one in known.values()]))
