"""Fit the exit scores on the `tune` split: programs that no model was trained on."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.card import CARD, MODELS, read_card
from classifiers.exits import DOMAIN_OF, EVIDENCE, FILE, LEAVES, ExitScore, domains
from classifiers.near import Near, labelled
from classifiers.opinions import Seen, spread
from classifiers.plan import plan_of
from classifiers.stage import Model
from classifiers.train import corpus
from classifiers.train.exit_fit import Fitted, Found, Held, fit, ladder_of, policies_of, tier_of, worthless
from classifiers.verify import words
from schemas.policy import DOMAIN, LEAF, TIERS, Ladder
from schemas.registry import Kind

ROUNDS, SAMPLE = 5, 256
"""How often, and on how many kinds, the cost of a stage is measured."""

_NEAR = "near"


def train(
    folder: Path, target: Path, to_kind: corpus.ToKind, say: Callable[[str], None], root: Path = MODELS
) -> dict[str, Any]:
    """Fit exit scores for the models of a folder, and write them with a card.

    Args:
        folder: the corpus. target: where they go. root: folder of the models.
    Returns:
        The card: AURC and ECE by stage and depth, before and after; thresholds by tier; stages left out.
    """
    plan = plan_of(scored=False, root=root)
    for name, why in plan.left_out.items():
        say(f"{name}: left out: {why}")
    left_out = strangers(root, [stage.name for stage in plan.stages])
    stages = [stage for stage in plan.stages if stage.name not in left_out]
    names = [stage.name for stage in stages]
    held, model = _held(folder, to_kind, stages, root, say)
    fitted = fit(held, names)
    for name in names[1:-1]:
        without = [other for other in names if other != name]
        fewer = fit(held, without)
        gain = worthless(held, fitted, fewer, names, without)
        if gain is not None:
            left_out[name], names, fitted = gain, without, fewer
    ladder = ladder_of(held, fitted, names)
    found = policies_of(ladder, held.truth)
    models = {stage.name: stage.model for stage in stages if stage.name in names}
    score = ExitScore(
        models, model, held.costs, fitted.weights, found.offsets, found.thresholds, left_out,
        gaps=found.gaps, passes=found.passes,
    )  # fmt: skip
    return _write(target, score, fitted, ladder, found, held, corpus.data_hash(corpus.files(folder)))


def strangers(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Find stages, but the first and the last, that were trained on another corpus than the first.

    What such a stage knows of the programs of `tune` cannot be told, so what it seems to gain there proves nothing.
    """
    corpora = {name: read_card(root / name).get("training", {}).get("corpus_sha256") for name in names}
    other = [name for name in names[1:-1] if corpora[name] != corpora[names[0]]]
    return dict.fromkeys(other, f"trained on another corpus than {names[0]}: it may know programs of `tune`")


def _held(
    folder: Path, to_kind: corpus.ToKind, stages: Sequence[Model], root: Path, say: Callable[[str], None]
) -> tuple[Held, str]:
    """Ask every stage about the kinds of `tune`."""
    rows, _ = corpus.read(folder, to_kind)
    splits = corpus.splits_of(folder, [row.program for row in rows])
    chosen = [row for row, split in zip(rows, splits, strict=True) if split == "tune"]
    if not chosen:
        raise corpus.CorpusError(f"{folder}: no kinds of split tune; more programs would be right")
    kinds = [row.kind for row in chosen]
    met = {(r.kind.app, r.kind.template) for r, split in zip(rows, splits, strict=True) if split == "train"}
    near = _near(root / "tiny", met, say)
    leaf = np.array([LEAVES.index(row.leaf) for row in chosen], np.int64)
    p = {}
    for stage in stages:
        found = spread(stage, kinds)
        p[stage.name] = {LEAF: found, DOMAIN: domains(found)}
    costs = costs_of(stages, near, kinds)
    counts = np.array([float(len(words(kind.template))) for kind in kinds])
    family = [corpus.family(row.program) for row in chosen]
    truth = {LEAF: leaf, DOMAIN: DOMAIN_OF[leaf]}
    return Held(family, truth, Seen.of(near.cosines(kinds), counts), p, costs), near.model


def costs_of(stages: Sequence[Model], near: Near, kinds: Sequence[Kind], rounds: int = ROUNDS) -> dict[str, float]:
    """Measure CPU-seconds a kind, by stage: the least of several rounds over the same sample, all stages in each.

    A neighbour on the machine only ever adds, and to all stages of a round alike. What is looked up for every kind
    before a stage is asked counts as the first stage's. Each round asks of kinds with a word of its own, for a stage
    that remembers what it was asked would answer for nothing.
    """
    sample = [kinds[i] for i in np.random.default_rng(0).permutation(len(kinds))[:SAMPLE].tolist()]
    asks: dict[str, Callable[[Sequence[Kind]], object]] = {stage.name: stage.scores for stage in stages}
    least = dict.fromkeys([*asks, _NEAR], np.inf)
    for turn in range(rounds):
        asked = [replace(kind, template=f"{kind.template} turn {turn}") for kind in sample]
        for name, ask in (*asks.items(), (_NEAR, near.cosines)):
            began = time.thread_time()
            ask(asked)
            least[name] = min(least[name], (time.thread_time() - began) / len(asked))
    least[stages[0].name] += least.pop(_NEAR)
    return {name: round(float(seconds), 7) for name, seconds in least.items()}


def _near(tiny: Path, met: set[tuple[str, str]], say: Callable[[str], None]) -> Near:
    """Index the labelled kinds of `train` alone: a kind that stands in the list itself would be near to itself."""
    rows, model = labelled(tiny)
    index = [row for row in rows if row[1:] in met]
    if len(index) < len(rows):
        strange = len(rows) - len(index)
        say(f"{tiny}: {strange} labelled kinds are not of `train`; if it was trained on them, scores flatter")
    return Near(index, model)


def _write(
    target: Path, score: ExitScore, fitted: Fitted, ladder: Ladder, found: Found, held: Held, data: str
) -> dict[str, Any]:
    target.mkdir(parents=True, exist_ok=True)
    text = json.dumps(score.tree(), indent=1).encode()
    (target / FILE).write_bytes(text)
    card = {
        "name": "exits",
        "what": f"logistic exit scores of {', '.join(score.models)} over {', '.join(EVIDENCE)}",
        "fitted_on": {
            "split": "tune", "kinds": len(held.family), "programs": len(set(held.family)), "corpus_sha256": data,
        },
        "models": dict(score.models), "near": score.near, "costs_s": dict(score.costs),
        "left_out": dict(score.left_out), "scores": fitted.rows,
        "tiers": [tier_of(ladder, held.truth, name, found) for name in TIERS],
        "files": {FILE: hashlib.sha256(text).hexdigest()},
    }  # fmt: skip
    (target / CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    return card
