"""Train the tiny stage: labelled kinds in, a model folder out; the same bytes for the same seed and data."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.features import Recipe, features
from classifiers.neighbours import CORPUS_FILE
from classifiers.text import input_text
from classifiers.tiny import MODEL_FILE
from classifiers.train import corpus, evaluate
from classifiers.train.corpus import Labelled, ToKind
from classifiers.train.export import write_card, write_corpus, write_model
from classifiers.train.fit import I64, Rows, Settings, logistic
from classifiers.train.judge import Judged, errors, judge, training_facts
from classifiers.train.phrases import Pattern, patterns
from schemas.registry import Kind
from schemas.taxonomy import taxonomy

RECIPE = Recipe(
    buckets=50_000,
    char=(2, 4),
    weights={"app": 0.5, "app_char": 0.3, "word": 1.0, "pair": 0.5, "skip": 0.2, "char": 1.0},
)
"""The best of a search by folds over the programs of train and tune; 50,000 rows of 55 int8 keep under 3 MB. Longer
pieces gain nothing there (leaf macro-F1 .614 for 3 to 5 bytes, .623 for 2 to 4): they fill the buckets."""

SETTINGS = Settings(strength=100.0, iterations=60, balance=0.5)
PHRASE_WEIGHT = 2.0
"""How much a pattern of the phrases counts, in labelled kinds."""

FAMILY_POWER = 0.3
"""A kind counts its family's number of kinds to the power of minus this, so that large programs do not drown small."""

RARITY = 1.5
"""Power of the inverse document frequency by which features are weighted."""

FOLDS = 5
PRECISION = 0.8
"""Share of answers that should be right above the floor, on programs never met."""


@dataclass(frozen=True)
class Data:
    """Rows for training: labelled kinds first, then one row a pattern. `features` holds no rarity yet."""

    kinds: Sequence[Labelled]
    features: Any
    classes: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32]


def train(
    corpus_dir: Path, out_dir: Path, to_kind: ToKind, seed: int = 0, say: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Train, and write `model.onnx`, `card.json` and `corpus.tsv.gz` (for `explain`) to a folder.

    Scores come from folds by program over the whole corpus: every kind is judged by a model that never met its
    program. The model written is trained on everything.

    Args:
        to_kind: the key function, as (program, message) -> kind.
        seed: of the folds and of the phrases' variants.
        say: is told what goes on, line by line.

    Returns:
        The model card, and beside it `conflicts`, the kinds that the corpus labels in two ways, and `errors`, the
        held-out kinds that were labelled wrongly, surest first.

    Raises:
        CorpusError: the corpus cannot be used.
    """
    with threadpool_limits(limits=1):
        kinds, conflicts = corpus.read(corpus_dir, to_kind)
        say(f"{len(kinds)} kinds of {len({row.program for row in kinds})} programs")
        data = _data(kinds, patterns(seed))
        rows, rarity = _rows(data)
        fold = evaluate.folds([corpus.family(row.program) for row in kinds], FOLDS, seed)
        held_out = _held_out(rows, data, fold, say)
        found = judge(held_out, data.classes[: len(kinds)], fold, PRECISION)
        say("fitting on train + tune, for the test split")
        test = _tested(rows, data, corpus.splits_of(corpus_dir, [row.program for row in kinds]), found)
        say("fitting on everything")
        table, bias = _fitted(rows, data, np.arange(len(data.classes)))
        card = _card(data, found, test, seed, corpus_dir)
        _write(out_dir, card, rows.table(table) * rarity[:, None], bias, kinds)
    return {**card, "conflicts": [asdict(c) for c in conflicts], "errors": errors(held_out, data.classes, kinds)}


def _data(kinds: Sequence[Labelled], weak: Sequence[Pattern]) -> Data:
    """Count features; the variants of a pattern are averaged into one row."""
    texts = [pattern.kinds() for pattern in weak]
    raw = _matrix([row.kind for row in kinds] + [kind for group in texts for kind in group])
    sizes = np.array([1] * len(kinds) + [len(group) for group in texts])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    shape = (len(sizes), raw.shape[0])
    mean = scipy.sparse.csr_matrix((np.repeat(1.0 / sizes, sizes), np.arange(raw.shape[0]), ends), shape=shape)
    leaves = list(taxonomy().leaves)
    labels = [row.leaf for row in kinds] + [pattern.leaf for pattern in weak]
    weight = np.concatenate([_row_weights(kinds), np.full(len(weak), PHRASE_WEIGHT)]).astype(np.float32)
    return Data(kinds, (mean @ raw).tocsr(), np.array([leaves.index(x) for x in labels], np.int64), weight)


def _row_weights(kinds: Sequence[Labelled]) -> npt.NDArray[np.float64]:
    """How much each labelled kind counts; 1 on average."""
    families = [corpus.family(row.program) for row in kinds]
    size = Counter(families)
    weight = np.array([size[family] ** -FAMILY_POWER for family in families])
    return np.asarray(weight / weight.mean())


def _matrix(kinds: Sequence[Kind]) -> Any:
    found = features([input_text(kind) for kind in kinds], RECIPE)
    return scipy.sparse.csr_matrix((found.value, (found.row, found.bucket)), shape=(found.n, RECIPE.buckets))


def _rows(data: Data) -> tuple[Rows, npt.NDArray[np.float32]]:
    """Weight features by rarity, so that a labelled kind's length is about 1, and factor the rows.

    The rarity goes into the table in the end.
    """
    n = data.features.shape[0]
    count = np.bincount(data.features.indices, minlength=RECIPE.buckets)
    rarity = (1.0 + np.log((1.0 + n) / (1.0 + count))) ** RARITY
    squares = (data.features[: len(data.kinds)] @ scipy.sparse.diags(rarity)).power(2).sum() / len(data.kinds)
    rarity = (rarity / np.sqrt(squares)).astype(np.float32)
    return Rows.of((data.features @ scipy.sparse.diags(rarity)).tocsr().astype(np.float32)), rarity


def _fitted(rows: Rows, data: Data, chosen: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    basis, classes, weight = rows.basis[chosen], data.classes[chosen], data.weight[chosen]
    return logistic(basis, classes, len(taxonomy().leaves), weight, SETTINGS)


def _held_out(rows: Rows, data: Data, fold: I64, say: Callable[[str], None]) -> npt.NDArray[np.float32]:
    """Logits of every labelled kind, from models that never met its program's family."""
    n = len(data.kinds)
    out = np.zeros((n, len(taxonomy().leaves)), np.float32)
    for k in range(FOLDS):
        say(f"fold {k + 1} of {FOLDS}")
        out[fold == k] = _logits(rows, data, np.flatnonzero(fold != k), np.flatnonzero(fold == k))
    return out


def _logits(rows: Rows, data: Data, seen: I64, asked: I64) -> npt.NDArray[np.float32]:
    """Logits of the kinds `asked` from a model trained on the kinds `seen` and the phrases."""
    weak = np.arange(len(data.kinds), len(data.classes))
    table, bias = _fitted(rows, data, np.concatenate([seen, weak]))
    return np.asarray(rows.basis[asked] @ table + bias, np.float32)


def _tested(rows: Rows, data: Data, splits: Sequence[str], found: Judged) -> dict[str, Any] | None:
    """Scores on the programs of the test split, of a model trained on the others; None without a test split."""
    where = np.array(splits)
    seen, asked = np.flatnonzero(where != "test"), np.flatnonzero(where == "test")
    if not len(seen) or not len(asked):
        return None
    p = evaluate.probabilities(_logits(rows, data, seen, asked), found.temperature)
    return evaluate.scores(p, evaluate.calibrated(p.max(1), found.knots), data.classes[asked], found.floor)


def _card(data: Data, found: Judged, test: dict[str, Any] | None, seed: int, corpus_dir: Path) -> dict[str, Any]:
    return {
        "name": "tiny",
        "what": "multinomial logistic regression on hashed n-grams of words and bytes, int8 table",
        "labels": list(taxonomy().leaves),
        "taxonomy": taxonomy().hash,
        "recipe": asdict(RECIPE),
        "rarity": RARITY,
        "settings": {**asdict(SETTINGS), "phrase_weight": PHRASE_WEIGHT, "family_power": FAMILY_POWER},
        "temperature": found.temperature,
        "confidence": found.knots,
        "floor": found.floor,
        "training": training_facts(data.kinds, len(data.classes) - len(data.kinds), seed, corpus_dir),
        "scores_unseen_programs": {
            "how": f"{FOLDS} folds by program family over the whole corpus; the file itself is trained on everything",
            **found.scores,
        },
        "scores_test_split": test and {"how": "trained without the programs of the test split", **test},
    }


def _write(out_dir: Path, card: dict[str, Any], table: Any, bias: Any, kinds: Sequence[Labelled]) -> None:
    """Write the three files; the card pins the other two."""
    out_dir.mkdir(parents=True, exist_ok=True)
    card["files"] = {
        MODEL_FILE: write_model(out_dir / MODEL_FILE, table, bias, card["temperature"]),
        CORPUS_FILE: write_corpus(out_dir / CORPUS_FILE, kinds),
    }
    write_card(out_dir / "card.json", card)
