"""Write a trained network as serving reads it: ONNX, weights in int8 a step a channel, and the tokenizer's file."""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from classifiers.train.network import Network

_OPSET = 17


class _Words(nn.Module):
    """The table of word pieces, in int8 with one float16 step a piece."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        step = (table.abs().amax(1, keepdim=True) / 127).clamp_min(1e-8).half()
        self.register_buffer("table", torch.round(table / step.float()).clamp(-127, 127).to(torch.int8))
        self.register_buffer("step", step)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table[ids].float() * self.step[ids].float()


class _Vector(nn.Module):
    """The token ids of one text -> its vector, (1, width)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self.words = network, _Words(network.words.weight.detach())

    def forward(self, ids: Tensor) -> Tensor:
        return self._said(ids)[0]

    def _said(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        x = self.network.norm(self.words(ids)[None] + self.network.places[: ids.shape[0]])
        return self.network.upper(x, None, 0)


class _Label(_Vector):
    """The token ids of one text -> log-probabilities of the leaves, (1, leaves)."""

    def forward(self, ids: Tensor) -> Tensor:
        return torch.log_softmax(self._said(ids)[1], 1)


def write_vectors(network: Network, path: Path) -> str:
    """Write a network that gives vectors: input `input_ids` (tokens,), output `embedding` (1, width); its sha256."""
    return _write(_Vector(network), path, "embedding")


def write_labels(network: Network, path: Path) -> str:
    """Write a network that gives `log_probability` (1, leaves) of `input_ids` (tokens,); its sha256."""
    return _write(_Label(network), path, "log_probability")


def write_tokenizer(tokens: Any, path: Path, pieces: Sequence[int] | None = None) -> str:
    """Write a tokenizer's file, of some of its word pieces alone if `pieces` tells which; its sha256."""
    told = json.loads(tokens.to_str())
    told["truncation"] = told["padding"] = None
    if pieces is not None:
        _trim(told, pieces)
    path.write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")), "utf-8")
    return sha256(path)


def pieces_of(tokens: Any, texts: Iterable[str], most: int) -> list[int]:
    """Choose the word pieces that a smaller table keeps, in their old order.

    What a tokenizer cannot do without (its special pieces, single characters) comes first, then what `texts` say
    oftenest, then the low numbers, which are the common words of the language.
    """
    vocabulary: dict[str, int] = tokens.get_vocab(with_added_tokens=True)
    special = {token["id"] for token in json.loads(tokens.to_str())["added_tokens"]}
    single = {i for piece, i in vocabulary.items() if len(piece.removeprefix("##")) == 1 and piece.isascii()}
    said = Counter(i for found in tokens.encode_batch(list(texts)) for i in found.ids)
    ranked = sorted(vocabulary.values(), key=lambda i: (-said[i], i))
    chosen = sorted(special | single)
    return sorted([*chosen, *[i for i in ranked if i not in special | single][: most - len(chosen)]])


def sha256(path: Path) -> str:
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _trim(told: dict[str, Any], pieces: Sequence[int]) -> None:
    """Number the pieces that stay anew, wherever a tokenizer's file names their numbers."""
    new = {old: at for at, old in enumerate(pieces)}
    vocabulary = sorted(told["model"]["vocab"].items(), key=lambda item: item[1])
    told["model"]["vocab"] = {piece: new[i] for piece, i in vocabulary if i in new}
    for token in told["added_tokens"]:
        token["id"] = new[token["id"]]
    for special in (told["post_processor"].get("special_tokens") or {}).values():
        special["ids"] = [new[i] for i in special["ids"]]
    for name in ("sep", "cls"):  # of a post-processor of the older kind
        if isinstance(told["post_processor"].get(name), list):
            told["post_processor"][name][1] = new[told["post_processor"][name][1]]


def _write(model: nn.Module, path: Path, output: str) -> str:
    """Export in float, then round the matrices: a step a channel, for one a tensor costs accuracy."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model.eval()
    with tempfile.TemporaryDirectory() as aside:
        whole = Path(aside) / "float.onnx"
        torch.onnx.export(
            model, (torch.arange(8),), str(whole), dynamo=False, opset_version=_OPSET,
            input_names=["input_ids"], output_names=[output], dynamic_axes={"input_ids": {0: "tokens"}},
        )  # fmt: skip
        quantize_dynamic(
            whole, path, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"],
            extra_options={"MatMulConstBOnly": True},
        )  # fmt: skip
    return sha256(path)


def rounding(exact: Any, rounded: Any) -> float:
    """Give the mean cosine between the rows of two matrices."""
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded, axis=1)
    return float(((exact * rounded).sum(1) / norms).mean())
