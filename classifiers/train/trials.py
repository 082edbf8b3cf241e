"""What settings of the tiny stage are worth: a search over what it counts, and a curve over what it is taught."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.train.corpus import ToKind
from classifiers.train.dealt import Dealt, allowed, deal
from classifiers.train.evaluate import DOMAIN_OF, LEAVES, macro_f1, probabilities
from classifiers.train.lessons import Lesson, Teacher, doubtful, drawn, pool
from classifiers.train.phrases import patterns
from classifiers.train.tiny import LESSON_WEIGHT, RECIPE, Model, fitted
from schemas.registry import Kind

RANGES = ((2, 4), (2, 3), (3, 4), (3, 5), (2, 5))
TABLES = ((25_000, 25_000), (50_000, 25_000), (100_000, 25_000), (50_000, 50_000), (100_000, 50_000))
"""Buckets counted, and buckets kept: small and dense beside large and sparse, of as many non-zeros."""

COUNTS = (0, 1_000, 2_000, 4_000, 8_000)


@dataclass(frozen=True)
class Trial:
    """One setting: lengths of pieces in bytes, buckets counted and kept, and what it scores on `tune`."""

    char: tuple[int, int]
    buckets: int
    kept: int
    megabytes: float
    leaf_macro_f1: float
    domain_macro_f1: float


@dataclass(frozen=True)
class Taught:
    """Leaf macro-F1 on `tune` after lessons of `count` kinds: chosen at random, and where the student doubted."""

    count: int
    random: float
    doubtful: float


def search(corpus_dir: Path, to_kind: ToKind, seed: int) -> Iterator[Trial]:
    """Try lengths of pieces with the table as it is, then sizes of the table with pieces as they are."""
    dealt, weak = deal(corpus_dir, to_kind), patterns(seed)
    for char in RANGES:
        recipe = replace(RECIPE, char=char)
        with threadpool_limits(limits=1):
            model = fitted(dealt, weak, recipe)
        yield _trial(dealt, model, recipe.buckets)
    for buckets in sorted({buckets for buckets, _ in TABLES}):
        with threadpool_limits(limits=1):
            model = fitted(dealt, weak, replace(RECIPE, buckets=buckets))
        for kept in (kept for other, kept in TABLES if other == buckets):
            yield _trial(dealt, model, kept)


def curve(
    corpus_dir: Path, to_kind: ToKind, teacher: Teacher, unlabelled: Sequence[Kind], seed: int,
    say: Callable[[str], None],
) -> Iterator[Taught]:  # fmt: skip
    """Teach it ever more kinds that nobody labelled, chosen in two ways."""
    dealt, weak = deal(corpus_dir, to_kind), patterns(seed)
    student = fitted(dealt, weak)
    others = allowed(dealt, corpus_dir, unlabelled)
    asked = drawn(pool(dealt.kinds(dealt.at("train")), others, seed), 2 * COUNTS[-1], random.Random(seed))
    say(f"asking the teacher about {len(asked)} kinds without a label")
    wanted = teacher(asked)
    cached = teacher(dealt.kinds(dealt.at("train")))
    doubt = probabilities(student.logits(asked), 1.0)
    for count in COUNTS:
        chosen = (drawn(range(len(asked)), count, random.Random(seed)), doubtful(wanted, doubt, count, seed))
        scores = []
        for rows in chosen:
            lesson = Lesson(tuple(asked[i] for i in rows), wanted[rows], LESSON_WEIGHT) if rows else None
            with threadpool_limits(limits=1):
                model = fitted(dealt, weak, teacher=lambda kinds: cached, lesson=lesson)
            scores.append(_scores(dealt, model)[0])
        yield Taught(count, *scores)


def pruned(model: Model, kept: int) -> Model:
    """Keep the heaviest rows of a table, and forget the others."""
    weight = np.abs(model.table).sum(1)
    table = model.table.copy()
    table[np.argsort(-weight, kind="stable")[kept:]] = 0.0
    return replace(model, table=table)


def _trial(dealt: Dealt, model: Model, kept: int) -> Trial:
    sparse = kept < model.recipe.buckets
    leaf, domain = _scores(dealt, pruned(model, kept) if sparse else model)
    size = kept * (len(LEAVES) + 2) + (2 * model.recipe.buckets if sparse else 0)
    return Trial(model.recipe.char, model.recipe.buckets, kept, size / 1e6, leaf, domain)


def _scores(dealt: Dealt, model: Model) -> tuple[float, float]:
    at = dealt.at("tune")
    p = probabilities(model.logits(dealt.kinds(at)), 1.0)
    coarse = np.stack([p[:, np.flatnonzero(d == DOMAIN_OF)].sum(1) for d in range(DOMAIN_OF.max() + 1)], 1)
    truth = dealt.classes[at]
    return macro_f1(truth, p.argmax(1)), macro_f1(DOMAIN_OF[truth], coarse.argmax(1))
