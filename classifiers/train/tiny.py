"""Train the tiny stage: labelled kinds in, a model folder out; the same bytes for the same seed and data."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import scipy.sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.features import Recipe, features
from classifiers.neighbours import CORPUS_FILE
from classifiers.text import input_text
from classifiers.tiny import MODEL_FILE
from classifiers.train.corpus import Labelled, ToKind
from classifiers.train.dealt import FAMILY_POWER, Dealt, allowed, deal
from classifiers.train.evaluate import LEAVES, probabilities
from classifiers.train.export import write_card, write_corpus, write_model
from classifiers.train.fit import F32, Settings, logistic, one_hot
from classifiers.train.judge import Judged, errors, facts, judge, told
from classifiers.train.lessons import TRUST, Lesson, Teacher, doubtful, drawn, pool
from classifiers.train.phrases import Pattern, patterns
from schemas.registry import Kind
from schemas.taxonomy import taxonomy

RECIPE = Recipe(
    buckets=50_000,
    char=(2, 4),
    weights={"app": 0.5, "app_char": 0.3, "word": 1.0, "pair": 0.5, "skip": 0.2, "char": 1.0},
)
"""The best of a search (`dioptre train search`); 50,000 rows of 55 int8 keep under 3 MB."""

SETTINGS = Settings(strength=100.0, iterations=60, balance=0.5)
PHRASE_WEIGHT = 2.0
"""How much a pattern of the phrases counts, in labelled kinds."""

RARITY = 1.5
"""Power of the inverse document frequency by which features are weighted."""

LESSON, LESSON_WEIGHT = 4_000, 0.3
"""Kinds without a label that a taught model learns from, and how much each counts."""

LISTED = 700
"""Labelled kinds of a leaf that are packaged, at most: a new kind is compared with all of them, .14 ms for 36,000."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """A fitted model: what it counts, the weights of its features (buckets, leaves), and a bias."""

    recipe: Recipe
    table: F32
    bias: F32

    def logits(self, kinds: Sequence[Kind]) -> F32:
        """Give (n, leaves) in float; the file rounds the table to int8."""
        return np.asarray(matrix(kinds, self.recipe) @ self.table + self.bias, np.float32)


def train(
    corpus_dir: Path, out_dir: Path, to_kind: ToKind, seed: int = 0, say: Say = lambda line: None, *,
    teacher: Teacher | None = None, unlabelled: Sequence[Kind] = (),
) -> dict[str, Any]:  # fmt: skip
    """Train on the split `train`, and write `model.onnx`, `card.json` and `corpus.tsv.gz` (for `explain`) to a folder.

    Args:
        to_kind: the key function, as (program, message) -> kind.
        seed: of the phrases' variants, and of what a lesson is chosen from.
        say: is told what goes on, line by line.
        teacher: gives probabilities of kinds; the model then learns from what it says as well as from the labels.
        unlabelled: kinds that a teacher may be asked about.

    Returns:
        The model card, and beside it `conflicts`, the kinds that the corpus labels in two ways, and `errors`, the
        kinds of `tune` and `test` that were labelled wrongly, surest first.

    Raises:
        CorpusError: the corpus cannot be used.
    """
    with threadpool_limits(limits=1):
        dealt = deal(corpus_dir, to_kind)
        weak = patterns(seed)
        say(f"{len(dealt.at('train'))} kinds to train on, {len(weak)} patterns")
        model = fitted(dealt, weak)
        lesson = None
        if teacher is not None:
            others = allowed(dealt, corpus_dir, unlabelled)
            lesson = chosen(dealt, model, teacher, others, seed, say)
            model = fitted(dealt, weak, teacher=teacher, lesson=lesson)
        at, asked = dealt.at("tune"), dealt.at("test")
        tune, test = model.logits(dealt.kinds(at)), model.logits(dealt.kinds(asked))
        found = judge(tune, dealt.classes[at], dealt.families(at), test, dealt.classes[asked])
        card = _card(dealt, found, len(weak), lesson, seed, corpus_dir)
        _write(out_dir, card, model, dealt)
    both = np.concatenate([at, asked])
    wrong = errors(np.concatenate([tune, test]), dealt.classes[both], [dealt.rows[i] for i in both.tolist()])
    return {**card, "conflicts": [asdict(c) for c in dealt.conflicts], "errors": wrong}


def fitted(
    dealt: Dealt, weak: Sequence[Pattern], recipe: Recipe = RECIPE, settings: Settings = SETTINGS, *,
    teacher: Teacher | None = None, lesson: Lesson | None = None,
) -> Model:  # fmt: skip
    """Fit a model on the kinds of `train`, the patterns, and what a teacher says."""
    at = dealt.at("train")
    kinds = dealt.kinds(at)
    wanted = one_hot(dealt.classes[at], len(LEAVES))
    if teacher is not None:
        wanted = ((1 - TRUST) * wanted + TRUST * teacher(kinds)).astype(np.float32)
    said = one_hot(np.array([LEAVES.index(pattern.leaf) for pattern in weak], np.int64), len(LEAVES))
    parts = [matrix(kinds, recipe), _means(weak, recipe)]
    wanted, weight = np.concatenate([wanted, said]), [dealt.weights(at), np.full(len(weak), PHRASE_WEIGHT, np.float32)]
    if lesson is not None:
        parts.append(matrix(lesson.kinds, recipe))
        wanted = np.concatenate([wanted, lesson.wanted.astype(np.float32)])
        weight.append(np.full(len(lesson.kinds), lesson.weight, np.float32))
    rows = scipy.sparse.vstack(parts).tocsr()
    rarity = _rarity(rows, len(kinds), recipe)
    scaled = (rows @ scipy.sparse.diags(rarity)).tocsr().astype(np.float32)
    table, bias = logistic(scaled, wanted, np.concatenate(weight), settings)
    return Model(recipe, table * rarity[:, None], bias)


def chosen(dealt: Dealt, model: Model, teacher: Teacher, unlabelled: Sequence[Kind], seed: int, say: Say) -> Lesson:
    """Choose what a taught model learns from beside the labels: where the teacher is sure and the model is not."""
    rng = random.Random(seed)
    asked = drawn(pool(dealt.kinds(dealt.at("train")), unlabelled, seed), 2 * LESSON, rng)
    say(f"asking the teacher about {len(asked)} kinds without a label")
    wanted = teacher(asked)
    rows = doubtful(wanted, probabilities(model.logits(asked), 1.0), LESSON, seed)
    return Lesson(tuple(asked[i] for i in rows), wanted[rows], LESSON_WEIGHT)


def matrix(kinds: Sequence[Kind], recipe: Recipe) -> Any:
    """Count features: a sparse matrix (kinds, buckets), without any rarity."""
    found = features([input_text(kind) for kind in kinds], recipe)
    return scipy.sparse.csr_matrix((found.value, (found.row, found.bucket)), shape=(found.n, recipe.buckets))


def _means(weak: Sequence[Pattern], recipe: Recipe) -> Any:
    """One row a pattern: the mean of its variants."""
    texts = [pattern.kinds() for pattern in weak]
    sizes = np.array([len(group) for group in texts], np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    total = int(ends[-1])
    mean = scipy.sparse.csr_matrix((np.repeat(1.0 / sizes, sizes), np.arange(total), ends), shape=(len(sizes), total))
    return (mean @ matrix([kind for group in texts for kind in group], recipe)).tocsr()


def _rarity(rows: Any, labelled: int, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Weigh features by how rare they are, so that a labelled kind's length is about 1."""
    n = rows.shape[0]
    count = np.bincount(rows.indices, minlength=recipe.buckets)
    rarity = (1.0 + np.log((1.0 + n) / (1.0 + count))) ** RARITY
    squares = (rows[:labelled] @ scipy.sparse.diags(rarity)).power(2).sum() / labelled
    return np.asarray(rarity / np.sqrt(squares), np.float32)


def _card(dealt: Dealt, found: Judged, weak: int, lesson: Lesson | None, seed: int, corpus_dir: Path) -> dict[str, Any]:
    taught = {"lesson": len(lesson.kinds), "lesson_weight": lesson.weight, "trust": TRUST} if lesson else {}
    return {
        "name": "tiny",
        "what": "multinomial logistic regression on hashed n-grams of words and bytes, int8 table",
        "labels": list(LEAVES),
        "taxonomy": taxonomy().hash,
        "recipe": asdict(RECIPE),
        "rarity": RARITY,
        "settings": {**asdict(SETTINGS), "phrase_weight": PHRASE_WEIGHT, "family_power": FAMILY_POWER, **taught},
        "training": facts(dealt, seed, corpus_dir, weak_patterns=weak),
        **told(found),
    }


def listed(rows: Sequence[Labelled], most: int = LISTED) -> list[Labelled]:
    """Choose the labelled kinds that go with the model: so many of each leaf at most, always the same.

    Programs with many kinds come first, for they are met most; beyond that it is as if drawn.
    """
    kinds = Counter(row.program for row in rows)

    def place(row: Labelled) -> tuple[int, int]:
        return -kinds[row.program], crc32(f"{row.program} {row.kind.template}".encode("utf-8", "replace"))

    order = sorted(rows, key=place)
    seen: Counter[str] = Counter()
    chosen = set()
    for row in order:
        seen[row.leaf] += 1
        if seen[row.leaf] <= most:
            chosen.add((row.program, row.kind))
    return [row for row in rows if (row.program, row.kind) in chosen]


def _write(out_dir: Path, card: dict[str, Any], model: Model, dealt: Dealt) -> None:
    """Write the three files; the card pins the other two."""
    out_dir.mkdir(parents=True, exist_ok=True)
    rows = listed([dealt.rows[i] for i in dealt.at("train").tolist()])
    card["files"] = {
        MODEL_FILE: write_model(out_dir / MODEL_FILE, model.table, model.bias, card["temperature"]),
        CORPUS_FILE: write_corpus(out_dir / CORPUS_FILE, rows),
    }
    write_card(out_dir / "card.json", card)
