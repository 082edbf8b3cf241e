"""Train the large stage: a sentence encoder fine-tuned on the leaves, and its head, calibrated beside tiny."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from classifiers.answers import LEAST, averaged
from classifiers.encoder import MODEL_FILE as ENCODER_FILE
from classifiers.encoder import Encoder
from classifiers.large import MODEL_FILE, Large
from classifiers.text import sentence
from classifiers.tiny import MODEL_FILE as TINY_FILE
from classifiers.tiny import Tiny
from classifiers.train import lineage
from classifiers.train.corpus import ToKind
from classifiers.train.dealt import Dealt, deal
from classifiers.train.evaluate import LEAVES, macro_f1
from classifiers.train.export import write_card
from classifiers.train.judge import facts, judge, told, weight_of_tiny
from schemas.registry import Kind
from schemas.taxonomy import taxonomy

F32 = npt.NDArray[np.float32]
Say = Callable[[str], None]
_OPSET, _IR = 17, 8


@dataclass(frozen=True)
class Base:
    """What to fine-tune: `name` is a folder or a name on the hub; `called`, `licence`: what the card says of it.

    A folder that `keep` left goes on from there, and is called what it was called at its start.
    """

    name: str
    called: str
    licence: str
    epochs: int | None = None


def train(
    corpus_dir: Path, out_dir: Path, to_kind: ToKind, seed: int = 0, say: Say = lambda line: None, *,
    base: Base | None = None, tiny: Tiny | None = None, keep: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fine-tune on the split `train`; write the head to `out_dir`, the encoder to the folder `encoder` beside it.

    Args:
        to_kind: the key function, as (program, message) -> kind.
        base: None: leave encoder and head as they are, and only calibrate them anew beside a new tiny model.
        tiny: the model that will serve beside it; the one in the folder `tiny` beside `out_dir` unless given.
        keep: where the network goes in float, for `train small` to start from, and a later training to go on from.

    Returns:
        The model card.

    Raises:
        CorpusError: the corpus cannot be used, or holds out what the base was trained on. OSError, ValueError: the
            base cannot.
    """
    dealt = deal(corpus_dir, to_kind)
    beside = tiny or Tiny.load(out_dir.parent / "tiny")
    if base is not None:
        _finetuned(dealt, out_dir, base, seed, keep, corpus_dir, say)
    say("calibrating beside tiny")
    return calibrated(dealt, out_dir, beside)


def calibrated(dealt: Dealt, out_dir: Path, tiny: Tiny) -> dict[str, Any]:
    """Choose the weight of tiny, the temperature, the line of confidence and the floor; write them into the card."""
    card = _card(out_dir)
    encoder = Encoder.load(out_dir.parent / "encoder")
    card["beside"] = {"encoder": encoder.card["files"][ENCODER_FILE], "tiny": tiny.card["files"][TINY_FILE]}
    write_card(out_dir / "card.json", card | {"floor": 0.0})
    served = Large.load(out_dir, encoder, tiny)
    at, asked = dealt.at("tune"), dealt.at("test")
    card |= together(served.alone, tiny, dealt, at, asked)
    card["scores_without_tiny"] = alone(served.alone(dealt.kinds(asked)), dealt, asked)
    write_card(out_dir / "card.json", card)
    return card


def together(said: Callable[[Sequence[Kind]], Any], tiny: Tiny, dealt: Dealt, at: Any, asked: Any) -> dict[str, Any]:
    """Calibrate a network's log-probabilities together with those of tiny, on the rows `at`; score the rows `asked`."""
    kinds, others = dealt.kinds(at), dealt.kinds(asked)
    network, cheap = said(kinds), np.log(tiny.scores(kinds) + LEAST)
    weight = weight_of_tiny(network, cheap, dealt.classes[at])
    tune = averaged(network, cheap, weight)
    test = averaged(said(others), np.log(tiny.scores(others) + LEAST), weight)
    found = judge(tune, dealt.classes[at], dealt.families(at), test, dealt.classes[asked])
    return {"weight_of_tiny": weight, **told(found)}


def alone(log_p: Any, dealt: Dealt, at: Any) -> dict[str, float]:
    """Score a network without tiny."""
    guess, truth = log_p.argmax(1), dealt.classes[at]
    return {
        "leaf_macro_f1": round(macro_f1(truth, guess), 4),
        "leaf_accuracy": round(float((truth == guess).mean()), 4),
    }


def _finetuned(
    dealt: Dealt, out_dir: Path, base: Base, seed: int, keep: Path | None, corpus_dir: Path, say: Say
) -> None:
    """Fine-tune a base, and write the encoder, the head and what cards can tell before calibration."""
    from classifiers.train.encoder import write_encoder
    from classifiers.train.finetune import finetune, settle
    from classifiers.train.network import SCALE, load, save
    from classifiers.train.recipes import for_large, of_labels
    from classifiers.train.zero import zero_shot

    training, how = facts(dealt, seed, corpus_dir), for_large(base.epochs)
    settle(seed)
    network, read = load(base.name)
    line = lineage.of(base.name) or lineage.Lineage(base.called, base.licence, zero_shot(network, read, dealt))
    line.check(dealt)
    say(f"the base as it was, by the nearest definition: {line.bare}")
    finetune(network, read, of_labels(dealt, seed), how, seed, say)
    told = {"base": line.base, "licence": line.licence, "trained_before": line.trainings, "training": training}
    if keep is not None:
        save(network, read, keep)
        lineage.keep(line.after(dealt, how.epochs, training), keep)
    write_encoder(network, read, out_dir.parent / "encoder", told)
    out_dir.mkdir(parents=True, exist_ok=True)
    table = network.head.weight.detach().numpy().T * SCALE
    card = _plain() | {"settings": asdict(how), **told, "base_by_nearest_definition": line.bare}
    card["files"] = {MODEL_FILE: write_head(out_dir / MODEL_FILE, table, network.head.bias.detach().numpy())}
    card["rounding"] = _rounding(network, read, dealt, out_dir)
    write_card(out_dir / "card.json", card)


def _rounding(network: Any, read: Any, dealt: Dealt, out_dir: Path) -> dict[str, float]:
    """Compare the network in float with the files, on the kinds of tune and test."""
    from classifiers.train.finetune import spoken
    from classifiers.train.served import rounding

    at = dealt.at("tune", "test")
    texts = [sentence(kind) for kind in dealt.kinds(at)]
    exact, said = spoken(network, read, texts)
    vectors = Encoder.load(out_dir.parent / "encoder").vectors(texts)
    logits = vectors @ (network.head.weight.detach().numpy().T * 16.0) + network.head.bias.detach().numpy()
    truth = dealt.classes[at]
    float_, int8 = macro_f1(truth, said.argmax(1)), macro_f1(truth, logits.argmax(1))
    told = {"leaf_macro_f1_float": float_, "leaf_macro_f1_int8": int8, "cosine_to_float": rounding(exact, vectors)}
    return {name: round(value, 4) for name, value in told.items()}


def _plain() -> dict[str, Any]:
    return {
        "name": "large",
        "what": "linear head on the fine-tuned encoder's vector, averaged with tiny in log space",
        "labels": list(LEAVES),
        "taxonomy": taxonomy().hash,
    }


def _card(out_dir: Path) -> dict[str, Any]:
    from classifiers.card import read_card

    return read_card(out_dir)


def write_head(path: Path, table: F32, bias: F32) -> str:
    """Write a head: input `vector` (kinds, width), output `log_probability` (kinds, leaves); give its sha256."""
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
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR, producer_name="dioptre")
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
