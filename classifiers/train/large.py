"""Train the large stage: a linear head on the encoder's vectors, calibrated together with the tiny stage."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.encoder import MODEL_FILE as ENCODER_FILE
from classifiers.encoder import Encoder
from classifiers.large import MODEL_FILE, averaged, large_text
from classifiers.tiny import MODEL_FILE as TINY_FILE
from classifiers.tiny import Tiny
from classifiers.train import corpus, evaluate, tiny
from classifiers.train.corpus import ToKind
from classifiers.train.evaluate import LEAVES
from classifiers.train.export import write_card
from classifiers.train.judge import Judged, judge, training_facts
from classifiers.train.phrases import patterns
from schemas.taxonomy import taxonomy

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STRENGTH = 30.0
"""Greater trusts the rows more, the prior less; 10 to 100 score alike over folds by program."""

_LEAST = 1e-9
_OPSET, _IR = 17, 8


def train(
    corpus_dir: Path,
    out_dir: Path,
    to_kind: ToKind,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
    beside: tuple[Encoder, Tiny] | None = None,
) -> dict[str, Any]:
    """Train, and write `model.onnx` and `card.json` to a folder.

    Scores come from folds by program over the whole corpus: every kind is judged by a head and by a tiny model that
    never met its program.

    Args:
        to_kind: the key function, as (program, message) -> kind.
        seed: of the folds; that of the tiny model beside, so that both are judged by the same folds.
        beside: encoder and tiny model that will serve with the head; the packaged ones unless given.

    Returns:
        The model card.

    Raises:
        CorpusError: the corpus cannot be used.
    """
    encoder, served = beside or (Encoder.load(), Tiny.load())
    with threadpool_limits(limits=1):
        kinds, _ = corpus.read(corpus_dir, to_kind)
        say(f"{len(kinds)} kinds of {len({row.program for row in kinds})} programs; giving them vectors")
        vectors = encoder.vectors([large_text(row.kind) for row in kinds])
        data = tiny._data(kinds, patterns(seed))
        truth, weight = data.classes[: len(kinds)], tiny._row_weights(kinds)
        fold = evaluate.folds([corpus.family(row.program) for row in kinds], tiny.FOLDS, seed)
        say("tiny, held out")
        rows, _ = tiny._rows(data)
        logits = tiny._held_out(rows, data, fold, say)
        cheap = np.log(evaluate.probabilities(logits, float(served.card["temperature"])) + _LEAST)
        say("the head, held out")
        head = _held_out(vectors, truth, weight, fold)
        heat = evaluate.temperature_of(head, truth)
        found = judge(_both(head, cheap, heat), truth, fold, tiny.PRECISION)
        say("fitting on everything")
        table, bias = _fitted(vectors, truth, weight)
    card = _card(found, encoder, served, kinds_facts=training_facts(kinds, 0, seed, corpus_dir))
    out_dir.mkdir(parents=True, exist_ok=True)
    card["files"] = {MODEL_FILE: _write(out_dir / MODEL_FILE, table / heat, bias / heat)}
    write_card(out_dir / "card.json", card)
    return card


def _both(head: F32, cheap: F64, heat: float) -> F32:
    """Average the held-out log-probabilities of head and tiny, as serving does."""
    return averaged(np.log(evaluate.probabilities(head, heat) + _LEAST), cheap).astype(np.float32)


def _fitted(vectors: F32, classes: Ints, weight: npt.NDArray[np.float64]) -> tuple[F32, F32]:
    """Fit weights (width, leaves) and bias (leaves,); a leaf that no row has is out of the question."""
    model = LogisticRegression(C=STRENGTH, max_iter=200).fit(vectors, classes, sample_weight=weight)
    table, bias = np.zeros((vectors.shape[1], len(LEAVES)), np.float32), np.full(len(LEAVES), -20.0, np.float32)
    table[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return table, bias


def _held_out(vectors: F32, classes: Ints, weight: npt.NDArray[np.float64], fold: Ints) -> F32:
    """Logits of every kind from heads that never met its program's family."""
    out = np.zeros((len(classes), len(LEAVES)), np.float32)
    for k in range(tiny.FOLDS):
        seen = fold != k
        table, bias = _fitted(vectors[seen], classes[seen], weight[seen])
        out[~seen] = vectors[~seen] @ table + bias
    return out


def _card(found: Judged, encoder: Encoder, served: Tiny, kinds_facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "large",
        "what": "linear head on the encoder's vectors of program and message, averaged with tiny in log space",
        "labels": list(LEAVES),
        "taxonomy": taxonomy().hash,
        "beside": {"encoder": encoder.card["files"][ENCODER_FILE], "tiny": served.card["files"][TINY_FILE]},
        "settings": {"strength": STRENGTH, "weight_of_tiny": 0.5, "family_power": tiny.FAMILY_POWER},
        "temperature": found.temperature,
        "confidence": found.knots,
        "floor": found.floor,
        "training": kinds_facts,
        "scores_unseen_programs": {
            "how": f"{tiny.FOLDS} folds by program family over the whole corpus; the file is trained on everything",
            **found.scores,
        },
    }


def _write(path: Path, table: F32, bias: F32) -> str:
    """Write the head: input `vector` (kinds, width), output `log_probability` (kinds, leaves); give its sha256."""
    constants = {"table": table.astype(np.float32), "bias": bias.astype(np.float32)}
    nodes = [
        helper.make_node("MatMul", ["vector", "table"], ["sum"], name="sum"),
        helper.make_node("Add", ["sum", "bias"], ["logits"], name="logits"),
        helper.make_node("LogSoftmax", ["logits"], ["log_probability"], name="log_probability", axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["kinds", table.shape[0]])],
        [helper.make_tensor_value_info("log_probability", TensorProto.FLOAT, ["kinds", len(bias)])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR, producer_name="dioptre")
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
