"""Calibrate held-out answers, choose the floor, and write down what a card tells about a training."""

import platform
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.answers import averaged
from classifiers.train import corpus, evaluate
from classifiers.train.corpus import Labelled
from classifiers.train.dealt import Dealt
from classifiers.train.evaluate import LEAVES
from classifiers.train.phrases import FILE as PHRASES

I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
Logits = npt.NDArray[Any]  # float32 or float64
_LIBRARIES = ("numpy", "scipy", "onnx", "onnxruntime", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Judged:
    """How to read a model's logits: temperature, the line from probability to confidence, the floor; and its scores."""

    temperature: float
    knots: list[tuple[float, float]]
    floor: float
    scores: dict[str, Any]


PRECISION = 0.8
"""Share of answers that should be right above the floor, on programs never met."""

_PARTS = 4
_WEIGHTS = np.arange(0.0, 1.0, 0.05)


def judge(tune: Logits, truth: I64, families: Sequence[str], test: Logits, test_truth: I64) -> Judged:
    """Calibrate on the logits (n, leaves) of `tune`, and score on those of `test`.

    The floor is that of calibrations that did not see the families they are judged on.
    """
    fold = evaluate.folds(families, min(_PARTS, len(set(families))), 0)
    confidence, right = np.zeros(len(truth)), np.zeros(len(truth), np.bool_)
    for k in np.unique(fold):
        here = fold == k
        temperature, knots = _calibration(tune[~here], truth[~here]) if (~here).any() else _calibration(tune, truth)
        p = evaluate.probabilities(tune[here], temperature)
        confidence[here], right[here] = evaluate.calibrated(p.max(1), knots), p.argmax(1) == truth[here]
    floor = evaluate.floor_of(confidence, right, PRECISION)
    temperature, knots = _calibration(tune, truth)
    p = evaluate.probabilities(test, temperature)
    scores = evaluate.scores(p, evaluate.calibrated(p.max(1), knots), test_truth, floor)
    return Judged(temperature, knots, floor, scores)


def weight_of_tiny(network: Logits, tiny: Logits, truth: I64) -> float:
    """Choose how much tiny counts in the average: where the labels of `tune` are likeliest, each weight cooled."""
    rows = np.arange(len(truth))
    losses = []
    for weight in _WEIGHTS:
        both = averaged(network, tiny, float(weight))
        p = evaluate.probabilities(both, evaluate.temperature_of(both, truth))
        losses.append(-np.log(p[rows, truth] + 1e-12).mean())
    return round(float(_WEIGHTS[int(np.argmin(losses))]), 2)


def _calibration(logits: Logits, truth: I64) -> tuple[float, list[tuple[float, float]]]:
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


def facts(dealt: Dealt, seed: int, corpus_dir: Path, **more: object) -> dict[str, Any]:
    """What a model was trained on and with: counts, hashes, versions; `more` stands among them."""
    at = dealt.at("train")
    rows = [dealt.rows[i] for i in at.tolist()]
    leaves = Counter(row.leaf for row in rows)
    return {
        "split": "train; stopping, averages and calibration on tune",
        "kinds": len(rows),
        "programs": len({row.program for row in rows}),
        "families": len(set(dealt.families(at))),
        "how": dict(sorted(Counter(row.how for row in rows).items())),
        **more,
        "leaves": {leaf: leaves[leaf] for leaf in LEAVES},
        "seed": seed,
        "corpus_sha256": corpus.data_hash([*corpus.files(corpus_dir), corpus_dir / corpus.SPLITS_FILE]),
        "phrases_sha256": corpus.data_hash([PHRASES]),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def told(found: Judged) -> dict[str, Any]:
    """How a card tells of a calibration and of the scores that go with it."""
    return {
        "temperature": found.temperature,
        "confidence": found.knots,
        "floor": found.floor,
        "scores_unseen_programs": {
            "how": "the programs of the split `test`: no model was fitted or calibrated on them",
            **found.scores,
        },
    }


def _versions() -> dict[str, str]:
    out = {}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            out[name] = version(name)
    return out
