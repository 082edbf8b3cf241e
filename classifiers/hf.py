"""A Hugging Face text classifier as the large stage, by folder or by name on the hub; its labels are our leaves.

A folder that holds `model.onnx` and `tokenizer.json` is served by onnxruntime and needs nothing more. Any other needs
the extra `hf` (transformers and torch). Weights are read from safetensors, never from pickles.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.card import ModelError
from classifiers.serving import Lazy, Served
from classifiers.verify import not_a_label
from schemas.registry import Kind, Verdict
from schemas.taxonomy import taxonomy

F64 = npt.NDArray[np.float64]
CONFIG, TOKENIZER = "config.json", "tokenizer.json"
MOST_TOKENS = 128
"""Of a kind; what a longer one is about stands at its front."""

_ONNX = ("model.onnx", "onnx/model.onnx")
_TEXT = 2048  # characters that are handed on: a tokenizer takes seconds for 64 KiB


class HuggingFace:
    """A text classifier, asked one kind after another, so that an answer does not depend on its neighbours.

    Args:
        logits: gives those of a text, (labels,).
    """

    name = "large"

    def __init__(self, labels: tuple[str, ...], model: str, logits: Callable[[str], npt.ArrayLike]) -> None:
        self.labels, self.model, self._logits = labels, model, logits

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        """Give the likeliest leaf of every kind, with its probability."""
        p = self.scores(kinds)
        best = p.argmax(1) if len(kinds) else np.zeros(0, np.int64)
        return [
            Verdict(self.labels[i], round(float(row[i]), 4), self.name, self.model)
            for i, row in zip(best.tolist(), p, strict=True)
        ]

    def scores(self, kinds: Sequence[Kind]) -> F64:
        """Probabilities (n, labels), columns in the order of `labels`; rows sum to 1."""
        out = np.zeros((len(kinds), len(self.labels)))
        for row, kind in zip(out, kinds, strict=True):
            x = np.asarray(self._logits(text_of(kind)), np.float64)
            e = np.exp(x - x.max())
            row[:] = e / e.sum()
        return out


def text_of(kind: Kind) -> str:
    """Give the text that the model reads: the program, a colon, the template with its holes as `<*>`."""
    text = f"{kind.app}: {kind.template}" if kind.app else kind.template
    return text[:_TEXT].encode("utf-8", "replace").decode("utf-8")


def served(name: str) -> Served:
    """Make a stage of a model by folder or by name, without loading it.

    Raises:
        ModelError: it is not there, or a label of it is no leaf; the message says what would be right.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        tree, model = _config(folder), f"hf:{_hash(folder)[:8]}"
    else:
        tree, model = _hub_config(name)
    labels = labels_of(name, tree)
    return Served("large", labels, model, Lazy(partial(_load, name, labels, model)))


def labels_of(name: str, tree: dict[str, Any]) -> tuple[str, ...]:
    """Read the labels of a model, in the order of its outputs.

    Raises:
        ModelError: there are none, one is no leaf, or they are not those of output 0, 1 and so on.
    """
    said = tree.get("id2label") or {}
    found = {str(i): str(label) for i, label in said.items()} if isinstance(said, dict) else None
    outputs = [str(i) for i in range(len(said) if found else 0)]
    if found is None or set(found) != set(outputs):
        raise ModelError(f'{name}: id2label = {str(said)[:80]}; {{"0": leaf, "1": leaf, ...}} would be right')
    labels = tuple(found[i] for i in outputs)
    strange = [label for label in labels if label not in taxonomy().leaves]
    if strange or len(labels) < 2 or len(set(labels)) < len(labels):
        why = f"{len(strange)} of its {len(labels)} labels: {not_a_label(strange[0])}" if strange else "no labels"
        raise ModelError(f"{name}: {why}; id2label with leaves of the taxonomy, each once, would be right")
    return labels


def _config(folder: Path) -> dict[str, Any]:
    try:
        tree = json.loads((folder / CONFIG).read_bytes())
        if not isinstance(tree, dict):
            raise ValueError(f"{str(tree)[:40]} is no JSON object")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{folder / CONFIG}: {error}; a folder as `save_pretrained` writes it would be right"
        ) from None
    return tree


def _hash(folder: Path) -> str:
    """The sha256 of all files but hidden ones and READMEs: weights that a graph names may have any suffix."""
    digest = hashlib.sha256()
    shown = (p for p in folder.rglob("*") if not any(part[0] == "." for part in p.relative_to(folder).parts))
    for path in sorted(p for p in shown if p.suffix != ".md" and p.is_file()):
        digest.update(f"{path.name}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _load(name: str, labels: tuple[str, ...], model: str) -> HuggingFace:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return HuggingFace(labels, model, _by_torch(name, model.rpartition("@")[2] or None))
    _same(folder, model)
    made = HuggingFace(labels, model, _of_folder(folder))
    _same(folder, model)  # again: they were read by path, after they were hashed
    return made


def _same(folder: Path, model: str) -> None:
    if f"hf:{_hash(folder)[:8]}" != model:
        raise ModelError(f"{folder}: its files changed since {model}; start again to use them")


def _of_folder(folder: Path) -> Callable[[str], npt.ArrayLike]:
    onnx = next((folder / path for path in _ONNX if (folder / path).exists()), None)
    if onnx is not None and (folder / TOKENIZER).exists():
        return _by_onnx(folder, onnx)
    return _by_torch(str(folder), None)


def _by_onnx(folder: Path, file: Path) -> Callable[[str], npt.ArrayLike]:
    import onnxruntime
    from tokenizers import Tokenizer

    tokens = Tokenizer.from_file(str(folder / TOKENIZER))
    tokens.enable_truncation(MOST_TOKENS)
    tokens.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    wanted = {one.name for one in session.get_inputs()}

    def logits(text: str) -> npt.ArrayLike:
        ids = np.array([tokens.encode(text).ids], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        out: npt.ArrayLike = session.run(None, {k: v for k, v in feed.items() if k in wanted})[0][0]
        return out

    return logits


def _by_torch(name: str, revision: str | None) -> Callable[[str], npt.ArrayLike]:
    torch, transformers = _extra()
    try:
        tokens = transformers.AutoTokenizer.from_pretrained(name, revision=revision)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            name, revision=revision, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: {str(error).strip().splitlines()[0]}") from None
    model.eval()

    def logits(text: str) -> npt.ArrayLike:
        with torch.inference_mode():
            found = tokens(text, truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
            out: npt.ArrayLike = model(**found).logits[0].float().numpy()
            return out

    return logits


def _hub_config(name: str) -> tuple[dict[str, Any], str]:
    """Ask the hub for a model's labels and its present revision, which is what is used from now on."""
    _, transformers = _extra()
    try:
        config = transformers.AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: no such folder, and {str(error).strip().splitlines()[0]}") from None
    return {"id2label": config.id2label}, f"hf:{name}@{getattr(config, '_commit_hash', None) or ''}"


def _extra() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise ModelError(
            f"a Hugging Face model needs {error.name}: `pip install 'dioptre[hf]'` brings it; "
            "a folder with model.onnx and tokenizer.json needs neither"
        ) from None
    return torch, transformers
