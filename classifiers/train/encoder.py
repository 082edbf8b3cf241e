"""Make the encoder: a sentence encoder of the MiniLM class, exported to ONNX and rounded to int8, a step a channel."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from transformers import AutoModel, AutoTokenizer

from classifiers.encoder import MODEL_FILE, MOST_TOKENS, TOKENIZER_FILE
from classifiers.train.export import write_card

_PROBES = (
    "failed password for invalid user from port",
    "out of memory killed process",
    "connection refused while connecting to upstream",
)


class _Pooled(torch.nn.Module):
    """Token ids to one vector of length 1: the mean of the last layer."""

    def __init__(self, body: torch.nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return torch.nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=1)


def export(base: str, out_dir: Path, *, name: str, licence: str) -> dict[str, Any]:
    """Write `model.onnx`, `tokenizer.json` and `card.json` of a sentence encoder to a folder.

    Args:
        base: a local folder of a transformers model, or its name on the hub.
        name, licence: what the base is called where it comes from, and the terms it stands under; the card says both.

    Returns:
        The card. `cosine_to_float`: how near the int8 vectors are to the float ones, on probes; below .98 is suspect.
    """
    body = AutoModel.from_pretrained(base, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(base)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as aside:
        whole = Path(aside) / "float.onnx"
        _to_onnx(_Pooled(body), whole)
        _to_int8(whole, out_dir / MODEL_FILE)
        near = _nearness(tokenizer, whole, out_dir / MODEL_FILE)
        tokenizer.backend_tokenizer.save(str(Path(aside) / TOKENIZER_FILE))
        told = json.loads((Path(aside) / TOKENIZER_FILE).read_text("utf-8"))
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        (out_dir / TOKENIZER_FILE).write_text(text, "utf-8")
    card = {
        "name": "encoder",
        "what": "words of a kind -> a vector of length 1; near means alike",
        "base": name,
        "licence": licence,
        "width": int(body.config.hidden_size),
        "most_tokens": MOST_TOKENS,
        "cosine_to_float": round(near, 4),
        "files": {name: _sha(out_dir / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
    }
    write_card(out_dir / "card.json", card)
    return card


def _to_onnx(model: torch.nn.Module, path: Path) -> None:
    ids = torch.ones(2, 8, dtype=torch.long)
    free = {0: "kinds", 1: "tokens"}
    torch.onnx.export(
        model, (ids, torch.ones_like(ids)), str(path), dynamo=False, opset_version=17,
        input_names=["input_ids", "attention_mask"], output_names=["embedding"],
        dynamic_axes={"input_ids": free, "attention_mask": free, "embedding": {0: "kinds"}},
    )  # fmt: skip


def _to_int8(whole: Path, path: Path) -> None:
    """Round the weights channel by channel; a step a tensor costs accuracy (cosine to float .957 for .992)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(whole, path, per_channel=True, weight_type=QuantType.QInt8)


def _nearness(tokenizer: Any, *models: Path) -> float:
    """Give the mean cosine between the vectors of two models on the probes."""
    vectors = []
    for path in models:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        rows = [np.array([tokenizer(probe)["input_ids"]], np.int64) for probe in _PROBES]
        vectors.append([session.run(None, {"input_ids": r, "attention_mask": np.ones_like(r)})[0][0] for r in rows])
    return float((np.array(vectors[0]) * np.array(vectors[1])).sum(1).mean())


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
