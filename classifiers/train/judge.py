"""Calibrate held-out answers, choose the floor, and write down what a card tells about a training."""

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.train import corpus, evaluate
from classifiers.train.corpus import Labelled
from classifiers.train.evaluate import LEAVES
from classifiers.train.phrases import FILE as PHRASES

I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
_LIBRARIES = ("numpy", "scipy", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Judged:
    """How to read a model's logits: temperature, the line from probability to confidence, the floor; and its scores."""

    temperature: float
    knots: list[tuple[float, float]]
    floor: float
    scores: dict[str, Any]


def judge(logits: F32, truth: I64, fold: I64, precision: float) -> Judged:
    """Calibrate on held-out logits (n, leaves).

    The scores, and the floor, are those of a calibration that did not see the fold it is judged on; what goes into
    the model is calibrated on all folds.
    """
    p, confidence = np.zeros(logits.shape), np.zeros(len(truth))
    for k in np.unique(fold):
        here = fold == k
        temperature, knots = _calibration(logits[~here], truth[~here])
        p[here] = evaluate.probabilities(logits[here], temperature)
        confidence[here] = evaluate.calibrated(p[here].max(1), knots)
    floor = evaluate.floor_of(confidence, p.argmax(1) == truth, precision)
    temperature, knots = _calibration(logits, truth)
    return Judged(temperature, knots, floor, evaluate.scores(p, confidence, truth, floor))


def _calibration(logits: F32, truth: I64) -> tuple[float, list[tuple[float, float]]]:
    temperature = evaluate.temperature_of(logits, truth)
    p = evaluate.probabilities(logits, temperature)
    return round(temperature, 6), evaluate.knots_of(p.max(1), p.argmax(1) == truth)


def errors(logits: F32, truth: I64, kinds: Sequence[Labelled]) -> list[dict[str, str]]:
    """List the kinds labelled wrongly when held out, surest first: material for a second look at the corpus."""
    p = evaluate.probabilities(logits, 1.0)
    wrong = [i for i in np.argsort(-p.max(1), kind="stable").tolist() if p[i].argmax() != truth[i]]
    return [
        {
            "program": kinds[i].program,
            "leaf": kinds[i].leaf,
            "guess": LEAVES[int(p[i].argmax())],
            "probability": f"{p[i].max():.2f}",
            "template": kinds[i].kind.template,
        }
        for i in wrong
    ]


def training_facts(kinds: Sequence[Labelled], weak: int, seed: int, corpus_dir: Path) -> dict[str, Any]:
    """What a model was trained on and with: counts, hashes, versions."""
    leaves = Counter(row.leaf for row in kinds)
    return {
        "kinds": len(kinds),
        "programs": len({row.program for row in kinds}),
        "families": len({corpus.family(row.program) for row in kinds}),
        "how": dict(sorted(Counter(row.how for row in kinds).items())),
        "weak_patterns": weak,
        "leaves": {leaf: leaves[leaf] for leaf in LEAVES},
        "seed": seed,
        "corpus_sha256": corpus.data_hash(corpus.files(corpus_dir)),
        "phrases_sha256": corpus.data_hash([PHRASES]),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
    }
